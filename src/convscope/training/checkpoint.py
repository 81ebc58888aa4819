"""Checkpoints: the whole state of a training in one safetensors file, which is replaced atomically."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn
from torch.optim import Optimizer

from ..bundle import check_tensors
from ..distributed import ALONE, Processes, like_parameter, load_whole, whole
from ..errors import ModelFileError, printable
from ..files import write_atomically

STATE = "state.safetensors"


class OtherImagesError(ModelFileError):
    """A checkpoint was made with other classes or other images than those at hand."""


@dataclass
class Progress:
    """How far a training is: whole epochs, steps of the current one, and what was measured so far.

    `loss_sum`, `correct` and `seen` are sums over the current epoch's images, `images` is the number of all images
    shown. `seconds` is the time of training alone, `elapsed` of everything. `best` is the best monitored figure, larger
    is better, and `improved` its epoch; `best_epoch` is that whose weights are kept. `fitted` are the figures of the
    single validation images with a last layer that was fitted first. `history` has a row per epoch, with the columns of
    metrics.csv.
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    elapsed: float = 0.0
    images: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    seen: int = 0
    best: float | None = None
    improved: int = 0
    best_epoch: int = 0
    fitted: list[float] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass
class State:
    """The objects whose state a training needs to go on exactly as if it had never stopped.

    `identity` is a record of the classes and images. Of several `processes` the main one writes, with the random state
    of each.
    """

    network: nn.Module
    optimizer: Optimizer
    scaler: torch.amp.GradScaler
    average: nn.Module | None
    identity: str
    processes: Processes = ALONE

    def save(self, folder: Path, progress: Progress) -> None:
        """Replace the checkpoint in `folder`; OutputError if it cannot be written, and the older one stays."""
        generators, is_main = self.processes.gathered(_generators()), self.processes.is_main
        tensors: dict[str, Tensor] = {f"network.{name}": t for name, t in self.network.state_dict().items()}
        if self.average is not None:
            tensors |= {f"average.{name}": t for name, t in self.average.state_dict().items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"optimizer.{number}.{name}"] = torch.as_tensor(value)
        with self.processes.failing():
            tensors = whole(tensors, keep=is_main)
        if not is_main:
            return
        for rank, states in enumerate(generators):
            tensors |= {f"{name}{_suffix(rank)}": state for name, state in states.items()}
        _write(folder, tensors, progress, {"identity": self.identity, "scaler": json.dumps(self.scaler.state_dict())})

    def load(self, folder: Path) -> Progress:
        """Load a checkpoint into these objects and torch's generators; ModelFileError if it is not of this run."""
        tensors, metadata = _read(folder)
        shown = printable(folder / STATE)
        if metadata.get("identity") != self.identity:
            difference = _difference(metadata.get("identity", ""), self.identity)
            raise OtherImagesError(
                f"{shown} was made with other classes or other images than these: give the data that the run started "
                f"with, or start a new run without --resume{difference}"
            )
        load_weights(tensors, self.network, shown)
        if self.average is not None:
            load_weights(tensors, self.average, shown, "average.")
        try:
            state = self._optimizer_state(tensors)
            groups = self.optimizer.state_dict()["param_groups"]
            self.optimizer.load_state_dict({"state": state, "param_groups": groups})
            scales = json.loads(metadata["scaler"])
            if self.scaler.is_enabled() and scales:  # none if the run was not in fp16 until now
                self.scaler.load_state_dict(scales)
            progress = Progress(**json.loads(metadata["progress"]))
            self._set_generators(tensors)
        except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as problem:
            raise ModelFileError(f"{shown} is no checkpoint of this program ({printable(problem)[:100]})") from problem
        return progress

    def _set_generators(self, tensors: dict[str, Tensor]) -> None:
        """Set torch's generators as they were; those of a process that there was not keep the state of its seed."""
        suffix = _suffix(self.processes.rank)
        if not suffix or f"random.cpu{suffix}" in tensors:
            torch.set_rng_state(tensors[f"random.cpu{suffix}"])
        if torch.cuda.is_initialized() and f"random.cuda{suffix}" in tensors:
            torch.cuda.set_rng_state(tensors[f"random.cuda{suffix}"])

    def _optimizer_state(self, tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
        """Return the optimizer's part of a checkpoint by the number of the parameter.

        A tensor that belongs to a kernel gets the kernel's memory layout, which fused optimizers rely on.
        """
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                number, key = name.removeprefix("optimizer.").split(".", 1)
                parameter = parameters[int(number)]
                if tensor.shape == parameter.shape:
                    tensor = like_parameter(tensor, parameter)
                state.setdefault(int(number), {})[key] = tensor.detach()
        return state


def save_weights(folder: Path, weights: dict[str, Tensor], progress: Progress, processes: Processes = ALONE) -> None:
    """Replace the checkpoint in `folder` by one of weights alone; OutputError if it cannot be written.

    Of several `processes`, which all have to call it, the main one writes.
    """
    with processes.failing():
        tensors = whole(weights, keep=processes.is_main)
    if processes.is_main:
        _write(folder, {f"network.{name}": tensor for name, tensor in tensors.items()}, progress, {})


def read_weights(folder: Path, network: nn.Module) -> None:
    """Load the weights of a checkpoint into a network; ModelFileError if they do not fit."""
    load_weights(_read(folder)[0], network, printable(folder / STATE))


def load_weights(tensors: dict[str, Tensor], network: nn.Module, where: str, prefix: str = "network.") -> None:
    """Load the tensors named `network.*` into the network; ModelFileError if a name, shape or type differs."""
    own = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    check_tensors(own, network.state_dict(), where, type(network).__name__)
    load_whole(network, own)


def has_checkpoint(folder: Path) -> bool:
    """Return whether there is a checkpoint to go on from."""
    return (folder / STATE).is_file()


def _generators() -> dict[str, Tensor]:
    """Return the states of torch's generators in this process, on the current device where it computes by CUDA."""
    states = {"random.cpu": torch.get_rng_state()}
    return states | ({"random.cuda": torch.cuda.get_rng_state()} if torch.cuda.is_initialized() else {})


def _suffix(rank: int) -> str:
    return f".{rank}" if rank else ""


def _write(folder: Path, tensors: dict[str, Tensor], progress: Progress, metadata: dict[str, str]) -> None:
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(folder / STATE, save_tensors(content, {"progress": json.dumps(asdict(progress)), **metadata}))


def _read(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    path = folder / STATE
    try:
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {}) if length < len(content) else {}
        return load_tensors(content), metadata
    except (OSError, SafetensorError, ValueError, RuntimeError) as problem:
        raise ModelFileError(f"{printable(path)}: damaged or no checkpoint ({printable(problem)[:100]})") from problem


def _difference(before: str, now: str) -> str:
    try:
        old, new = json.loads(before), json.loads(now)
    except ValueError:
        return " (its record is damaged)"
    changed = [key for key in new if old.get(key) != new[key] and key != "content"]
    differences = [f"{key}: {_told(old.get(key))[:60]} in the run, {_told(new[key])[:60]} now" for key in changed]
    return f" ({'; '.join(differences)})" if differences else ""


def _told(value: object) -> str:
    if isinstance(value, dict):
        return printable(", ".join(f"{count} {name}" for name, count in value.items()))
    return printable(", ".join(map(str, value)) if isinstance(value, list) else str(value))
