"""Inception-ResNet-v1 and -v2: Inception modules as residuals.

C. Szegedy, S. Ioffe, V. Vanhoucke, A. Alemi, *Inception-v4, Inception-ResNet and the Impact of Residual Connections on
Learning*, AAAI 2017, arXiv:1602.07261. The parameters of v2 have the names of timm, whose weights fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from .inception_v4 import AUTHORS, PAPER, URL, Mixed3a, Mixed4a, Mixed5a, ReductionA, scaled_init
from .tools.card import Card
from .tools.inception_blocks import BasicConv2d, Concat
from .tools.layers import require_at_least

Conv = BasicConv2d


@dataclass(frozen=True)
class Widths:
    """The maps of one network's blocks, in the order of its figures, and the numbers of blocks."""

    a: tuple[int, int, int]  # the last branch of the block on the 35 x 35 grid: Figures 10 and 16
    reduction_a: tuple[int, int, int, int]  # k, l, m, n of Table 1 for Figure 7
    b: tuple[int, int, int, int]  # 1x1, then 1x1, 1x7, 7x1 on the 17 x 17 grid: Figures 11 and 17
    reduction_b: tuple[int, int, int, int]  # what follows the three 1x1 convolutions: Figures 12 and 18
    c: tuple[int, int, int, int]  # 1x1, then 1x1, 1x3, 3x1 on the 8 x 8 grid: Figures 13 and 19
    blocks: tuple[int, int, int]  # of a, b and c: Figure 15


# fmt: off
V1 = Widths(
    a=(32, 32, 32),           # N x 256 x 35 x 35
    reduction_a=(192, 192, 256, 384),
    b=(128, 128, 128, 128),   # N x 896 x 17 x 17
    reduction_b=(384, 256, 256, 256),
    c=(192, 192, 192, 192),   # N x 1792 x 8 x 8
    blocks=(5, 10, 5),
)
V2_AS_PRINTED = Widths(
    a=(32, 48, 64),           # N x 384 x 35 x 35
    reduction_a=(256, 256, 384, 384),
    b=(192, 128, 160, 192),   # N x 1152 x 17 x 17; Figure 17 prints 1154
    reduction_b=(384, 288, 288, 320),
    c=(192, 192, 224, 256),   # N x 2144 x 8 x 8; Figure 19 prints 2048
    blocks=(5, 10, 5),
)
V2 = replace(V2_AS_PRINTED, blocks=(10, 20, 10))  # N x 320, 1088, 2080 maps, because its stem has 320
# fmt: on


