"""Training curves as SVG that takes its colours and fonts from the page."""

from __future__ import annotations

import io
import re
from typing import Any

# Placeholder colours that Matplotlib writes, and the page's variables that replace them.
INK, TRAIN, VAL = "#010203", "#010204", "#010205"
PAGE_COLOURS = {INK: "var(--faint)", TRAIN: "var(--train)", VAL: "var(--accent)"}


def curves(history: list[dict[str, float]]) -> dict[str, str]:
    """Return the charts `loss` and `error` (1 - accuracy, in %, on a logarithmic scale) by epoch; none without epochs.

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
        "loss": _chart(epochs, train_loss, val_loss, logarithmic=min(train_loss + val_loss) > 0),
        "error": _chart(epochs, train_error, val_error, logarithmic=True),
    }


def _column(history: list[dict[str, float]], name: str) -> list[float]:
    return [row[name] for row in history if name in row]


def _error(accuracies: list[float]) -> list[float]:
    # A logarithmic scale has no 0: the line has a gap where no image is wrong.
    return [100 * (1 - accuracy) if accuracy < 1 else float("nan") for accuracy in accuracies]


def _chart(epochs: list[float], train: list[float], val: list[float], logarithmic: bool) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    style: Any = {"svg.fonttype": "none", "font.size": 10, "svg.hashsalt": f"{train}{val}"}
    with mpl.rc_context(style):
        figure = Figure(figsize=(5.2, 2.9), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        dots = "o" if len(epochs) < 3 else ""
        axes.plot(epochs, train, color=TRAIN, linewidth=1.6, linestyle=(0, (4, 2)), marker=dots)
        if val:
            axes.plot(epochs, val, color=VAL, linewidth=2.2, marker=dots)
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
        axes.grid(axis="y", color=INK, alpha=0.25, linewidth=0.8)
        axes.tick_params(which="both", colors=INK, length=0)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
        content = io.StringIO()
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = content.getvalue()
    svg = svg[svg.index("<svg") :]
    for written, named in PAGE_COLOURS.items():
        svg = svg.replace(written, named)
    # Remove size and typeface, which the page sets.
    svg = re.sub(r"font: [0-9.]+px [^;\"]*", "font-size: 10px", svg)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
