"""The pictures of chapters 7 to 10: losses, gradients and training."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from convscope.scratch.lenet import lenet_relu
from convscope.scratch.sgd import SGD
from convscope.scratch.train import accuracy, load_digits, train_epoch

from .style import BLUE, GRAY, GREEN, ORANGE, PALE, Pictures, Say


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


def steps(figure: Any, say: Say) -> None:
    """Draw w under three learning rates, and a training of LeNet in NumPy."""
    left, right = figure.subplots(1, 2)
    for rate, colour in ((0.1, GREEN), (0.9, BLUE), (1.1, ORANGE)):
        left.plot([(1 - 2 * rate) ** step for step in range(9)], "o-", color=colour, markersize=4, label=str(rate))
    left.legend(title=say("学习率", "learning rate"))
    left.set_xlabel(say("步", "step"))
    left.set_ylabel("w")
    error, right_ones = _training(epochs=6)
    right.plot(range(1, 7), error, "o-", color=ORANGE, markersize=4, label=say("训练损失", "training loss"))
    right.plot(range(1, 7), right_ones, "o-", color=BLUE, markersize=4, label=say("验证准确率", "validation accuracy"))
    right.set_xlabel(say("轮", "epoch"))
    right.set_ylim(0, None)
    right.legend()


def _training(epochs: int) -> tuple[list[float], list[float]]:
    """Return the error and the share of right validation digits of each epoch."""
    rng = np.random.default_rng(0)
    training, validation, _ = load_digits()
    network = lenet_relu(rng=rng)
    optimizer = SGD(network.parameters(), 0.02, 0.9)
    error, right_ones = [], []
    for _ in range(epochs):
        error.append(train_epoch(network, optimizer, training, rng))
        right_ones.append(accuracy(network, validation))
    return error, right_ones


def remedies(figure: Any, say: Say) -> None:
    """Draw the accuracies that chapter 10 prints."""
    page = (Path(__file__).parents[1] / "zh" / "course" / "10-overfitting.md").read_text(encoding="utf-8")
    found = re.findall(r"^(\w[^:\n]*): +train +(\d+)%  test +(\d+)%$", page, flags=re.M)
    words = {
        "nothing": "什么都不做", "weight decay": "权重衰减", "dropout 0.5": "dropout 0.5", "shifts": "平移",
        "400 images": "400 张图", "2000 images": "2000 张图",
    }  # fmt: skip
    axes = figure.subplots()
    for row, (_, trained, tested) in enumerate(found):
        axes.plot([int(tested), int(trained)], [row, row], color=GRAY, linewidth=1.5, zorder=0)
        axes.scatter(int(trained), row, color=ORANGE, label=say("训练", "training") if row == 0 else None)
        axes.scatter(int(tested), row, color=BLUE, label=say("测试", "test") if row == 0 else None)
    axes.set_yticks(range(len(found)), [say(words[name], name) for name, *_ in found])
    axes.invert_yaxis()
    axes.set_xlim(50, 102)
    axes.set_xlabel(say("准确率（%）", "accuracy (%)"))
    axes.legend(loc="center left")


PICTURES: Pictures = {
    "07-loss": ((7, 2.8), losses),
    "08-backpropagation": ((7.4, 2.6), backward),
    "09-training": ((7, 2.8), steps),
    "10-overfitting": ((6.4, 2.6), remedies),
}
