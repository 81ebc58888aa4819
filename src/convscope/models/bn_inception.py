"""BN-Inception, the network of the batch normalisation paper. The Inception-v4 paper calls it Inception-v2.

S. Ioffe, C. Szegedy, *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift*,
ICML 2015, arXiv:1502.03167. (*Rethinking the Inception Architecture* uses the name Inception-v2 for another network.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch.nn.functional as F
from torch import Tensor, nn

from .tools.card import Card
from .tools.inception_blocks import BasicConv2d, Concat
from .tools.layers import require_at_least


@dataclass(frozen=True)
class Row:
    """The maps of one module: a row of the paper's Figure 5. A module without `conv1` and `project` has stride 2."""

    conv1: int
    reduce3: int
    conv3: int
    reduce33: int
    conv33: int
    pool: str
    project: int


FIGURE5 = {
    #         1x1  3x3r 3x3  d3x3r d3x3 pool, projection
    "3a": Row(64,  64,  64,  64,  96,  "avg", 32),   # N x 256 x 28 x 28
    "3b": Row(64,  64,  96,  64,  96,  "avg", 64),   # N x 320 x 28 x 28
    "3c": Row(0,   128, 160, 64,  96,  "max", 0),    # N x 576 x 14 x 14
    "4a": Row(224, 64,  96,  96,  128, "avg", 128),  # N x 576 x 14 x 14
    "4b": Row(192, 96,  128, 96,  128, "avg", 128),  # N x 576 x 14 x 14
    "4c": Row(160, 128, 160, 128, 160, "avg", 96),   # N x 576 x 14 x 14
    "4d": Row(96,  128, 192, 160, 192, "avg", 96),   # N x 576 x 14 x 14
    "4e": Row(0,   128, 192, 192, 256, "max", 0),    # N x 1024 x 7 x 7
    "5a": Row(352, 192, 320, 160, 224, "avg", 128),  # N x 1024 x 7 x 7
    "5b": Row(352, 192, 320, 192, 224, "max", 128),  # N x 1024 x 7 x 7
}  # fmt: skip


class HalvingMaxPool(nn.Module):
    """Max pooling 3x3 / 2 to half the size, rounded up, as a padded convolution of stride 2 gives it.

    For even sizes, windows extend beyond the right and lower border, as with `ceil_mode`; for odd ones, beyond all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps: N x C x H x W -> N x C x ceil(H / 2) x ceil(W / 2)."""
        height, width = maps.shape[-2:]
        return self.pool(F.pad(maps, (width % 2, 1, height % 2, 1), value=float("-inf")))


class Module(Concat):
    """GoogLeNet's module with two 3x3 convolutions instead of the 5x5.

    At stride 2 (3c, 4e) nothing projects the pooling; the stride is that of the 3x3 convolution and of the second of
    the two.
    """

    def __init__(self, in_channels: int, row: Row, bias: bool):
        super().__init__()

        def conv(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> BasicConv2d:
            return BasicConv2d(in_channels, out_channels, kernel, stride, bias=bias, eps=1e-5)

        stride = 1 if row.project else 2
        if row.conv1:
            self.branch1x1 = conv(in_channels, row.conv1, 1)
        self.branch3x3 = nn.Sequential(
            conv(in_channels, row.reduce3, 1),
            conv(row.reduce3, row.conv3, 3, stride),
        )
        self.branch3x3dbl = nn.Sequential(
            conv(in_channels, row.reduce33, 1),
            conv(row.reduce33, row.conv33, 3),
            conv(row.conv33, row.conv33, 3, stride),
        )
        if row.project:
            pool = nn.AvgPool2d(3, 1, 1) if row.pool == "avg" else nn.MaxPool2d(3, 1, 1)
            self.branch_pool: nn.Module = nn.Sequential(pool, conv(in_channels, row.project, 1))
        else:
            self.branch_pool = HalvingMaxPool()
        self.out_channels = row.conv1 + row.conv3 + row.conv33 + (row.project or in_channels)


class BNInception(nn.Sequential):
    """11,194,984 parameters. N x C x H x W -> N x classes, images from 7 x 7 (shapes are for 224 x 224).

    `caffe` is the form of the public Caffe weights: in 4c and 4d the pooling is projected to 128 maps (Figure 5: 96),
    and convolutions have biases, which batch norm cancels; 11,295,240 parameters. Departures from the paper: its first
    convolution is separable (depth multiplier 8), this one is full. The paper gives no initialisation; weights start
    with Kaiming's normal distribution (fan in).
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3, caffe: bool = False):
        super().__init__()
        rows = dict(FIGURE5)
        if caffe:
            rows |= {number: replace(FIGURE5[number], project=128) for number in ("4c", "4d")}
        self.conv1 = BasicConv2d(in_channels, 64, 7, 2, bias=caffe, eps=1e-5)  # N x 64 x 112 x 112
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)  # N x 64 x 56 x 56
        self.conv2 = BasicConv2d(64, 64, 1, bias=caffe, eps=1e-5)
        self.conv3 = BasicConv2d(64, 192, 3, bias=caffe, eps=1e-5)  # N x 192 x 56 x 56
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)  # N x 192 x 28 x 28
        channels, self.widths = 192, {}
        for number, row in rows.items():
            module = Module(channels, row, bias=caffe)
            channels = self.widths[f"inception{number}"] = module.out_channels
            self.add_module(f"inception{number}", module)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()  # N x 1024
        self.fc = nn.Linear(channels, num_classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """The last module of each stage: channels and stride of its maps."""
        ends = {"inception3b": 8, "inception4d": 16, "inception5b": 32}
        return {"conv3": (192, 4)} | {name: (self.widths[name], stride) for name, stride in ends.items()}

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_at_least(images, 7, "bn_inception")
        return super().forward(images)


CARDS = [
    Card(
        "bn_inception", BNInception, 2015, "S. Ioffe, C. Szegedy",
        "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
        "https://arxiv.org/abs/1502.03167", "Inception", (3, 224, 224),
        benchmark="ImageNet 2012 validation, one crop", top1_error=25.2, top5_error=7.8,
    )
]  # fmt: skip
