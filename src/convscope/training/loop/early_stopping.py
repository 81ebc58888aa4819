"""Choose the epoch that is kept by a validation figure (`--monitor`), and stop when none is better (`--patience`)."""

from __future__ import annotations

from ...run_folder import KEPT
from ..checkpoint import Progress
from .monitor import ERROR, GAIN, GAIN_ERROR

# Behind a last layer that was fitted first an epoch counts from this share of the training on: the rate is low then,
# and of many epochs at a high one the best is better by luck.
LATE = 2 / 3


def is_best(progress: Progress, row: dict[str, float], monitor: str, share: float = 1.0) -> bool:
    """Return whether the weights after the epoch of `row` are better than those kept, and record its figure if it is.

    Of equal epochs the later is better, since it has trained longer. Without validation figures that is the last one.
    Where the row has a standard error, figures within it of the best count as equal: of few images the best of many
    epochs is luck. Behind a last layer that was fitted first an epoch is better if it is by more than the standard
    error of the difference, after a `share` of the training at which it counts.
    """
    if monitor not in row:
        return True
    figure = _figure(row, monitor)
    if progress.best is None or figure >= progress.best:
        progress.best, progress.improved = figure, progress.epoch
    if GAIN in row:
        gains = [earlier[GAIN] for earlier in progress.history if earlier.get(KEPT) and GAIN in earlier]
        return share >= LATE and row[GAIN] > row[GAIN_ERROR] and row[GAIN] >= max(gains, default=0) - row[GAIN_ERROR]
    if ERROR in row:
        return figure >= progress.best - row[ERROR]
    kept = (_figure(earlier, monitor) for earlier in progress.history if earlier["epoch"] == progress.best_epoch)
    return all(figure >= best for best in kept)


def out_of_patience(progress: Progress, patience: int | None) -> bool:
    """Return whether the figure is no longer improved since `patience` epochs or more."""
    since = max(progress.best_epoch, progress.improved)
    return patience is not None and progress.epoch - since >= patience


def _figure(row: dict[str, float], monitor: str) -> float:
    """Return the monitored figure of an epoch, larger is better."""
    # Where the training balances the classes, so does the choice of the epoch.
    figure = row.get(monitor.replace("/", "/balanced_"), row[monitor])
    return -figure if monitor == "val/loss" else figure