class Residual(nn.Module):
    """ReLU of the input plus `scale` times its branches, which a linear 1x1 convolution with bias joins.

    Small scales (0.1 to 0.3 in the paper, Figure 20) keep wide networks from dying early in training.
    """

    def __init__(self, channels: int, joined: int, scale: float, rectify: bool = True):
        super().__init__()
        self.scale = scale
        self.conv2d = nn.Conv2d(joined, channels, 1)
        self.act = nn.ReLU() if rectify else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps: N x C x H x W -> N x C x H x W."""
        branches = [branch(maps) for name, branch in self.named_children() if name.startswith("branch")]
        return self.act(maps + self.scale * self.conv2d(torch.cat(branches, 1)))


class Block35(Residual):
    """Inception-ResNet-A, Figures 10 (v1) and 16 (v2)."""

    def __init__(self, channels: int, last: tuple[int, int, int]):
        super().__init__(channels, 32 + 32 + last[2], scale=0.17)
        self.branch0 = Conv(channels, 32, 1)
        self.branch1 = nn.Sequential(Conv(channels, 32, 1), Conv(32, 32, 3))
        self.branch2 = nn.Sequential(Conv(channels, last[0], 1), Conv(last[0], last[1], 3), Conv(last[1], last[2], 3))


class Block17(Residual):
    """Inception-ResNet-B, Figures 11 (v1) and 17 (v2)."""

    def __init__(self, channels: int, b: tuple[int, int, int, int]):
        super().__init__(channels, b[0] + b[3], scale=0.1)
        self.branch0 = Conv(channels, b[0], 1)
        self.branch1 = nn.Sequential(Conv(channels, b[1], 1), Conv(b[1], b[2], (1, 7)), Conv(b[2], b[3], (7, 1)))


class Block8(Residual):
    """Inception-ResNet-C, Figures 13 (v1) and 19 (v2)."""

    def __init__(self, channels: int, c: tuple[int, int, int, int], scale: float = 0.2, rectify: bool = True):
        super().__init__(channels, c[0] + c[3], scale, rectify)
        self.branch0 = Conv(channels, c[0], 1)
        self.branch1 = nn.Sequential(Conv(channels, c[1], 1), Conv(c[1], c[2], (1, 3)), Conv(c[2], c[3], (3, 1)))


class ReductionB(Concat):
    """From 17 x 17 to 8 x 8, Figures 12 (v1) and 18 (v2)."""

    def __init__(self, channels: int, maps: tuple[int, int, int, int]):
        super().__init__()
        self.branch0 = nn.Sequential(Conv(channels, 256, 1), Conv(256, maps[0], 3, 2, padding=0))
        self.branch1 = nn.Sequential(Conv(channels, 256, 1), Conv(256, maps[1], 3, 2, padding=0))
        self.branch2 = nn.Sequential(
            Conv(channels, 256, 1), Conv(256, maps[2], 3), Conv(maps[2], maps[3], 3, 2, padding=0)
        )
        self.branch3 = nn.MaxPool2d(3, 2)


class Mixed5b(Concat):
    """The end of the stem of the released v2: Inception-v3's first module with 96 maps in its 1x1 branch."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = Conv(192, 96, 1)
        self.branch1 = nn.Sequential(Conv(192, 48, 1), Conv(48, 64, 5))
        self.branch2 = nn.Sequential(Conv(192, 64, 1), Conv(64, 96, 3), Conv(96, 96, 3))
        self.branch3 = nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), Conv(192, 64, 1))


def narrow_stem(in_channels: int) -> dict[str, nn.Module]:
    """Return the stem of v1 and of the released v2: Figure 14 without its last convolution."""
    return {
        "conv2d_1a": Conv(in_channels, 32, 3, 2, padding=0),  # N x 32 x 149 x 149
        "conv2d_2a": Conv(32, 32, 3, padding=0),              # N x 32 x 147 x 147
        "conv2d_2b": Conv(32, 64, 3),                         # N x 64 x 147 x 147
        "maxpool_3a": nn.MaxPool2d(3, 2),                     # N x 64 x 73 x 73
        "conv2d_3b": Conv(64, 80, 1),                         # N x 80 x 73 x 73
        "conv2d_4a": Conv(80, 192, 3, padding=0),             # N x 192 x 71 x 71
    }  # fmt: skip


def wide_stem(in_channels: int) -> dict[str, nn.Module]:
    """Return the stem of Inception-v4, Figure 3, which the paper also draws for v2."""
    return {
        "conv2d_1a": Conv(in_channels, 32, 3, 2, padding=0),  # N x 32 x 149 x 149
        "conv2d_2a": Conv(32, 32, 3, padding=0),              # N x 32 x 147 x 147
        "conv2d_2b": Conv(32, 64, 3),                         # N x 64 x 147 x 147
        "mixed_3a": Mixed3a(),                                # N x 160 x 73 x 73
        "mixed_4a": Mixed4a(),                                # N x 192 x 71 x 71
        "mixed_5a": Mixed5a(),                                # N x 384 x 35 x 35
    }  # fmt: skip


