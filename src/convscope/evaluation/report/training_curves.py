"""Training curves as SVG that takes its colours and fonts from the page."""

from __future__ import annotations

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
        "loss": _chart(epochs, train_loss, val_loss, best_epoch, logarithmic=min(train_loss + val_loss) > 0),
        "error": _chart(epochs, train_error, val_error, best_epoch, logarithmic=True),
    }


def _column(history: list[dict[str, float]], name: str) -> list[float]:
    return [row[name] for row in history if name in row]


def _error(accuracies: list[float]) -> list[float]:
    # A logarithmic scale has no 0: the line has a gap where no image is wrong.
    return [100 * (1 - accuracy) if accuracy < 1 else float("nan") for accuracy in accuracies]


def _chart(epochs: list[float], train: list[float], val: list[float], best_epoch: int | None, logarithmic: bool) -> str:
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    figure, axes = empty_chart(INK)
    dots = "o" if len(epochs) < 3 else ""
    axes.plot(epochs, train, color=TRAIN, linewidth=1.6, linestyle=(0, (4, 2)), marker=dots)
    if val:
        axes.plot(epochs, val, color=VAL, linewidth=2.2, marker=dots)
        if best_epoch in epochs and len(val) == len(epochs):
            axes.axvline(best_epoch, color=INK, linewidth=0.8, linestyle=(0, (2, 3)))
            axes.plot([best_epoch], [val[epochs.index(best_epoch)]], "o", color=VAL, markersize=7)
    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    if len(epochs) < 3:  # a locator would divide a single epoch
        axes.set_xticks(epochs)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.xaxis.set_major_formatter("{x:g}")
    return page_svg(figure, PAGE_COLOURS, salt=f"{train}{val}")
