"""What the pictures share: fonts, colours, and a matrix drawn as a table of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

INK, BLUE, ORANGE, GREEN, GRAY, PALE = "#1f2933", "#2563eb", "#d97706", "#15803d", "#9aa5b1", "#dbeafe"
FONTS = ["Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "DejaVu Sans", "sans-serif"]
STYLE = {
    "svg.fonttype": "none", "font.family": FONTS, "font.size": 10, "text.color": INK, "axes.labelcolor": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": GRAY, "xtick.color": INK,
    "ytick.color": INK, "axes.unicode_minus": False, "legend.frameon": False, "lines.linewidth": 2,
    "axes.titlesize": 10,
}  # fmt: skip


class Say:
    """The words of a picture in one language: `say("中文", "English")`."""

    def __init__(self, language: str):
        self.language = language

    def __call__(self, chinese: str, english: str) -> str:
        """Return one of the two."""
        return chinese if self.language == "zh" else english


Draw: TypeAlias = Callable[[Any, Say], None]
Pictures: TypeAlias = dict[str, tuple[tuple[float, float], Draw]]


def table(axes: Any, numbers: Any, title: str = "", marked: Any = None, form: str = "g", size: float = 10) -> None:
    """Draw a matrix as a table; `marked` (of the same shape) says which cells are coloured, as a colour or None."""
    numbers = np.asarray(numbers)
    rows, columns = numbers.shape
    for i, j in np.ndindex(rows, columns):
        colour = None if marked is None else marked[i][j]
        axes.add_patch(square(j, i, colour or "white"))
        axes.text(j + 0.5, i + 0.5, format(numbers[i, j], form), ha="center", va="center", fontsize=size)
    _frame(axes, rows, columns, title)


def image(axes: Any, pixels: Any, title: str = "", **settings: Any) -> None:
    """Show an image without axes."""
    axes.imshow(pixels, **{"cmap": "gray", "interpolation": "nearest", **settings})
    axes.set_axis_off()
    axes.set_title(title)


def sign(axes: Any, text: str) -> None:
    """Write a sign such as an arrow in the middle of axes that show nothing else."""
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=16)
    axes.set_axis_off()


def square(x: float, y: float, colour: str) -> Any:
    """Return a cell of 1 x 1."""
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), 1, 1, facecolor=colour, edgecolor=GRAY, linewidth=0.8)


def _frame(axes: Any, rows: int, columns: int, title: str) -> None:
    axes.set_xlim(-0.05, columns + 0.05)
    axes.set_ylim(rows + 0.05, -0.05)
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(title)
