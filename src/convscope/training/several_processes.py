"""What a training needs to know of its run folder when several processes train together, or are started again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..classifier import load
from ..distributed import Processes, launch_id, restarts, shard
from ..errors import DeviceError, UsageError, printable
from ..run_folder import RunFolder
from .checkpoint import Progress
from .context import TrainingContext
from .results import Run


def interrupted_run(processes: Processes, output: Path) -> Path | None:
    """Return the run that this launch had begun in `output` before torchrun started its processes again."""
    found = None
    if restarts() and processes.is_main and output.is_dir():
        folders = [RunFolder(path) for path in output.iterdir() if path.is_dir()]
        begun = [folder for folder in folders if folder.read_environment().get("launch") == launch_id()]
        found = max((folder.path for folder in begun), key=lambda path: path.stat().st_mtime, default=None)
    return processes.from_main(found)


def shared_by_all(processes: Processes, folder: RunFolder) -> RunFolder:
    """Return the folder; DeviceError in all processes if one of them does not see it."""
    seen = processes.gathered(folder.recipe.is_file())
    if not all(seen):
        raise DeviceError(
            f"{printable(folder.path)} cannot be seen by process {seen.index(False)}: "
            "give an --output that lies on a disk that all machines share"
        )
    return folder


def require_own_devices(processes: Processes, device: torch.device) -> None:
    """Raise DeviceError in all processes if two of them would compute on the same CUDA device, which NCCL cannot."""
    if processes.count == 1:
        return
    own = str(torch.cuda.get_device_properties(device).uuid) if device.type == "cuda" else ""
    first: dict[str, int] = {}
    for rank, identity in enumerate(processes.gathered(own)):
        if identity and identity in first:
            raise DeviceError(
                f"processes {first[identity]} and {rank} of this training have the same CUDA device: start one process "
                "per device and leave --device out, or give --device cpu"
            )
        first[identity] = rank


def require_enough_images(processes: Processes, batch_size: int, images: int, accumulate: int = 1) -> None:
    """Raise UsageError if a batch is too small for every process, and each of its parts, to get two images of it."""
    least, size = 2 * processes.count * accumulate, min(batch_size, images)
    if accumulate > 1 and size < least:
        raise UsageError(
            f"--accumulate {accumulate} divides batches of {size} images too finely: "
            f"give --batch-size {least} or more, or fewer parts"
        )
    if processes.count > 1 and size < least:
        raise UsageError(
            f"{processes.count} processes share batches of {size} images: "
            f"give --batch-size {least} or more, or fewer processes"
        )


def with_synchronised_norms(context: TrainingContext, network: nn.Module) -> nn.Module:
    """Return the network with batch norms that see the whole batch, if the recipe asks for it."""
    if not context.recipe.sync_batch_norm or context.processes.count == 1:
        return network
    if context.runtime.device.type != "cuda":
        raise UsageError("--sync-batch-norm works between CUDA devices only: leave it out")
    return nn.SyncBatchNorm.convert_sync_batchnorm(network)


def with_divided_weights(context: TrainingContext, network: nn.Module, images: Tensor) -> nn.Module:
    """Return the network with its weights divided among the processes; `images` are a few of the data, on the CPU."""
    context.processes.copy_from_main(network)
    shard(network, images, context.runtime.device, context.processes.count)
    return network


def run_of_main(context: TrainingContext, done: Progress) -> Run:
    """Wait until the main process has written the results, and return the same run."""
    nothing: dict[str, Any] = {}
    metrics, history = context.processes.from_main((nothing, done.history))
    run = Run(context.folder.path, load(context.folder.path, context.own), metrics, history)
    context.processes.end()
    return run
