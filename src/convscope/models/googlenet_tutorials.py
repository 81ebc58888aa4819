"""Two versions of GoogLeNet that tutorials teach. See `googlenet.py` for the paper's network and its Table 1."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from .googlenet import AUTHORS, PAPER, TABLE1, URL, Inception, Row
from .tools.card import Card
from .tools.inception_blocks import ConvReLU
from .tools.layers import require_at_least


class GoogLeNetTutorial0(nn.Sequential):
    """A GoogLeNet without ReLUs in its modules: 6,994,392 parameters. Images from 31 x 31.

    In each module only the max pooling is not linear, so that a 1x1 convolution and the larger one after it can do no
    more than one convolution. Further departures from the paper: no 1x1 convolution before the second one, no local
    response normalisation, no auxiliary heads. Weights start with torch's defaults, as the tutorial's do.
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3):
        super().__init__()
        self.conv1 = ConvReLU(in_channels, 64, 7, stride=2)  # N x 64 x 112 x 112
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)  # N x 64 x 56 x 56
        self.conv2 = ConvReLU(64, 192, 3)  # N x 192 x 56 x 56
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)  # N x 192 x 28 x 28
        channels = 192
        for number, row in TABLE1.items():
            block = Inception(channels, row, _linear_conv)
            channels = block.out_channels
            self.add_module(f"inception{number}", block)
            if number in ("3b", "4e"):
                self.add_module(f"maxpool{number[0]}", nn.MaxPool2d(3, 2, ceil_mode=True))
        self.avgpool = nn.AdaptiveAvgPool2d(1)  # N x 1024 x 1 x 1
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(0.4)
        self.fc = nn.Linear(channels, num_classes)

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """The last module of each stage: channels and stride of its maps."""
        return {"conv2": (192, 4), "inception3b": (480, 8), "inception4e": (832, 16), "inception5b": (1024, 32)}

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_at_least(images, 31, "googlenet_tutorial0")
        return super().forward(images)


def _linear_conv(in_channels: int, out_channels: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)


class InceptionTutorial1(nn.Module):
    """The module of Figure 2(b) with the tutorial's parameter names: p1, p2_1, p2_2, p3_1, p3_2, p4_2."""

    def __init__(self, in_channels: int, row: Row):
        super().__init__()
        self.p1 = nn.Conv2d(in_channels, row.conv1, 1)
        self.relu1 = nn.ReLU()
        self.p2_1 = nn.Conv2d(in_channels, row.reduce3, 1)
        self.relu2_1 = nn.ReLU()
        self.p2_2 = nn.Conv2d(row.reduce3, row.conv3, 3, padding=1)
        self.relu2_2 = nn.ReLU()
        self.p3_1 = nn.Conv2d(in_channels, row.reduce5, 1)
        self.relu3_1 = nn.ReLU()
        self.p3_2 = nn.Conv2d(row.reduce5, row.conv5, 5, padding=2)
        self.relu3_2 = nn.ReLU()
        self.p4_1 = nn.MaxPool2d(3, 1, 1)
        self.p4_2 = nn.Conv2d(in_channels, row.project, 1)
        self.relu4_2 = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps: N x C x H x W -> N x sum of the branches' maps x H x W."""
        p1 = self.relu1(self.p1(maps))
        p2 = self.relu2_2(self.p2_2(self.relu2_1(self.p2_1(maps))))
        p3 = self.relu3_2(self.p3_2(self.relu3_1(self.p3_1(maps))))
        p4 = self.relu4_2(self.p4_2(self.p4_1(maps)))
        return torch.cat([p1, p2, p3, p4], 1)


class GoogLeNetTutorial1(nn.Sequential):
    """A GoogLeNet in five blocks: 5,927,850 parameters for 10 classes and grey images. Any height and width.

    Departures from the paper: module 4d reduces to 128 maps before its 3x3 convolution instead of 144, max pooling has
    padding 1 instead of windows that extend beyond the right and lower border (same sizes, other windows), no local
    response normalisation, no dropout, no auxiliary heads. Weights start after Kaiming (normal, fan out), the linear
    layer's as N(0, 0.01), biases at 0, and parameter names are the tutorial's.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1):
        super().__init__()

        self.b1 = nn.Sequential(nn.Conv2d(in_channels, 64, 7, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        # N x 64 x 56 x 56
        self.b2 = nn.Sequential(
            nn.Conv2d(64, 64, 1), nn.ReLU(), nn.Conv2d(64, 192, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        # N x 192 x 28 x 28
        self.b3 = nn.Sequential(*_modules(192, "3a", "3b"), nn.MaxPool2d(3, 2, 1))
        # N x 480 x 14 x 14
        self.b4 = nn.Sequential(*_modules(480, "4a", "4b", "4c", "4d", "4e"), nn.MaxPool2d(3, 2, 1))
        # N x 832 x 7 x 7
        self.b5 = nn.Sequential(
            *_modules(832, "5a", "5b"), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, num_classes)
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, 0, 0.01)
            if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
                nn.init.zeros_(layer.bias)

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """The last module of each stage: channels and stride of its maps."""
        return {"b2.3": (192, 4), "b3.1": (480, 8), "b4.4": (832, 16), "b5.1": (1024, 32)}


# As the notes type it, against the paper's 144.
TYPED = TABLE1 | {"4d": replace(TABLE1["4d"], reduce3=128)}


def _modules(in_channels: int, *numbers: str) -> list[nn.Module]:
    modules: list[nn.Module] = []
    for number in numbers:
        modules.append(InceptionTutorial1(in_channels, TYPED[number]))
        in_channels = TYPED[number].out_channels
    return modules


CARDS = [
    Card(
        "googlenet_tutorial0", GoogLeNetTutorial0, 2014, AUTHORS, f"{PAPER} (a blog's version)", URL, "Inception",
        (3, 224, 224),
    ),
    Card(
        "googlenet_tutorial1", GoogLeNetTutorial1, 2014, AUTHORS, f"{PAPER} (study notes' version)", URL, "Inception",
        (1, 224, 224),
    ),
]  # fmt: skip
