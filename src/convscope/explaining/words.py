"""What the page says of each method, in English and Chinese."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """A name and a sentence in both languages."""

    en: str
    zh: str
    says_en: str
    says_zh: str


METHODS = {
    "hires-cam": Words(
        "Class-activation map", "类激活图",
        "Deep maps, each place weighted by how much it matters for the class (HiResCAM).",
        "对深层特征图逐个位置按其对该类别的重要性加权求和（HiResCAM）。",
    ),
    "grad-cam": Words(
        "Grad-CAM", "Grad-CAM",
        "The same maps, each weighted as a whole; no difference where the network averages them at the end.",
        "对同样的特征图按整张图的重要性加权求和；网络末端对它们取全局平均时，结果与类激活图相同。",
    ),
    "occlusion": Words(
        "Occlusion", "遮挡",
        "How far the score falls when a gray square hides this place. Blue: it rises.",
        "用灰色方块遮住此处时得分下降多少。蓝色表示得分反而上升。",
    ),
    "integrated-gradients": Words(
        "Integrated gradients", "积分梯度",
        "The score, shared out to the pixels while the image fades in from gray. The shares add up to the difference.",
        "图像由灰色渐显过程中，把得分的变化分摊到每个像素；各像素之和等于总变化量。",
    ),
    "guided-backprop": Words(
        "Guided backpropagation", "导向反向传播",
        "The gradient at the pixels; rectifiers let only positive evidence through.",
        "像素处的梯度；经过 ReLU 时只让正的证据通过。",
    ),
    "deconvnet": Words(
        "Deconvnet", "反卷积网络",
        "The score sent back through transposed kernels and rectifiers (ZFNet).",
        "把得分经转置卷积核与 ReLU 逐层送回像素（ZFNet）。",
    ),
    "saliency": Words(
        "Saliency", "显著性",
        "How strongly the score reacts to a small change of each pixel, in either direction.",
        "每个像素发生微小变化时，得分的反应强度（不分方向）。",
    ),
}  # fmt: skip
