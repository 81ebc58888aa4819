"""ResNet-20 to ResNet-1202 and the plain networks beside them, for CIFAR's 32 x 32 images.

K. He, X. Zhang, S. Ren, J. Sun, *Deep Residual Learning for Image Recognition*, arXiv 1512.03385, section 4.2.

6n + 2 layers: a 3 x 3 convolution, 2n each with 16, 32 and 64 maps, a linear layer. Shortcuts are option A everywhere,
so that a residual network has exactly the parameters of its plain counterpart and differs in the shortcuts alone.
Parameters have the names of the public weights of akamaster/pytorch_resnet_cifar10.

Departures from the paper: none known; it does not say where the zeros of option A go (see `PaddedIdentity`). Any input
size works. Convolutions start with He's normal distribution over the fan-out, the last layer with torch's default.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from .resnet import BasicBlock, PaddedIdentity, PlainBlock, init_he, projection, stage, where_the_shape_changes
from .tools.card import Card


class CifarResNet(nn.Module):
    """Three stages of `n` blocks. Input N x C x H x W, output N x classes; shapes below are for 32 x 32.

    `shortcut` is A (the paper's) or B (projections where the shape changes, 2,752 parameters more); `zeros` says where
    option A puts its empty maps, "centre" or "end".
    """

    def __init__(
        self,
        block: type[BasicBlock],
        n: int,
        num_classes: int,
        in_channels: int,
        shortcut: str = "A",
        zeros: str = "centre",
    ):
        super().__init__()
        if shortcut not in ("A", "B"):
            raise ValueError(f"unknown shortcut '{shortcut}'; choose A or B")
        add = where_the_shape_changes(partial(PaddedIdentity, zeros=zeros) if shortcut == "A" else projection)
        self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        # N x 16 x 32 x 32
        self.layer1 = stage(block, 16, 16, n, 1, add)
        # N x 16 x 32 x 32
        self.layer2 = stage(block, 16, 32, n, 2, add)
        # N x 32 x 16 x 16
        self.layer3 = stage(block, 32, 64, n, 2, add)
        # N x 64 x 8 x 8
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(64, num_classes)
        init_he(self)

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """The last module of each stage: channels and stride of its maps."""
        return {"layer1": (16, 1), "layer2": (32, 2), "layer3": (64, 4)}

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        maps = self.relu(self.bn1(self.conv1(images)))
        maps = self.layer3(self.layer2(self.layer1(maps)))
        return self.linear(self.flatten(self.avgpool(maps)))


def resnet20(num_classes: int = 10, in_channels: int = 3, shortcut: str = "A", zeros: str = "centre") -> CifarResNet:
    """Return ResNet-20: 269,722 parameters."""
    return CifarResNet(BasicBlock, 3, num_classes, in_channels, shortcut, zeros)


def resnet32(num_classes: int = 10, in_channels: int = 3, shortcut: str = "A", zeros: str = "centre") -> CifarResNet:
    """Return ResNet-32: 464,154 parameters."""
    return CifarResNet(BasicBlock, 5, num_classes, in_channels, shortcut, zeros)


def resnet44(num_classes: int = 10, in_channels: int = 3, shortcut: str = "A", zeros: str = "centre") -> CifarResNet:
    """Return ResNet-44: 658,586 parameters."""
    return CifarResNet(BasicBlock, 7, num_classes, in_channels, shortcut, zeros)


def resnet56(num_classes: int = 10, in_channels: int = 3, shortcut: str = "A", zeros: str = "centre") -> CifarResNet:
    """Return ResNet-56: 853,018 parameters."""
    return CifarResNet(BasicBlock, 9, num_classes, in_channels, shortcut, zeros)


def resnet110(num_classes: int = 10, in_channels: int = 3, shortcut: str = "A", zeros: str = "centre") -> CifarResNet:
    """Return ResNet-110: 1,727,962 parameters. The paper trains its first 400 steps at a learning rate of 0.01."""
    return CifarResNet(BasicBlock, 18, num_classes, in_channels, shortcut, zeros)


def resnet1202(num_classes: int = 10, in_channels: int = 3, shortcut: str = "A", zeros: str = "centre") -> CifarResNet:
    """Return ResNet-1202: 19,421,274 parameters. It trains without difficulty and overfits CIFAR-10."""
    return CifarResNet(BasicBlock, 200, num_classes, in_channels, shortcut, zeros)


def plain20(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """Return ResNet-20 without shortcuts."""
    return CifarResNet(PlainBlock, 3, num_classes, in_channels)


def plain32(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """Return ResNet-32 without shortcuts."""
    return CifarResNet(PlainBlock, 5, num_classes, in_channels)


def plain44(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """Return ResNet-44 without shortcuts."""
    return CifarResNet(PlainBlock, 7, num_classes, in_channels)


def plain56(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """Return ResNet-56 without shortcuts. Its training error is above plain-20's: the paper's degradation problem."""
    return CifarResNet(PlainBlock, 9, num_classes, in_channels)


def plain110(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """Return ResNet-110 without shortcuts: more than 60 % error in the paper."""
    return CifarResNet(PlainBlock, 18, num_classes, in_channels)


# Table 6 of the paper; of the plain networks it prints curves only. The best of five runs for 110 layers.
_RESULTS = [
    (plain20, None), (plain32, None), (plain44, None), (plain56, None), (plain110, None),
    (resnet20, 8.75), (resnet32, 7.51), (resnet44, 7.17), (resnet56, 6.97), (resnet110, 6.43), (resnet1202, 7.93),
]  # fmt: skip

CARDS = [
    Card(
        build.__name__, build, 2015, "K. He, X. Zhang, S. Ren, J. Sun", "Deep Residual Learning for Image Recognition",
        "https://arxiv.org/abs/1512.03385", "depth" if error is None else "residual", (3, 32, 32),
        benchmark="CIFAR-10", top1_error=error,
    )
    for build, error in _RESULTS
]  # fmt: skip
