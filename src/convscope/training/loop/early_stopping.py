"""Choose the epoch that is kept by a validation figure (`--monitor`), and stop when none is better (`--patience`)."""

from __future__ import annotations

import math

from ..checkpoint import Progress
from .monitor import GAIN, GAIN_ERROR

# Standard errors by which an epoch has to be better than a fitted last layer: by chance the best of a dozen epochs is
# often better by one.
ERRORS = 2


def is_best(progress: Progress, row: dict[str, float], monitor: str) -> bool:
    """Return whether the weights after the epoch of `row` are better than those kept, and record its figure if it is.

    Of equal epochs the later is better, since it has trained longer. Without validation figures that is the last one.
    Behind a last layer that was fitted first an epoch is better only if it is by more than two standard errors of the
    difference: of a few images, one that happens to be right would decide.
    """
    if monitor not in row:
        return True
    figure = _figure(row, monitor)
    if progress.best is None or figure >= progress.best:
        progress.best, progress.improved = figure, progress.epoch
    kept = (_figure(earlier, monitor) for earlier in progress.history if earlier["epoch"] == progress.best_epoch)
    return all(figure >= best for best in kept) and row.get(GAIN, math.inf) > ERRORS * row.get(GAIN_ERROR, 0.0)


def out_of_patience(progress: Progress, patience: int | None) -> bool:
    """Return whether the figure is no longer improved since `patience` epochs or more."""
    since = max(progress.best_epoch, progress.improved)
    return patience is not None and progress.epoch - since >= patience


def _figure(row: dict[str, float], monitor: str) -> float:
    """Return the monitored figure of an epoch, larger is better."""
    # Where the training balances the classes, so does the choice of the epoch.
    figure = row.get(monitor.replace("/", "/balanced_"), row[monitor])
    return -figure if monitor == "val/loss" else figure
