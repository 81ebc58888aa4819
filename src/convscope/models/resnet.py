"""ResNet-18 to ResNet-152 and the plain networks beside them, for ImageNet.

K. He, X. Zhang, S. Ren, J. Sun, *Deep Residual Learning for Image Recognition*, arXiv 1512.03385, Dec 2015, CVPR 2016.

A block learns F, the difference to its input: y = ReLU(F(x) + x). Convolutions have no bias, batch norm follows each.
Parameters have torchvision's names. Departures from the paper, each with the argument that undoes it:

- the stride of a bottleneck is in its 3 x 3 convolution ("v1.5", as in torchvision and at NVIDIA; more accurate, with
  6 % more arithmetic). `stride_in_1x1=True` is the paper's: the same parameters, but another function, so that weights
  of one do not fit the other.
- `shortcut="B"` everywhere; the paper's Table 2 compares 18 and 34 layers with option A.

Any input size works. Convolutions start with He's normal distribution (arXiv 1502.01852) over the fan-out, the last
layer with torch's default.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from .tools.card import Card

# Table 1 of the paper: residual blocks per stage.
#     conv2_x conv3_x conv4_x conv5_x
BLOCKS = {
    18:  (2,  2,  2,  2),
    34:  (3,  4,  6,  3),
    50:  (3,  4,  6,  3),
    101: (3,  4, 23,  3),
    152: (3,  8, 36,  3),
}  # fmt: skip


class PaddedIdentity(nn.Module):
    """Option A: every `stride`-th pixel, and maps of zeros for the additional channels. No parameters.

    The paper does not say where the zeros go: half of them before the maps and half after them (`zeros="centre"`), or
    all after them ("end", as in Facebook's Torch code). The two differ in the order of the maps only, but weights of
    one do not fit the other.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, zeros: str = "centre"):
        super().__init__()
        if zeros not in ("centre", "end"):
            raise ValueError(f"zeros must be centre or end, not '{zeros}'")
        before = (outputs - inputs) // 2 if zeros == "centre" else 0
        self.stride, self.before, self.behind = stride, before, outputs - inputs - before

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps: N x inputs x H x W -> N x outputs x H/stride x W/stride, rounded up."""
        return F.pad(maps[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.behind))


def projection(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Return the shortcut of options B and C: a 1 x 1 convolution and batch norm."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


# Makes the module that gives x the shape of F(x), from inputs, outputs and stride; None where x itself is added.
Shortcut = Callable[[int, int, int], "nn.Module | None"]


def where_the_shape_changes(change: Shortcut) -> Shortcut:
    """Return a shortcut that is `change` where the shape changes and the identity elsewhere."""
    return lambda inputs, outputs, stride: None if (inputs, stride) == (outputs, 1) else change(inputs, outputs, stride)


# Section 4.1 of the paper.
SHORTCUTS: dict[str, Shortcut] = {
    "A": where_the_shape_changes(PaddedIdentity),
    "B": where_the_shape_changes(projection),
    "C": projection,
}


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions. N x inputs x H x W -> N x width x H/stride x W/stride."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, shortcut: Shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = shortcut(inputs, width, stride)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return ReLU(F(x) + shortcut of x)."""
        change = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu2(change + (x if self.downsample is None else self.downsample(x)))


class PlainBlock(BasicBlock):
    """The same two convolutions without a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int, shortcut: Shortcut | None = None):
        super().__init__(inputs, width, stride, shortcut=lambda *_: None)

    def forward(self, x: Tensor) -> Tensor:
        """Return ReLU(F(x))."""
        return self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))))


class Bottleneck(nn.Module):
    """1 x 1 to `width`, 3 x 3, 1 x 1 to 4 `width`. N x inputs x H x W -> N x 4 width x H/stride x W/stride."""

    expansion = 4
    stride_in_1x1 = False

    def __init__(self, inputs: int, width: int, stride: int, shortcut: Shortcut):
        super().__init__()
        first, second = (stride, 1) if self.stride_in_1x1 else (1, stride)
        self.conv1 = nn.Conv2d(inputs, width, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, second, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = shortcut(inputs, 4 * width, stride)
        self.relu3 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return ReLU(F(x) + shortcut of x)."""
        narrow = self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))))
        change = self.bn3(self.conv3(narrow))
        return self.relu3(change + (x if self.downsample is None else self.downsample(x)))


class PaperBottleneck(Bottleneck):
    """The paper's bottleneck: the first 1 x 1 convolution has the stride, so that it skips three of four pixels."""

    stride_in_1x1 = True


Block = type[BasicBlock] | type[Bottleneck]


def stage(block: Block, inputs: int, width: int, blocks: int, stride: int, shortcut: Shortcut) -> nn.Sequential:
    """Return `blocks` blocks of one width; the first of them changes the shape."""
    outputs = width * block.expansion
    rest = (block(outputs, width, 1, shortcut) for _ in range(blocks - 1))
    return nn.Sequential(block(inputs, width, stride, shortcut), *rest)


