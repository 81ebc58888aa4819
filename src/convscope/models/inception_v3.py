"""Inception-v3: factorised convolutions, at 299 x 299.

C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, *Rethinking the Inception Architecture for Computer Vision*,
CVPR 2016, arXiv:1512.00567. Modules and parameters have the names of torchvision, whose weights fit.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .tools.card import Card
from .tools.inception_blocks import AuxiliaryPool, BasicConv2d, auxiliary_loss
from .tools.layers import require_at_least

Conv = BasicConv2d


class InceptionA(nn.Module):
    """Figure 5, with a 5x5 in one branch, as in all public code (the figure draws two 3x3 in both)."""

    def __init__(self, in_channels: int, pool_maps: int):
        super().__init__()
        self.branch1x1 = Conv(in_channels, 64, 1)
        self.branch5x5_1 = Conv(in_channels, 48, 1)
        self.branch5x5_2 = Conv(48, 64, 5)
        self.branch3x3dbl_1 = Conv(in_channels, 64, 1)
        self.branch3x3dbl_2 = Conv(64, 96, 3)
        self.branch3x3dbl_3 = Conv(96, 96, 3)
        self.pool = nn.AvgPool2d(3, 1, 1)
        self.branch_pool = Conv(in_channels, pool_maps, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps: N x C x H x W -> N x 224 + pool_maps x H x W."""
        five = self.branch5x5_2(self.branch5x5_1(x))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), five, double, self.branch_pool(self.pool(x))], 1)


class InceptionB(nn.Module):
    """Figure 10: convolutions of stride 2 beside pooling, so that halving the grid loses little information."""

    def __init__(self, in_channels: int):
        super().__init__()
        self.branch3x3 = Conv(in_channels, 384, 3, 2, padding=0)
        self.branch3x3dbl_1 = Conv(in_channels, 64, 1)
        self.branch3x3dbl_2 = Conv(64, 96, 3)
        self.branch3x3dbl_3 = Conv(96, 96, 3, 2, padding=0)
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps: N x C x H x W -> N x 480 + C x H/2 x W/2."""
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, self.pool(x)], 1)


class InceptionC(nn.Module):
    """Figure 6 with n = 7: each 7x7 as 1x7 and 7x1. The inner layers have `maps` maps."""

    def __init__(self, in_channels: int, maps: int):
        super().__init__()
        self.branch1x1 = Conv(in_channels, 192, 1)
        self.branch7x7_1 = Conv(in_channels, maps, 1)
        self.branch7x7_2 = Conv(maps, maps, (1, 7))
        self.branch7x7_3 = Conv(maps, 192, (7, 1))
        self.branch7x7dbl_1 = Conv(in_channels, maps, 1)
        self.branch7x7dbl_2 = Conv(maps, maps, (7, 1))
        self.branch7x7dbl_3 = Conv(maps, maps, (1, 7))
        self.branch7x7dbl_4 = Conv(maps, maps, (7, 1))
        self.branch7x7dbl_5 = Conv(maps, 192, (1, 7))
        self.pool = nn.AvgPool2d(3, 1, 1)
        self.branch_pool = Conv(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps: N x C x H x W -> N x 768 x H x W."""
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), seven, double, self.branch_pool(self.pool(x))], 1)


