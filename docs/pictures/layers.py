"""The pictures of chapters 1 to 8: images, and what single layers do with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Files

import convscope as cs
from convscope.scratch.convolution import correlate

from .style import PALE, Pictures, Say, image, sign, table

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
    photo = np.asarray(Files.open(PHOTOS / "cat.jpg").convert("L").resize((120, 120)), float)
    names = {"identity": ("原样", "identity"), "edges": ("边缘", "edges"), "sharpen": ("锐化", "sharpen")}
    for axes, (name, words) in zip(figure.subplots(1, 3), names.items(), strict=True):
        out = correlate(photo[None, None], KERNELS[name][None, None], padding="same")[0, 0]
        image(axes, np.clip(out, 0, 255), say(*words), vmin=0, vmax=255)


PICTURES: Pictures = {
    "01-image": ((6.6, 3.2), two),
    "02-sliding": ((7, 2.4), sliding),
    "02-filters": ((6.6, 2.4), filters),
}
