"""Training curves as SVG that takes its colours and fonts from the page."""

from __future__ import annotations

from typing import Any

from ...page_chart import empty_chart, page_svg

# Placeholder colours that Matplotlib writes, and the page's variables that replace them.
INK, TRAIN, VAL = "#010203", "#010204", "#010205"
PAGE_COLOURS = {INK: "var(--faint)", TRAIN: "var(--train)", VAL: "var(--accent)"}


def curves(history: list[dict[str, float]], best_epoch: int | None = None) -> dict[str, str]:
    """Return the charts `loss` and `error` (1 - accuracy, in %, on a logarithmic scale) by epoch; none without epochs.

    A dot marks the best epoch, whose weights were kept.
    Epoch 0 alone, a fitted last layer, is no curve either. The charts contain numbers but no words, so that they need
    no translation.
    """
    if not history or history[-1]["epoch"] == 0:
        return {}
    epochs = [row["epoch"] for row in history]
    # The other curve is that of the test images where there are none for validation.
    other = "val" if "val/loss" in history[0] else "test"
    train_loss, val_loss = _column(history, "train/loss"), _column(history, f"{other}/loss")
    accuracy = "top1" if "train/top1" in history[0] else "subset_accuracy"
    train_error, val_error = (_error(_column(history, f"{split}/{accuracy}")) for split in ("train", other))
    return {
        "loss": _chart(epochs, train_loss, val_loss, best_epoch),
        "error": _chart(epochs, train_error, val_error, best_epoch),
    }


def _column(history: list[dict[str, float]], name: str) -> list[float]:
    return [row[name] for row in history if name in row]


def _error(accuracies: list[float]) -> list[float]:
    return [100 * (1 - accuracy) for accuracy in accuracies]


def _chart(epochs: list[float], train: list[float], val: list[float], best_epoch: int | None) -> str:
    from matplotlib.ticker import MaxNLocator

    figure, axes = empty_chart(INK)
    dots = "o" if len(epochs) < 3 else ""
    axes.plot(epochs, train, color=TRAIN, linewidth=1.6, linestyle=(0, (4, 2)), marker=dots)
    if val:
        axes.plot(epochs, val, color=VAL, linewidth=2.2, marker=dots)
        if best_epoch in epochs and len(val) == len(epochs):
            axes.axvline(best_epoch, color=INK, linewidth=0.8, linestyle=(0, (2, 3)))
            axes.plot([best_epoch], [val[epochs.index(best_epoch)]], "o", color=VAL, markersize=7)
    _scale(axes, train + val)
    if len(epochs) < 3:  # a locator would divide a single epoch
        axes.set_xticks(epochs)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.xaxis.set_major_formatter("{x:g}")
    return page_svg(figure, PAGE_COLOURS, salt=f"{train}{val}")


def _scale(axes: Any, values: list[float]) -> None:
    """Make the vertical axis logarithmic; where a value is 0, down to the smallest other one, and linear below it."""
    from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter, NullLocator

    positive = [value for value in values if value > 0]
    if not positive or min(values) < 0:
        return
    if min(values) > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        smallest = min(positive)
        axes.set_yscale("symlog", linthresh=smallest, linscale=0.5)
        axes.set_ylim(bottom=-0.1 * smallest)
        rounds = [m * 10.0**k for k in range(-9, 4) for m in (1, 2, 5)]
        shown = [value for value in rounds if smallest <= value <= 1.05 * max(values)]
        axes.yaxis.set_major_locator(FixedLocator([0.0, *shown[:: len(shown) // 7 + 1]]))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
