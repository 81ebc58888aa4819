"""The pictures of chapters 1 to 8: images, and what single layers do with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Files

import convscope as cs
from convscope.scratch import activations as functions
from convscope.scratch.convolution import correlate
from convscope.scratch.pooling import max_pool

from .style import BLUE, GRAY, ORANGE, PALE, Pictures, Say, image, sign, square, table

PHOTOS = Path(cs.__file__).parent / "serving" / "photos"
CLASSIC = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]])
CROSS = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
KERNELS = {
    "identity": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    "edges": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
}


def two(figure: Any, say: Say) -> None:
    """Draw the digit of chapter 1 beside its numbers."""
    digit = cs.load_data("digits").splits["test"].images[0]
    left, right = figure.subplots(1, 2)
    image(left, digit, say("你看到的", "what you see"))
    bright = [[PALE if number > 100 else None for number in row] for row in digit]
    table(
        right,
        digit,
        say("计算机看到的（大于 100 的涂色）", "what the computer sees (above 100: coloured)"),
        bright,
        size=8,
    )


def sliding(figure: Any, say: Say) -> None:
    """Draw the first and the last position of a 3 x 3 kernel on the image of 5 x 5."""
    axes = figure.subplots(1, 5, width_ratios=[5, 1, 3, 1, 3])
    y = correlate(CLASSIC[None, None], CROSS[None, None])[0, 0].astype(int)
    window = [[PALE if i < 3 and j < 3 else None for j in range(5)] for i in range(5)]
    table(axes[0], CLASSIC, say("图像", "image"), window)
    sign(axes[1], "*")
    table(axes[2], CROSS, say("卷积核", "kernel"))
    sign(axes[3], "=")
    first = [[PALE if (i, j) == (0, 0) else None for j in range(3)] for i in range(3)]
    table(axes[4], y, say("特征图", "feature map"), first)


def filters(figure: Any, say: Say) -> None:
    """Draw a photo through the three kernels that every tutorial names."""
    photo = np.asarray(Files.open(PHOTOS / "cat.jpg").convert("L").resize((100, 100)), float)
    names = {"identity": ("原样", "identity"), "edges": ("边缘", "edges"), "sharpen": ("锐化", "sharpen")}
    for axes, (name, words) in zip(figure.subplots(1, 3), names.items(), strict=True):
        out = correlate(photo[None, None], KERNELS[name][None, None], padding="same")[0, 0]
        image(axes, np.clip(out, 0, 255), say(*words), vmin=0, vmax=255)


def paddings(figure: Any, say: Say) -> None:
    """Draw an image of 5 x 5 with the three paddings of a 3 x 3 kernel and its first window."""
    names = {0: ("valid：5 → 3", "valid: 5 → 3"), 1: ("same：5 → 5", "same: 5 → 5"), 2: ("full：5 → 7", "full: 5 → 7")}
    for axes, (around, words) in zip(figure.subplots(1, 3), names.items(), strict=True):
        side = 5 + 2 * around
        inside = range(around, around + 5)
        for i, j in np.ndindex(side, side):
            added = i not in inside or j not in inside
            colour = PALE if i < 3 and j < 3 else ("#e5e7eb" if added else "white")
            axes.add_patch(square(j - around + 2, i - around + 2, colour))
        axes.set_xlim(-0.1, 9.1)
        axes.set_ylim(9.1, -0.1)
        axes.set_aspect("equal")
        axes.set_axis_off()
        axes.set_title(say(*words))


def activations(figure: Any, say: Say) -> None:
    """Draw the four activations with their slopes."""
    z = np.linspace(-4, 4, 81)
    for axes, name in zip(figure.subplots(1, 4), ("sigmoid", "tanh", "relu", "leaky_relu"), strict=True):
        y = getattr(functions, name)(z)
        axes.axhline(0, color=GRAY, linewidth=0.8)
        axes.plot(z, y, color=BLUE)
        axes.plot(z, getattr(functions, f"{name}_slope")(y), color=ORANGE, linestyle="--", linewidth=1.5)
        axes.set_ylim(-1.2, 2.2)
        axes.set_title(name.replace("_", " "))
    figure.supxlabel(
        say("z；蓝色实线：函数，橙色虚线：斜率", "z; blue: the function, dashed orange: its slope"), fontsize=9
    )


def pooling(figure: Any, say: Say) -> None:
    """Draw maximum pooling of 2 x 2 on the example of the tutorials."""
    x = np.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])
    colours = [["#dbeafe", "#fef3c7"], ["#dcfce7", "#fce7f3"]]
    left, middle, right = figure.subplots(1, 3, width_ratios=[4, 1, 2])
    table(left, x, say("特征图", "feature map"), [[colours[i // 2][j // 2] for j in range(4)] for i in range(4)])
    sign(middle, "→")
    table(right, max_pool(x[None, None], 2)[0][0, 0].astype(int), say("最大池化", "maximum pooling"), colours)


def connected(figure: Any, say: Say) -> None:
    """Draw a fully connected layer and global average pooling."""
    left, right = figure.subplots(1, 2)
    for i, j in np.ndindex(6, 3):
        left.plot([0, 1], [i, j + 1.5], color=GRAY, linewidth=0.8, zorder=0)
    left.scatter([0] * 6, range(6), s=120, color=BLUE)
    left.scatter([1] * 3, np.arange(3) + 1.5, s=120, color=ORANGE)
    left.set_title(say("全连接：6 × 3 + 3 = 21 个参数", "fully connected: 6 × 3 + 3 = 21 parameters"))
    maps = np.random.default_rng(1).integers(0, 10, (3, 3, 3))
    for n, one in enumerate(maps):
        for i, j in np.ndindex(3, 3):
            right.add_patch(square(j, 4 * n + i, "#ffffff"))
            right.text(j + 0.5, 4 * n + i + 0.5, one[i, j], ha="center", va="center", fontsize=8)
        right.annotate("", (5.4, 4 * n + 1.5), (3.3, 4 * n + 1.5), arrowprops={"arrowstyle": "->", "color": GRAY})
        right.text(6.3, 4 * n + 1.5, f"{one.mean():.1f}", ha="center", va="center", color=ORANGE, fontsize=12)
    right.set_xlim(-1, 8)
    right.set_ylim(11.2, -0.2)
    right.set_aspect("equal")
    right.set_title(say("全局平均池化：没有参数", "global average pooling: no parameters"))
    for axes in (left, right):
        axes.set_axis_off()


PICTURES: Pictures = {
    "01-image": ((6.6, 3.2), two),
    "02-sliding": ((7, 2.4), sliding),
    "02-filters": ((6.6, 2.4), filters),
    "03-padding": ((6.6, 2.5), paddings),
    "04-activations": ((7.4, 2.4), activations),
    "05-pooling": ((5, 2.4), pooling),
    "06-fully-connected": ((7, 3), connected),
}
