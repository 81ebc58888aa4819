"""DenseNet: every layer takes the concatenated maps of all layers before it.

G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, *Densely Connected Convolutional Networks*, CVPR 2017
(arXiv:1608.06993).

Layer l appends k maps (the growth rate) to those before it: x_l = H([x_0, ..., x_(l-1)]). ResNet adds, DenseNet
concatenates. H is BN-ReLU-conv 3 x 3; in the B form a 1 x 1 convolution to 4k maps, with its own BN-ReLU, comes before
it. Transitions between blocks halve the image, and in the C form the number of maps as well.

The ImageNet networks are BC and have torchvision's parameter names, so that its weights load strictly. DenseNet-161
(k = 48) is the authors' own, published with their code; DenseNet-264 has no public weights. The CIFAR networks are
Table 2's, basic and BC, with names of the same pattern.

Departures from the paper: `drop_rate` is 0 unless given (the paper: 0.2 for CIFAR without augmentation, after every
convolution but the first, as here; torchvision drops only after the 3 x 3 ones). Convolutions are initialised after He
(normal, fan-in), as in torchvision; the paper does not say whether fan-in or fan-out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from .tools.card import Card
from .tools.layers import require_at_least


class DenseLayer(nn.Sequential):
    """[x, H(x)]: N x C x H x W -> N x C+k x H x W."""

    def __init__(self, channels: int, growth: int, bottleneck: bool, drop_rate: float):
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        # The 1 x 1 convolution reduces any number of maps to 4k, so that the 3 x 3 one stays cheap.
        convolutions = [(4 * growth, 1), (growth, 3)] if bottleneck else [(growth, 3)]
        for number, (maps, kernel) in enumerate(convolutions, 1):
            layers[f"norm{number}"] = nn.BatchNorm2d(channels)
            layers[f"relu{number}"] = nn.ReLU()
            layers[f"conv{number}"] = nn.Conv2d(channels, maps, kernel, padding=kernel // 2, bias=False)
            if drop_rate:
                layers[f"drop{number}"] = nn.Dropout(drop_rate)
            channels = maps
        super().__init__(layers)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the input maps, followed by the new ones."""
        return torch.cat([maps, super().forward(maps)], 1)


class Transition(nn.Sequential):
    """N x C x H x W -> N x out x H/2 x W/2."""

    def __init__(self, channels: int, out: int, drop_rate: float):
        layers: OrderedDict[str, nn.Module] = OrderedDict(norm=nn.BatchNorm2d(channels), relu=nn.ReLU())
        layers["conv"] = nn.Conv2d(channels, out, 1, bias=False)
        if drop_rate:
            layers["drop"] = nn.Dropout(drop_rate)
        layers["pool"] = nn.AvgPool2d(2)
        super().__init__(layers)


class DenseNet(nn.Module):
    """Stem, dense blocks with a transition between two of them, BN-ReLU, global average pooling, one linear layer.

    `blocks` are the layers of each block, `growth` is k, `stem` the maps of the first convolution, `bottleneck` the B
    form, `compression` the C form's theta (1 keeps all maps). `imagenet` starts with a 7 x 7 convolution of stride 2
    and a pool; without it the first convolution is 3 x 3. Any image size works that leaves one pixel at the end.
    """

    def __init__(
        self,
        blocks: Sequence[int],
        growth: int,
        stem: int,
        bottleneck: bool = True,
        compression: float = 0.5,
        imagenet: bool = True,
        num_classes: int = 1000,
        in_channels: int = 3,
        drop_rate: float = 0.0,
    ):
        super().__init__()
        if not 0 <= drop_rate < 1:
            raise ValueError(f"drop_rate must be at least 0 and below 1, not {drop_rate}")
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        self.stages: dict[str, tuple[int, int]] = {}
        if imagenet:
            layers["conv0"] = nn.Conv2d(in_channels, stem, 7, stride=2, padding=3, bias=False)
            layers["norm0"] = nn.BatchNorm2d(stem)
            layers["relu0"] = nn.ReLU()  # N x 64 x 112 x 112, as in DenseNet-121 at 224 x 224
            layers["pool0"] = nn.MaxPool2d(3, stride=2, padding=1)  # N x 64 x 56 x 56
        else:
            layers["conv0"] = nn.Conv2d(in_channels, stem, 3, padding=1, bias=False)  # N x 24 x 32 x 32, BC-100
        channels, stride = stem, 4 if imagenet else 1
        for number, depth in enumerate(blocks, 1):
            dense = [DenseLayer(channels + i * growth, growth, bottleneck, drop_rate) for i in range(depth)]
            layers[f"denseblock{number}"] = nn.Sequential(
                OrderedDict((f"denselayer{i}", layer) for i, layer in enumerate(dense, 1))
            )
            channels += depth * growth  # N x 256 x 56 x 56, 512 x 28 x 28, 1024 x 14 x 14, 1024 x 7 x 7
            if number < len(blocks):
                self.stages[f"features.denseblock{number}"] = (channels, stride)
                out = int(channels * compression)
                layers[f"transition{number}"] = Transition(channels, out, drop_rate)
                channels, stride = out, stride * 2  # N x 128 x 28 x 28, 256 x 14 x 14, 512 x 7 x 7
        last = len(blocks) + 1
        layers[f"norm{last}"] = nn.BatchNorm2d(channels)
        layers[f"relu{last}"] = nn.ReLU()
        self.stages[f"features.relu{last}"] = (channels, stride)
        self.smallest = 29 if imagenet else stride  # the last block then gets one pixel
        self.features = nn.Sequential(layers)  # N x 1024 x 7 x 7
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_at_least(images, self.smallest, "DenseNet")
        return self.classifier(self.flatten(self.avgpool(self.features(images))))


