"""The pictures of chapters 7 to 10: losses, gradients and training."""

from __future__ import annotations

from typing import Any

import numpy as np

from .style import BLUE, GRAY, ORANGE, PALE, Pictures, Say


def losses(figure: Any, say: Say) -> None:
    """Draw cross entropy and squared error, and their gradients, for two classes."""
    p = np.linspace(0.002, 0.998, 300)
    left, right = figure.subplots(1, 2)
    left.plot(p, -np.log(p), color=BLUE, label=say("交叉熵", "cross entropy"))
    left.plot(p, (1 - p) ** 2, color=ORANGE, label=say("平方误差", "squared error"))
    left.set_ylabel(say("损失", "loss"))
    left.legend()
    right.plot(p, p - 1, color=BLUE)
    right.plot(p, -2 * p * (1 - p) ** 2, color=ORANGE)
    right.set_ylabel(say("对正确类别得分的梯度", "gradient by the right class's score"))
    for axes in (left, right):
        axes.set_xlabel(say("正确类别的概率", "probability of the right class"))


def backward(figure: Any, say: Say) -> None:
    """Draw one unit: values forward, gradients backward."""
    axes = figure.subplots()
    boxes = {
        "x": (0, 2, "x = 2", "dx = 6"), "w": (0, 1, "w = 3", "dw = 4"), "b": (0, 0, "b = 1", "db = 2"),
        "z": (2, 1, "z = w x + b = 7", "dz = 2"), "y": (4, 1, "y = max(z, 0) = 7", "dy = 2"),
        "E": (6, 1, "E = ½ (y − 5)² = 2", ""),
    }  # fmt: skip
    for start, end in (("x", "z"), ("w", "z"), ("b", "z"), ("z", "y"), ("y", "E")):
        (ax, ay, *_), (bx, by, *_) = boxes[start], boxes[end]
        for (fx, fy), (tx, ty), colour, up in (((ax, ay), (bx, by), BLUE, 0.1), ((bx, by), (ax, ay), ORANGE, -0.1)):
            ends = {"arrowstyle": "->", "color": colour, "shrinkA": 34, "shrinkB": 34, "lw": 1.5}
            axes.annotate("", (tx, ty + up), (fx, fy + up), arrowprops=ends)
    for x, y, value, gradient in boxes.values():
        axes.text(
            x, y, f"{value}\n{gradient}".strip(), ha="center", va="center", fontsize=9,
            bbox={"boxstyle": "round,pad=0.5", "facecolor": PALE, "edgecolor": GRAY},
        )  # fmt: skip
    axes.text(3, 2.1, say("蓝：前向的数值", "blue: values forward"), color=BLUE)
    axes.text(3, 1.75, say("橙：反向的梯度", "orange: gradients backward"), color=ORANGE)
    axes.set_xlim(-0.8, 7)
    axes.set_ylim(-0.5, 2.5)
    axes.set_axis_off()


PICTURES: Pictures = {
    "07-loss": ((7, 2.8), losses),
    "08-backpropagation": ((7.4, 2.6), backward),
}