def init_he(network: nn.Module) -> None:
    """Draw the weights of all convolutions from He's normal distribution: deviation sqrt(2 / (k * k * output maps))."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class ResNet(nn.Module):
    """Stem, four stages, global average pooling. Input N x C x H x W, output N x classes; shapes below are for 224."""

    def __init__(self, block: Block, blocks: Sequence[int], num_classes: int, in_channels: int, shortcut: str = "B"):
        super().__init__()
        if shortcut not in SHORTCUTS:
            raise ValueError(f"unknown shortcut '{shortcut}'; choose {', '.join(SHORTCUTS)}")
        add = SHORTCUTS[shortcut]
        self.expansion = e = block.expansion
        self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        # N x 64 x 112 x 112
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        # N x 64 x 56 x 56
        self.layer1 = stage(block, 64, 64, blocks[0], 1, add)
        # N x 64 (bottlenecks: 256) x 56 x 56
        self.layer2 = stage(block, 64 * e, 128, blocks[1], 2, add)
        # N x 128 (512) x 28 x 28
        self.layer3 = stage(block, 128 * e, 256, blocks[2], 2, add)
        # N x 256 (1024) x 14 x 14
        self.layer4 = stage(block, 256 * e, 512, blocks[3], 2, add)
        # N x 512 (2048) x 7 x 7
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(512 * e, num_classes)
        init_he(self)

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """The last module of each stage: channels and stride of its maps."""
        return {f"layer{i}": (32 * 2**i * self.expansion, 2 * 2**i) for i in (1, 2, 3, 4)}

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return self.fc(self.flatten(self.avgpool(maps)))


def resnet18(num_classes: int = 1000, in_channels: int = 3, shortcut: str = "B") -> ResNet:
    """Return ResNet-18: 11,689,512 parameters (A: 11,515,688, C: 12,043,816)."""
    return ResNet(BasicBlock, BLOCKS[18], num_classes, in_channels, shortcut)


def resnet34(num_classes: int = 1000, in_channels: int = 3, shortcut: str = "B") -> ResNet:
    """Return ResNet-34: 21,797,672 parameters (A: 21,623,848, C: 22,716,840)."""
    return ResNet(BasicBlock, BLOCKS[34], num_classes, in_channels, shortcut)


def resnet50(num_classes: int = 1000, in_channels: int = 3, shortcut: str = "B", stride_in_1x1: bool = False) -> ResNet:
    """Return ResNet-50: 25,557,032 parameters."""
    return ResNet(PaperBottleneck if stride_in_1x1 else Bottleneck, BLOCKS[50], num_classes, in_channels, shortcut)


def resnet101(
    num_classes: int = 1000, in_channels: int = 3, shortcut: str = "B", stride_in_1x1: bool = False
) -> ResNet:
    """Return ResNet-101: 44,549,160 parameters."""
    return ResNet(PaperBottleneck if stride_in_1x1 else Bottleneck, BLOCKS[101], num_classes, in_channels, shortcut)


def resnet152(
    num_classes: int = 1000, in_channels: int = 3, shortcut: str = "B", stride_in_1x1: bool = False
) -> ResNet:
    """Return ResNet-152: 60,192,808 parameters."""
    return ResNet(PaperBottleneck if stride_in_1x1 else Bottleneck, BLOCKS[152], num_classes, in_channels, shortcut)


def plain18(num_classes: int = 1000, in_channels: int = 3) -> ResNet:
    """Return ResNet-18 without shortcuts: 11,515,688 parameters."""
    return ResNet(PlainBlock, BLOCKS[18], num_classes, in_channels)


def plain34(num_classes: int = 1000, in_channels: int = 3) -> ResNet:
    """Return ResNet-34 without shortcuts: 21,623,848 parameters, deeper than plain-18 and less accurate."""
    return ResNet(PlainBlock, BLOCKS[34], num_classes, in_channels)


_ABOUT = (
    2015,
    "K. He, X. Zhang, S. Ren, J. Sun",
    "Deep Residual Learning for Image Recognition",
    "https://arxiv.org/abs/1512.03385",
)
_VAL = "ImageNet val, 10 crops"

CARDS = [
    # Tables 2 and 3 of the paper. It gives no top-5 error for 18 layers.
    Card("plain18", plain18, *_ABOUT, "depth", (3, 224, 224), benchmark=_VAL, top1_error=27.94),
    Card("plain34", plain34, *_ABOUT, "depth", (3, 224, 224), benchmark=_VAL, top1_error=28.54, top5_error=10.02),
    Card("resnet18", resnet18, *_ABOUT, "residual", (3, 224, 224), benchmark=f"{_VAL}, shortcut A", top1_error=27.88),
    Card("resnet34", resnet34, *_ABOUT, "residual", (3, 224, 224), benchmark=_VAL, top1_error=24.52, top5_error=7.46),
    Card("resnet50", resnet50, *_ABOUT, "residual", (3, 224, 224), benchmark=_VAL, top1_error=22.85, top5_error=6.71),
    Card("resnet101", resnet101, *_ABOUT, "residual", (3, 224, 224), benchmark=_VAL, top1_error=21.75, top5_error=6.05),
    Card("resnet152", resnet152, *_ABOUT, "residual", (3, 224, 224), benchmark=_VAL, top1_error=21.43, top5_error=5.71),
]
