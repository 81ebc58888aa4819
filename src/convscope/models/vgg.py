"""VGG: deep networks of 3 x 3 convolutions. Networks A, A-LRN, B, C, D (VGG-16) and E (VGG-19) of Table 1.

K. Simonyan, A. Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*, arXiv 1409.1556,
Sep 2014, ICLR 2015.

Names of parameters are torchvision's, so that its weights for A, B, D and E fit; weights under the names of a tutorial
that types VGG-16 in six blocks (`block1.0` to `block6.5`) are renamed when they are loaded. Departures from the paper:
batch norm (`vgg11_bn` and so on), which came a year later; average pooling, which brings any input from 32 x 32 on to
7 x 7 maps and does nothing at 224 x 224. A-LRN's constants are AlexNet's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor, nn

from .tools.card import Card
from .tools.layers import LocalResponseNorm, require_at_least
from .tools.renamed_weights import TakesOtherNames

WIDTHS = (64, 128, 256, 512, 512)


@dataclass(frozen=True)
class Column:
    """A column of Table 1: kernel sizes of each block's convolutions, response norm at the end of the first block."""

    kernels: tuple[tuple[int, ...], ...]
    response_norm: bool = False
    batch_norm: bool = False


#       64      128     256           512           512: maps
A = Column(((3,),   (3,),   (3, 3),       (3, 3),       (3, 3)))  # fmt: skip
B = Column(((3, 3), (3, 3), (3, 3),       (3, 3),       (3, 3)))  # fmt: skip
C = Column(((3, 3), (3, 3), (3, 3, 1),    (3, 3, 1),    (3, 3, 1)))  # fmt: skip
D = Column(((3, 3), (3, 3), (3, 3, 3),    (3, 3, 3),    (3, 3, 3)))  # fmt: skip
E = Column(((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)))  # fmt: skip
A_LRN = replace(A, response_norm=True)


class VGG(TakesOtherNames):
    """One network of the table. Input N x C x H x W, output N x classes; shapes below are for 224 x 224.

    Weights start with Glorot's uniform distribution, biases at 0, as the paper suggests (section 3.1) for a network
    that is trained from scratch. Its own N(0, 0.1^2) was for networks that took the first and last layers from a
    trained A; from scratch it diverges.
    """

    def __init__(self, column: Column, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5):
        super().__init__()
        self.stages: dict[str, tuple[int, int]] = {}
        layers: list[nn.Module] = []
        maps = in_channels
        for block, (width, kernels) in enumerate(zip(WIDTHS, column.kernels, strict=True)):
            for kernel in kernels:
                norm = [nn.BatchNorm2d(width)] if column.batch_norm else []
                layers += [nn.Conv2d(maps, width, kernel, padding=kernel // 2), *norm, nn.ReLU()]
                maps = width
            if column.response_norm and block == 0:
                layers.append(LocalResponseNorm())
            self.stages[f"features.{len(layers) - 1}"] = (width, 2**block)
            layers.append(nn.MaxPool2d(2))
            # N x 64 x 112 x 112, 128 x 56 x 56, 256 x 28 x 28, 512 x 14 x 14, 512 x 7 x 7
        self.stages[f"features.{len(layers) - 1}"] = (maps, 32)
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(4096, num_classes),
        )  # fmt: skip
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_at_least(images, 32, "vgg")
        return self.classifier(self.flatten(self.avgpool(self.features(images))))

    def layers_by_other_names(self, names: Sequence[str]) -> dict[str, str]:
        """Return the layers of six blocks, numbered within each: convolution, ReLU, ..., pooling; flatten, linear, ...

        Such networks have neither batch norm nor dropout.
        """
        if not any(name.startswith("block") for name in names):
            return {}
        layers, block, place = {}, 1, 0
        for path, layer in self.features.named_children():
            if isinstance(layer, nn.Conv2d):
                layers[f"block{block}.{place}"] = f"features.{path}"
            place += 1
            if isinstance(layer, nn.MaxPool2d):
                block, place = block + 1, 0
        return layers | {"block6.1": "classifier.0", "block6.3": "classifier.3", "block6.5": "classifier.6"}


vgg11 = partial(VGG, A)  # 132,863,336 parameters
vgg11_lrn = partial(VGG, A_LRN)  # 132,863,336
vgg13 = partial(VGG, B)  # 133,047,848
vgg16_c = partial(VGG, C)  # 133,638,952
vgg16 = partial(VGG, D)  # 138,357,544
vgg19 = partial(VGG, E)  # 143,667,240
vgg11_bn = partial(VGG, replace(A, batch_norm=True))  # 132,868,840
vgg13_bn = partial(VGG, replace(B, batch_norm=True))  # 133,053,736
vgg16_bn = partial(VGG, replace(D, batch_norm=True))  # 138,365,992
vgg19_bn = partial(VGG, replace(E, batch_norm=True))  # 143,678,248

_ABOUT = (
    2014,
    "K. Simonyan, A. Zisserman",
    "Very Deep Convolutional Networks for Large-Scale Image Recognition",
    "https://arxiv.org/abs/1409.1556",
    "depth",
    (3, 224, 224),
)
_VAL = "ImageNet val, single scale"

CARDS = [
    # Table 3 of the paper: the best row of each network, tested at one scale.
    Card("vgg11", vgg11, *_ABOUT, benchmark=_VAL, top1_error=29.6, top5_error=10.4),
    Card("vgg11_lrn", vgg11_lrn, *_ABOUT, benchmark=_VAL, top1_error=29.7, top5_error=10.5),
    Card("vgg13", vgg13, *_ABOUT, benchmark=_VAL, top1_error=28.7, top5_error=9.9),
    Card("vgg16_c", vgg16_c, *_ABOUT, benchmark=_VAL, top1_error=27.3, top5_error=8.8),
    Card("vgg16", vgg16, *_ABOUT, benchmark=_VAL, top1_error=25.6, top5_error=8.1),
    Card("vgg19", vgg19, *_ABOUT, benchmark=_VAL, top1_error=25.5, top5_error=8.0),
    # Batch norm is younger than the paper.
    Card("vgg11_bn", vgg11_bn, *_ABOUT),
    Card("vgg13_bn", vgg13_bn, *_ABOUT),
    Card("vgg16_bn", vgg16_bn, *_ABOUT),
    Card("vgg19_bn", vgg19_bn, *_ABOUT),
]
