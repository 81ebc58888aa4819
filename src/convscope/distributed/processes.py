"""What the processes of one training do together, by torch.distributed; a process that is alone does it by itself."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist

from ..errors import DeviceError
from .heartbeat import Heartbeat
from .sharded import is_sharded

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """The processes of one training, as the one of number `rank` (0 to `count` - 1) sees them.

    `local_rank` is the number among the processes of this machine. Rank 0, the main process, writes and prints. Every
    method that exchanges something has to be called by all processes, in the same order. If a process has ended or does
    not answer, the others get DeviceError, or end with its exit code where they cannot go on.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    heartbeat: Heartbeat | None = None

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    def device_name(self, name: str) -> str:
        """Return the name of this process's device: `auto` and `cuda` are the CUDA device of its local rank.

        A launcher may also let every process see a device of its own alone, as `srun --gpus-per-task 1` does.
        """
        if self.count == 1 or name not in ("auto", "cuda") or not torch.cuda.is_available():
            return name
        if torch.cuda.device_count() == 1:
            return "cuda:0"
        if self.local_rank >= torch.cuda.device_count():
            raise DeviceError(
                f"{torch.cuda.device_count()} CUDA devices for more processes on this machine: "
                "start one process per device, or give --device cpu"
            )
        return f"cuda:{self.local_rank}"

    def own_part(self, indices: Tensor) -> Tensor:
        """Return this process's part of the indices of a batch; the parts differ in length by one at most."""
        return indices if self.count == 1 else indices.tensor_split(self.count)[self.rank]

    def from_main(self, value: T) -> T:
        """Return the main process's `value` in every process."""
        if self.count == 1:
            return value
        box: list[Any] = [value if self.is_main else None]
        with self.failing():
            dist.broadcast_object_list(box, src=0)
        return box[0]

    def gathered(self, value: T) -> list[T]:
        """Return the values of all processes, by rank."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        with self.failing():
            dist.all_gather_object(values, value)
        return values

    def summed(self, values: Sequence[float]) -> list[float]:
        """Return the sums of some numbers over all processes."""
        return self._reduced(values, dist.ReduceOp.SUM)

    def largest(self, values: Sequence[float]) -> list[float]:
        """Return the largest of some numbers over all processes."""
        return self._reduced(values, dist.ReduceOp.MAX)

    def from_main_number(self, value: float) -> float:
        """Return the main process's number in every process; quicker than `from_main`."""
        return self.largest([value if self.is_main else -math.inf])[0]

    def _reduced(self, values: Sequence[float], operation: Any) -> list[float]:
        if self.count == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64)
        with self.failing():
            dist.all_reduce(tensor, operation)
        return tensor.tolist()

    def with_averaged_gradients(self, network: nn.Module, device: torch.device, all_used: bool) -> nn.Module:
        """Return the network as one whose backward pass averages the gradients over all processes (DDP).

        All begin with the weights of the main process. Unless `all_used`, a step may leave out parameters that are
        frozen or that no output depends on.
        """
        if self.count == 1:
            return network
        # Kernels with a single channel are laid out in two equal ways; torch warns of it in every training.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        devices = [device] if device.type == "cuda" else None
        with self.failing():
            return nn.parallel.DistributedDataParallel(network, device_ids=devices, find_unused_parameters=not all_used)

    def averaging(self, network: object, is_last: bool) -> contextlib.AbstractContextManager[Any]:
        """Return the context of a backward pass whose gradients are averaged over the processes if it is the last.

        The gradients of the passes before it are only added up, in each process by itself.
        """
        if isinstance(network, nn.Module) and is_sharded(network):
            network.set_requires_gradient_sync(is_last)  # type: ignore[operator]
        elif not is_last and isinstance(network, nn.parallel.DistributedDataParallel):
            return network.no_sync()
        return contextlib.nullcontext()

    @torch.no_grad()
    def copy_from_main(self, network: nn.Module) -> None:
        """Give the network in every process the parameters and buffers of the main process.

        Of a network whose weights are divided, the buffers alone: no process has another's weights.
        """
        if self.count == 1:
            return
        tensors = network.buffers() if is_sharded(network) else network.state_dict().values()
        with self.failing():
            for tensor in tensors:
                dist.broadcast(tensor, src=0)

    @contextlib.contextmanager
    def main_first(self) -> Iterator[None]:
        """Let one process per machine run the body of the `with` first: what it leaves on the disk serves the rest."""
        if self.count == 1:
            yield
            return
        if self.local_rank:
            self._wait_for_all()
        yield
        if not self.local_rank:
            self._wait_for_all()
        self._wait_for_all()

    def _wait_for_all(self) -> None:
        self.largest([0.0])

    def end(self) -> None:
        """Say to the other processes that this one ends on purpose."""
        if self.heartbeat is not None:
            self.heartbeat.end()

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """Turn what torch raises inside the `with` because another process has ended into a DeviceError."""
        try:
            yield
        except RuntimeError as problem:
            missing = self.heartbeat.missing() if self.heartbeat is not None else []
            if not missing:
                raise
            raise DeviceError(f"{missing[0]}: start it again; what was saved is kept, see --resume") from problem


ALONE = Processes()