class InceptionD(nn.Module):
    """The second reduction: as Figure 10, with 1x7 and 7x1 before the 3x3 of stride 2."""

    def __init__(self, in_channels: int):
        super().__init__()
        self.branch3x3_1 = Conv(in_channels, 192, 1)
        self.branch3x3_2 = Conv(192, 320, 3, 2, padding=0)
        self.branch7x7x3_1 = Conv(in_channels, 192, 1)
        self.branch7x7x3_2 = Conv(192, 192, (1, 7))
        self.branch7x7x3_3 = Conv(192, 192, (7, 1))
        self.branch7x7x3_4 = Conv(192, 192, 3, 2, padding=0)
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps: N x C x H x W -> N x 512 + C x H/2 x W/2."""
        three = self.branch3x3_2(self.branch3x3_1(x))
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([three, seven, self.pool(x)], 1)


class InceptionE(nn.Module):
    """Figure 7: 1x3 beside 3x1, a wide bank of filters for the coarsest grid."""

    def __init__(self, in_channels: int):
        super().__init__()
        self.branch1x1 = Conv(in_channels, 320, 1)
        self.branch3x3_1 = Conv(in_channels, 384, 1)
        self.branch3x3_2a = Conv(384, 384, (1, 3))
        self.branch3x3_2b = Conv(384, 384, (3, 1))
        self.branch3x3dbl_1 = Conv(in_channels, 448, 1)
        self.branch3x3dbl_2 = Conv(448, 384, 3)
        self.branch3x3dbl_3a = Conv(384, 384, (1, 3))
        self.branch3x3dbl_3b = Conv(384, 384, (3, 1))
        self.pool = nn.AvgPool2d(3, 1, 1)
        self.branch_pool = Conv(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps: N x C x H x W -> N x 2048 x H x W."""
        three = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        wide = [self.branch3x3_2a(three), self.branch3x3_2b(three)]
        wide += [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        return torch.cat([self.branch1x1(x), *wide, self.branch_pool(self.pool(x))], 1)


class Auxiliary(nn.Sequential):
    """Figure 8: the batch-normalised head on the last 17 x 17 maps."""

    def __init__(self, in_channels: int, num_classes: int):
        super().__init__()
        self.pool = AuxiliaryPool(5, larger=True)  # N x 768 x 5 x 5
        self.conv0 = Conv(in_channels, 128, 1)
        self.conv1 = Conv(128, 768, 5, padding=0)  # N x 768 x 1 x 1
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(768, num_classes)


class InceptionOutputs(NamedTuple):
    """The output in training: the logits, and those of the auxiliary head."""

    logits: Tensor
    aux_logits: Tensor


class InceptionV3(nn.Module):
    """Table 1 of the paper, 23,834,568 parameters and with the auxiliary head 27,161,264; images from 75 x 75.

    The children run in their order. In training `AuxLogits` branches off, and the output is `InceptionOutputs`; in
    evaluation, or without `aux_logits`, it is plain logits, N x classes. Batch norm has eps 0.001. Weights start
    truncated normal with deviation 0.1, in the auxiliary head's last layers 0.01 and 0.001. The public weights expect
    pixels in -1..1 (mean 0.5, deviation 0.5). Departures: the 5x5 branch of `InceptionA`; padding is torchvision's. For
    images below 299 x 299 the auxiliary head pools its maps to 5 x 5.
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3, aux_logits: bool = True):
        super().__init__()
        self.Conv2d_1a_3x3 = Conv(in_channels, 32, 3, 2, padding=0)  # N x 32 x 149 x 149
        self.Conv2d_2a_3x3 = Conv(32, 32, 3, padding=0)  # N x 32 x 147 x 147
        self.Conv2d_2b_3x3 = Conv(32, 64, 3)  # N x 64 x 147 x 147
        self.maxpool1 = nn.MaxPool2d(3, 2)  # N x 64 x 73 x 73
        self.Conv2d_3b_1x1 = Conv(64, 80, 1)  # N x 80 x 73 x 73
        self.Conv2d_4a_3x3 = Conv(80, 192, 3, padding=0)  # N x 192 x 71 x 71
        self.maxpool2 = nn.MaxPool2d(3, 2)  # N x 192 x 35 x 35
        self.Mixed_5b = InceptionA(192, 32)  # N x 256 x 35 x 35
        self.Mixed_5c = InceptionA(256, 64)  # N x 288 x 35 x 35
        self.Mixed_5d = InceptionA(288, 64)  # N x 288 x 35 x 35
        self.Mixed_6a = InceptionB(288)  # N x 768 x 17 x 17
        self.Mixed_6b = InceptionC(768, 128)  # N x 768 x 17 x 17
        self.Mixed_6c = InceptionC(768, 160)  # N x 768 x 17 x 17
        self.Mixed_6d = InceptionC(768, 160)  # N x 768 x 17 x 17
        self.Mixed_6e = InceptionC(768, 192)  # N x 768 x 17 x 17
        self.Mixed_7a = InceptionD(768)  # N x 1280 x 8 x 8
        self.Mixed_7b = InceptionE(1280)  # N x 2048 x 8 x 8
        self.Mixed_7c = InceptionE(2048)  # N x 2048 x 8 x 8
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()  # N x 2048
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(2048, num_classes)
        self.aux_logits = aux_logits
        if aux_logits:
            self.AuxLogits = Auxiliary(768, num_classes)
        deviations = {"AuxLogits.conv1.conv": 0.01, "AuxLogits.fc": 0.001}
        for name, layer in self.named_modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                deviation = deviations.get(name, 0.1)
                nn.init.trunc_normal_(layer.weight, 0, deviation, -2 * deviation, 2 * deviation)

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """The last module of each stage: channels and stride of its maps."""
        return {"Conv2d_4a_3x3": (192, 4), "Mixed_5d": (288, 8), "Mixed_6e": (768, 16), "Mixed_7c": (2048, 32)}

    def forward(self, images: Tensor) -> Tensor | InceptionOutputs:
        """Return logits; in training with those of the auxiliary head."""
        require_at_least(images, 75, "inception_v3")
        maps, auxiliary = images, None
        for name, layer in self.named_children():
            if name == "AuxLogits":
                continue
            maps = layer(maps)
            if self.training and self.aux_logits and name == "Mixed_6e":
                auxiliary = self.AuxLogits(maps)
        return maps if auxiliary is None else InceptionOutputs(maps, auxiliary)

    def loss(self, outputs: Tensor | InceptionOutputs, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Return the cross-entropy; in training plus 0.4 times the auxiliary head's, as in the authors' code."""
        return auxiliary_loss(outputs, labels, 0.4, label_smoothing)


CARDS = [
    Card(
        "inception_v3", InceptionV3, 2015, "C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna",
        "Rethinking the Inception Architecture for Computer Vision", "https://arxiv.org/abs/1512.00567", "Inception",
        (3, 299, 299), mean=0.5, std=0.5,
        benchmark="ImageNet 2012 validation, one crop", top1_error=21.2, top5_error=5.6,
    )
]  # fmt: skip
