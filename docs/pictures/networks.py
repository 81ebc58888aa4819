"""The pictures of chapters 11 to 14: networks as a whole, and what is inside."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

import convscope as cs
from convscope import insight
from convscope.models import find_card

from .style import BLUE, GRAY, ORANGE, PALE, Pictures, Say, image

# The winners' top-5 errors in per cent (ILSVRC): before AlexNet without deep networks.
WINNERS = {
    2010: (28.2, "NEC"),
    2011: (25.8, "XRCE"),
    2012: (15.3, "AlexNet"),
    2013: (11.7, "Clarifai"),
    2014: (6.67, "GoogLeNet"),
    2015: (3.57, "ResNet"),
    2016: (2.99, "Trimps"),
    2017: (2.25, "SENet"),
}
COMPARED = {
    "alexnet_2012": "AlexNet",
    "zfnet": "ZFNet",
    "vgg16": "VGG-16",
    "inception_v3": "Inception-v3",
    "resnet50": "ResNet-50",
    "resnet152": "ResNet-152",
    "densenet121": "DenseNet-121",
    "efficientnet_b0": "EfficientNet-B0",
    "efficientnet_b3": "B3",
}


def history(figure: Any, say: Say) -> None:
    """Draw the error of ImageNet by year, and error against computation and parameters."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
    for year, (error, name) in WINNERS.items():
        left.bar(year, error, color=BLUE if year >= 2012 else GRAY)
        left.text(year, error + 0.5, name, ha="center", fontsize=7, rotation=40)
    left.axhline(5.1, color=ORANGE, linestyle="--", linewidth=1, label=say("人：5.1", "a person: 5.1"))
    left.legend()
    left.set_ylabel(say("top-5 错误率（%）", "top-5 error (%)"))
    left.set_ylim(0, 33)
    for network, name in COMPARED.items():
        card, size = find_card(network), cs.summary(network)
        right.scatter(size.macs / 1e9, card.top5_error, s=size.parameters / 2e5, alpha=0.5, color=BLUE, linewidths=0)
        right.annotate(name, (size.macs / 1e9, card.top5_error), (4, 4), textcoords="offset points", fontsize=8)
    right.set_xscale("log")
    right.set_xlim(0.25, 45)
    right.set_xlabel(say("乘加次数（十亿），圆的面积是参数", "billion multiply-accumulates; area: parameters"))
    right.set_ylabel(say("论文的 top-5 错误率（%）", "top-5 error of the paper (%)"))
    right.set_ylim(0, 21)


def inside(figure: Any, say: Say) -> None:
    """Draw the kernels of mnist-relu, a digit, its feature maps and three heat maps."""
    classifier = cs.load("mnist-relu")
    network = classifier.network.eval()
    digit = cs.load_data("mnist-5k").splits["test"].images[350]
    x = classifier.preprocess.normalize(classifier.pixels(digit)[None])
    traced = insight.trace(network, x)
    maps = traced.output("features.1")[0].detach().numpy()
    kernels = insight.kernels(network, "features.0")[:, 0].numpy()
    rows = figure.subplots(3, 6)
    limit = float(np.abs(kernels).max())
    for n in range(6):
        image(rows[0, n], kernels[n], cmap="RdBu_r", vmin=-limit, vmax=limit)
        image(rows[1, n], maps[n], vmin=0, vmax=float(maps.max()))
        rows[2, n].set_axis_off()
    image(rows[2, 0], digit, say("输入", "input"))
    for n, method in enumerate(("integrated-gradients", "occlusion", "guided-backprop"), 1):
        heat = insight.attribute(network, x, method, 7)[0].numpy()
        reach = float(np.abs(heat).max())
        image(rows[2, n], heat, method.replace("-", "\n"), cmap="RdBu_r", vmin=-reach, vmax=reach)
    for axes, words in ((rows[0, 0], ("卷积核", "kernels")), (rows[1, 0], ("特征图", "feature maps"))):
        axes.set_title(say(*words), loc="left")


def splits(figure: Any, say: Say) -> None:
    """Draw which frames of ten videos are in the test, split at random and by video."""
    order = np.random.default_rng(0).permutation(200)
    by_video = np.zeros((10, 20))
    by_video[8:] = 1
    at_random = np.zeros(200)
    at_random[order[160:]] = 1
    titles = (say("随机分割", "split at random"), say("按视频分割", "split by video"))
    for axes, test, title in zip(figure.subplots(1, 2), (at_random.reshape(10, 20), by_video), titles, strict=True):
        axes.imshow(test, cmap=ListedColormap([PALE, ORANGE]), interpolation="nearest", aspect="auto")
        axes.set_xticks(np.arange(1, 20) - 0.5, minor=True)
        axes.set_yticks(np.arange(1, 10) - 0.5, minor=True)
        axes.grid(which="minor", color="white")
        axes.tick_params(which="minor", length=0)
        axes.set_title(title)
        axes.set_xlabel(say("帧（橙色：测试）", "frame (orange: test)"))
        axes.set_ylabel(say("视频", "video"))
        axes.set_xticks([])
        axes.set_yticks([])


def sliding(figure: Any, say: Say) -> None:
    """Draw what chapter 14 computes: the wide image, the scores along it, and the boxes that it prints."""
    page = (Path(__file__).parents[1] / "zh" / "course" / "14-beyond.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for code in re.findall(r"^```python\n(.*?)^```", page, flags=re.S | re.M):
            exec(code, names)
    above, below = figure.subplots(2, 1, sharex=True)
    above.imshow(names["wide"], cmap="gray", aspect="auto")
    for digit, left in re.findall(r"^a (\d) in columns (\d+)", page, flags=re.M):
        above.add_patch(Rectangle((int(left), 0.5), 32, 30.5, fill=False, edgecolor=ORANGE, linewidth=2))
        above.text(int(left) + 1, 7, digit, color=ORANGE, fontsize=11)
    above.set_axis_off()
    below.plot(np.arange(25) * 4 + 16, names["best"], "o-", color=BLUE, markersize=4)
    below.axhline(6, color=GRAY, linestyle="--", linewidth=1)
    below.set_ylabel(say("最高得分", "best score"))
    below.set_xlabel(say("窗口中心所在的列", "column of the window's centre"))


PICTURES: Pictures = {
    "11-networks": ((8, 3.4), history),
    "12-inside": ((6.6, 3.8), inside),
    "13-own-photos": ((6.6, 2.3), splits),
    "14-beyond": ((6.6, 2.8), sliding),
}
