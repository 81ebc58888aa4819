"""Names and descriptions of the attribution methods, in English and Chinese."""

from __future__ import annotations

from typing import NamedTuple


class MethodText(NamedTuple):
    """A name and a description in both languages."""

    name_en: str
    name_zh: str
    description_en: str
    description_zh: str


METHOD_TEXTS = {
    "hires-cam": MethodText(
        "HiResCAM", "HiResCAM",
        "Class-activation map: the feature maps of one layer, weighted by the gradient at each position and summed.",
        "类激活图：将某一层的特征图在每个位置按梯度加权后求和。",
    ),
    "grad-cam": MethodText(
        "Grad-CAM", "Grad-CAM",
        "Class-activation map: the same feature maps, each weighted by its mean gradient. Equal to HiResCAM if global "
        "average pooling follows the layer.",
        "类激活图：同样的特征图，每张按其平均梯度加权后求和。若该层之后是全局平均池化，则与 HiResCAM 相同。",
    ),
    "occlusion": MethodText(
        "Occlusion", "遮挡",
        "How much the score falls when a gray square covers this position. Blue: it rises.",
        "用灰色方块遮住该位置时，得分下降多少。蓝色：得分反而上升。",
    ),
    "integrated-gradients": MethodText(
        "Integrated gradients", "积分梯度",
        "Each pixel's contribution to the change of the score while the image fades in from gray. The contributions "
        "add up to the whole change.",
        "图像从灰色逐渐显现时，每个像素对得分变化的贡献；所有贡献之和等于得分的总变化。",
    ),
    "guided-backprop": MethodText(
        "Guided backpropagation", "导向反向传播",
        "The gradient at the pixels, where every ReLU passes back positive gradients only.",
        "像素处的梯度；反向传播时，每个 ReLU 只让正梯度通过。",
    ),
    "deconvnet": MethodText(
        "Deconvnet", "反卷积网络",
        "The score sent back to the pixels through transposed convolutions and ReLUs, as in the ZFNet paper.",
        "将得分经转置卷积和 ReLU 逐层传回像素，即 ZFNet 论文的方法。",
    ),
    "saliency": MethodText(
        "Saliency", "显著性",
        "How strongly the score reacts to a small change of each pixel, in either direction.",
        "每个像素发生微小变化时，得分变化的幅度（不分方向）。",
    ),
}  # fmt: skip
