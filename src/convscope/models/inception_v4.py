"""Inception-v4: Inception modules of few kinds, without residual connections.

C. Szegedy, S. Ioffe, V. Vanhoucke, A. Alemi, *Inception-v4, Inception-ResNet and the Impact of Residual Connections on
Learning*, AAAI 2017, arXiv:1602.07261. Parameters have the names of timm, whose weights fit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .tools.card import Card
from .tools.inception_blocks import BasicConv2d, Concat
from .tools.layers import require_at_least

Conv = BasicConv2d


class Mixed3a(Concat):
    """The first fork of the stem, Figure 3."""

    def __init__(self) -> None:
        super().__init__()
        self.maxpool = nn.MaxPool2d(3, 2)
        self.conv = Conv(64, 96, 3, 2, padding=0)


class Mixed4a(Concat):
    """The second fork of the stem, Figure 3, which draws 7x1 before 1x7; the public weights have 1x7 first."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = nn.Sequential(Conv(160, 64, 1), Conv(64, 96, 3, padding=0))
        self.branch1 = nn.Sequential(
            Conv(160, 64, 1), Conv(64, 64, (1, 7)), Conv(64, 64, (7, 1)), Conv(64, 96, 3, padding=0)
        )


class Mixed5a(Concat):
    """The third fork of the stem, Figure 3."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = Conv(192, 192, 3, 2, padding=0)
        self.maxpool = nn.MaxPool2d(3, 2)


class InceptionA(Concat):
    """Figure 4, on the 35 x 35 grid."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = Conv(384, 96, 1)
        self.branch1 = nn.Sequential(Conv(384, 64, 1), Conv(64, 96, 3))
        self.branch2 = nn.Sequential(Conv(384, 64, 1), Conv(64, 96, 3), Conv(96, 96, 3))
        self.branch3 = nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), Conv(384, 96, 1))


class ReductionA(Concat):
    """Figure 7, from 35 x 35 to 17 x 17; `k`, `l`, `m` and `n` as in the paper's Table 1."""

    def __init__(self, in_channels: int, k: int, l: int, m: int, n: int):  # noqa: E741
        super().__init__()
        self.branch0 = Conv(in_channels, n, 3, 2, padding=0)
        self.branch1 = nn.Sequential(Conv(in_channels, k, 1), Conv(k, l, 3), Conv(l, m, 3, 2, padding=0))
        self.branch2 = nn.MaxPool2d(3, 2)


class InceptionB(Concat):
    """Figure 5, on the 17 x 17 grid."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = Conv(1024, 384, 1)
        self.branch1 = nn.Sequential(Conv(1024, 192, 1), Conv(192, 224, (1, 7)), Conv(224, 256, (7, 1)))
        self.branch2 = nn.Sequential(
            Conv(1024, 192, 1),
            Conv(192, 192, (7, 1)), Conv(192, 224, (1, 7)),
            Conv(224, 224, (7, 1)), Conv(224, 256, (1, 7)),
        )  # fmt: skip
        self.branch3 = nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), Conv(1024, 128, 1))


class ReductionB(Concat):
    """Figure 8, from 17 x 17 to 8 x 8."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = nn.Sequential(Conv(1024, 192, 1), Conv(192, 192, 3, 2, padding=0))
        self.branch1 = nn.Sequential(
            Conv(1024, 256, 1), Conv(256, 256, (1, 7)), Conv(256, 320, (7, 1)), Conv(320, 320, 3, 2, padding=0)
        )
        self.branch2 = nn.MaxPool2d(3, 2)


class InceptionC(nn.Module):
    """Figure 6, on the 8 x 8 grid: two branches fork again at their ends."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = Conv(1536, 256, 1)
        self.branch1_0 = Conv(1536, 384, 1)
        self.branch1_1a = Conv(384, 256, (1, 3))
        self.branch1_1b = Conv(384, 256, (3, 1))
        self.branch2_0 = Conv(1536, 384, 1)
        self.branch2_1 = Conv(384, 448, (3, 1))
        self.branch2_2 = Conv(448, 512, (1, 3))
        self.branch2_3a = Conv(512, 256, (1, 3))
        self.branch2_3b = Conv(512, 256, (3, 1))
        self.branch3 = nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), Conv(1536, 256, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return maps: N x 1536 x H x W -> N x 1536 x H x W."""
        one = self.branch1_0(x)
        two = self.branch2_2(self.branch2_1(self.branch2_0(x)))
        forks = [self.branch1_1a(one), self.branch1_1b(one), self.branch2_3a(two), self.branch2_3b(two)]
        return torch.cat([self.branch0(x), *forks, self.branch3(x)], 1)


class InceptionV4(nn.Sequential):
    """Figure 9: 42,679,816 parameters. N x C x H x W -> N x classes, images from 75 x 75 (shapes are for 299 x 299).

    Batch norm has eps 0.001. The paper gives no initialisation; weights start as in the authors' code with Kaiming's
    truncated normal distribution (fan in). The public weights expect pixels in -1..1 (mean 0.5, deviation 0.5).
    Departures: the order of 1x7 and 7x1 in the stem, see `Mixed4a`.
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3):
        super().__init__()
        self.features = nn.Sequential(
            Conv(in_channels, 32, 3, 2, padding=0),          # N x 32 x 149 x 149
            Conv(32, 32, 3, padding=0),                      # N x 32 x 147 x 147
            Conv(32, 64, 3),                                 # N x 64 x 147 x 147
            Mixed3a(),                                       # N x 160 x 73 x 73
            Mixed4a(),                                       # N x 192 x 71 x 71
            Mixed5a(),                                       # N x 384 x 35 x 35
            *(InceptionA() for _ in range(4)),               # N x 384 x 35 x 35
            ReductionA(384, k=192, l=224, m=256, n=384),     # N x 1024 x 17 x 17
            *(InceptionB() for _ in range(7)),               # N x 1024 x 17 x 17
            ReductionB(),                                    # N x 1536 x 8 x 8
            *(InceptionC() for _ in range(3)),               # N x 1536 x 8 x 8
        )  # fmt: skip
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()  # N x 1536
        self.head_drop = nn.Dropout(0.2)
        self.last_linear = nn.Linear(1536, num_classes)
        self.apply(scaled_init)

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """The last module of each stage: channels and stride of its maps."""
        return {"features.4": (192, 4), "features.9": (384, 8), "features.17": (1024, 16), "features.21": (1536, 32)}

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_at_least(images, 75, "inception_v4")
        return super().forward(images)


def scaled_init(layer: nn.Module) -> None:
    """Initialise as the authors' code does: truncated normal weights of variance 2 / inputs, biases 0."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        # A normal distribution that is cut off at two deviations has 0.88 of its deviation.
        deviation = (2 / layer.weight[0].numel()) ** 0.5 / 0.87962566
        nn.init.trunc_normal_(layer.weight, 0, deviation, -2 * deviation, 2 * deviation)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


AUTHORS = "C. Szegedy, S. Ioffe, V. Vanhoucke, A. Alemi"
PAPER = "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning"
URL = "https://arxiv.org/abs/1602.07261"

CARDS = [
    Card(
        "inception_v4", InceptionV4, 2016, AUTHORS, PAPER, URL, "Inception", (3, 299, 299), mean=0.5, std=0.5,
        benchmark="ImageNet 2012 validation without blacklisted images, one crop", top1_error=20.0, top5_error=5.0,
    )
]  # fmt: skip