def imagenet_densenet(
    blocks: Sequence[int], growth: int, num_classes: int = 1000, in_channels: int = 3, drop_rate: float = 0.0
) -> DenseNet:
    """Return a DenseNet-BC for ImageNet: the first convolution has 2k maps, the input 3 x 224 x 224."""
    return DenseNet(blocks, growth, 2 * growth, True, 0.5, True, num_classes, in_channels, drop_rate)


def cifar_densenet(
    depth: int, growth: int, num_classes: int = 10, in_channels: int = 3, drop_rate: float = 0.0
) -> DenseNet:
    """Return the basic form: three blocks of (L - 4) / 3 layers, 16 first maps, transitions that keep all maps."""
    return DenseNet([(depth - 4) // 3] * 3, growth, 16, False, 1.0, False, num_classes, in_channels, drop_rate)


def cifar_densenet_bc(
    depth: int, growth: int, num_classes: int = 10, in_channels: int = 3, drop_rate: float = 0.0
) -> DenseNet:
    """Return the BC form: three blocks of (L - 4) / 6 pairs of layers, 2k first maps."""
    return DenseNet([(depth - 4) // 6] * 3, growth, 2 * growth, True, 0.5, False, num_classes, in_channels, drop_rate)


# Table 1, and the authors' DenseNet-161: layers of each block, growth rate.
densenet121 = partial(imagenet_densenet, (6, 12, 24, 16), 32)
densenet169 = partial(imagenet_densenet, (6, 12, 32, 32), 32)
densenet201 = partial(imagenet_densenet, (6, 12, 48, 32), 32)
densenet264 = partial(imagenet_densenet, (6, 12, 64, 48), 32)
densenet161 = partial(imagenet_densenet, (6, 12, 36, 24), 48)
# Table 2: depth L, growth rate.
densenet40_k12 = partial(cifar_densenet, 40, 12)
densenet100_k12 = partial(cifar_densenet, 100, 12)
densenet100_k24 = partial(cifar_densenet, 100, 24)
densenet_bc100_k12 = partial(cifar_densenet_bc, 100, 12)
densenet_bc250_k24 = partial(cifar_densenet_bc, 250, 24)
densenet_bc190_k40 = partial(cifar_densenet_bc, 190, 40)

PAPER = (
    2016, "G. Huang, Z. Liu, L. van der Maaten, K. Weinberger", "Densely Connected Convolutional Networks",
    "https://arxiv.org/abs/1608.06993", "dense",
)  # fmt: skip
# CIFAR-10: with shifts and flips ("C10+"). The paper has no figures for DenseNet-161.
VAL = "ImageNet val, 1 crop"
CARDS = [
    Card("densenet121", densenet121, *PAPER, (3, 224, 224), benchmark=VAL, top1_error=25.02, top5_error=7.71),
    Card("densenet169", densenet169, *PAPER, (3, 224, 224), benchmark=VAL, top1_error=23.80, top5_error=6.85),
    Card("densenet201", densenet201, *PAPER, (3, 224, 224), benchmark=VAL, top1_error=22.58, top5_error=6.34),
    Card("densenet264", densenet264, *PAPER, (3, 224, 224), benchmark=VAL, top1_error=22.15, top5_error=6.12),
    Card("densenet161", densenet161, *PAPER, (3, 224, 224), benchmark=VAL),
    Card("densenet40_k12", densenet40_k12, *PAPER, (3, 32, 32), benchmark="CIFAR-10", top1_error=5.24),
    Card("densenet100_k12", densenet100_k12, *PAPER, (3, 32, 32), benchmark="CIFAR-10", top1_error=4.10),
    Card("densenet100_k24", densenet100_k24, *PAPER, (3, 32, 32), benchmark="CIFAR-10", top1_error=3.74),
    Card("densenet_bc100_k12", densenet_bc100_k12, *PAPER, (3, 32, 32), benchmark="CIFAR-10", top1_error=4.51),
    Card("densenet_bc250_k24", densenet_bc250_k24, *PAPER, (3, 32, 32), benchmark="CIFAR-10", top1_error=3.62),
    Card("densenet_bc190_k40", densenet_bc190_k40, *PAPER, (3, 32, 32), benchmark="CIFAR-10", top1_error=3.46),
]