class InceptionResNet(nn.Sequential):
    """Figure 15, for images from 75 x 75 (shapes are for 299 x 299). N x C x H x W -> N x classes.

    With `released`, as in the released v2, the last block has neither scale nor ReLU, and a 1x1 convolution to 1536
    maps follows. Batch norm has eps 0.001; weights start as Inception-v4's.
    """

    def __init__(
        self, stem: dict[str, nn.Module], channels: int, widths: Widths, num_classes: int, released: bool = False
    ):
        super().__init__()
        for name, module in stem.items():
            self.add_module(name, module)  # N x channels x 35 x 35
        a, b, c = widths.blocks
        stages = {"mixed_4a" if "mixed_4a" in stem else "conv2d_4a": (192, 4), "repeat": (channels, 8)}
        self.repeat = nn.Sequential(*(Block35(channels, widths.a) for _ in range(a)))
        self.mixed_6a = ReductionA(channels, *widths.reduction_a)
        channels += sum(widths.reduction_a[2:])  # N x channels x 17 x 17
        stages["repeat_1"] = (channels, 16)
        self.repeat_1 = nn.Sequential(*(Block17(channels, widths.b) for _ in range(b)))
        self.mixed_7a = ReductionB(channels, widths.reduction_b)
        channels += widths.reduction_b[0] + widths.reduction_b[1] + widths.reduction_b[3]  # N x channels x 8 x 8
        self.repeat_2 = nn.Sequential(*(Block8(channels, widths.c) for _ in range(c - released)))
        if released:
            self.block8 = Block8(channels, widths.c, scale=1.0, rectify=False)
            self.conv2d_7b = Conv(channels, 1536, 1)
            channels = 1536
        stages["conv2d_7b" if released else "repeat_2"] = (channels, 32)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.head_drop = nn.Dropout(0.2)
        self.classif = nn.Linear(channels, num_classes)
        self.stages = stages
        self.apply(scaled_init)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_at_least(images, 75, "Inception-ResNet")
        return super().forward(images)


def inception_resnet_v1(num_classes: int = 1000, in_channels: int = 3) -> InceptionResNet:
    """Return the network that costs as much as Inception-v3: 22,756,328 parameters. Departures from the paper: none."""
    stem = narrow_stem(in_channels)
    stem["conv2d_4b"] = Conv(192, 256, 3, 2, padding=0)
    return InceptionResNet(stem, 256, V1, num_classes)


def inception_resnet_v2(num_classes: int = 1000, in_channels: int = 3, as_printed: bool = False) -> InceptionResNet:
    """Return the network that costs as much as Inception-v4: 55,843,464 parameters, as its authors released it.

    The released network, which the authors say they meant, differs from the paper's figures: another stem, twice as
    many blocks, a last convolution. `as_printed` returns the one of the figures, 32,433,928 parameters, with channels
    that fit the additions where the figures misprint them. The public weights expect pixels in -1..1 (mean 0.5,
    deviation 0.5).
    """
    if as_printed:
        return InceptionResNet(wide_stem(in_channels), 384, V2_AS_PRINTED, num_classes)
    stem = narrow_stem(in_channels)
    stem["maxpool_5a"] = nn.MaxPool2d(3, 2)
    stem["mixed_5b"] = Mixed5b()
    return InceptionResNet(stem, 320, V2, num_classes, released=True)


_BENCHMARK = "ImageNet 2012 validation without blacklisted images, one crop"

CARDS = [
    Card(
        "inception_resnet_v1", inception_resnet_v1, 2016, AUTHORS, PAPER, URL, "Inception", (3, 299, 299),
        mean=0.5, std=0.5, benchmark=_BENCHMARK, top1_error=21.3, top5_error=5.5,
    ),
    Card(
        "inception_resnet_v2", inception_resnet_v2, 2016, AUTHORS, PAPER, URL, "Inception", (3, 299, 299),
        mean=0.5, std=0.5, benchmark=_BENCHMARK, top1_error=19.9, top5_error=4.9,
    ),
]  # fmt: skip
