"""TensorBoard event files (`--tensorboard`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...errors import UsageError


def scalar_writer(folder: Path, first_epoch: int) -> Callable[[dict[str, float]], None]:
    """Return a function that writes a row of metrics.csv as events; older events from `first_epoch` on are voided."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as problem:
        raise UsageError("--tensorboard needs TensorBoard: pip install 'convscope[tensorboard]'") from problem
    writer = SummaryWriter(str(folder), purge_step=first_epoch)

    def write(row: dict[str, float]) -> None:
        for tag, value in row.items():
            if tag != "epoch":
                writer.add_scalar(tag, value, int(row["epoch"]))
        writer.flush()

    return write
