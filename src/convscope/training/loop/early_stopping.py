"""Choose the best epoch by a validation figure (`--monitor`), and stop when it no longer improves (`--patience`)."""

from __future__ import annotations

from ..checkpoint import Progress


def is_best(progress: Progress, row: dict[str, float], monitor: str) -> bool:
    """Return whether the epoch of `row` is at least as good as every earlier one, and record its figure if so.

    Of equal epochs the later is better, since it has trained longer. Without validation figures that is the last one.
    """
    if monitor not in row:
        return True
    # Where the training balances the classes, so does the choice of the epoch.
    figure = row.get(monitor.replace("/", "/balanced_"), row[monitor])
    figure = -figure if monitor == "val/loss" else figure
    if progress.best is not None and figure < progress.best:
        return False
    progress.best = figure
    return True


def out_of_patience(progress: Progress, patience: int | None) -> bool:
    """Return whether the best epoch is at least `patience` epochs ago."""
    return patience is not None and progress.epoch - progress.best_epoch >= patience
