"""EfficientNet: a small network, and one rule that scales depth, width and image size together.

M. Tan, Q. Le, *EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks*, ICML 2019 (arXiv:1905.11946).

Table 1 below is B0. B1 to B7 multiply its channels by a width factor (rounded to multiples of 8) and its repeats by a
depth factor (rounded up), for larger and larger images. Parameters have torchvision's names, so that its weights load
strictly.

Departures from the paper, all torchvision's: convolutions pad symmetrically (TensorFlow's "SAME" pads an even image at
the lower right only, which is another function); batch norm has torch's epsilon and momentum up to B4 and 1e-3 and
0.01 (the paper's) from B5; initialisation is He's normal with fan-out and a uniform one for the linear layer. Skipped
blocks (stochastic depth) follow the authors' code: block i of n is left out with probability 0.2 i / n.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import ceil, sqrt

from torch import Tensor, nn

from .tools.card import Card


@dataclass(frozen=True)
class Stage:
    """A row of Table 1: `repeats` blocks; the first has the stride and takes the channels of the row before."""

    expand: int
    kernel: int
    stride: int
    channels: int
    repeats: int


STEM = 32
TABLE_1 = (
    Stage(1, 3, 1,  16, 1),
    Stage(6, 3, 2,  24, 2),
    Stage(6, 5, 2,  40, 2),
    Stage(6, 3, 2,  80, 3),
    Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
)  # fmt: skip
HEAD = 4  # times the channels of the last stage: 1280 in B0


def rounded(channels: float) -> int:
    """Return the nearest multiple of 8, but no more than a tenth below the given number."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch norm, SiLU unless `linear`."""

    def __init__(
        self, channels: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1, linear: bool = False
    ):
        convolution = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(out), *([] if linear else [nn.SiLU()]))


class SqueezeExcitation(nn.Module):
    """A gate between 0 and 1 for each map, from the means of all maps (Hu, Shen, Sun, CVPR 2018)."""

    def __init__(self, channels: int, squeezed: int):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.activation = nn.SiLU()
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, maps: Tensor) -> Tensor:
        """Return N x C x H x W, each map times its gate."""
        return maps * self.gate(self.fc2(self.activation(self.fc1(self.avgpool(maps)))))


class StochasticDepth(nn.Module):
    """In training, set the whole input of an image to zero with probability `rate`, and scale up that of the others.

    Huang, Sun, Liu, Sedra, Weinberger, *Deep Networks with Stochastic Depth*, ECCV 2016.
    """

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def forward(self, maps: Tensor) -> Tensor:
        """Return N x C x H x W, with one decision per image."""
        if not self.training or self.rate == 0:
            return maps
        kept = maps.new_empty(maps.shape[0], 1, 1, 1).bernoulli_(1 - self.rate)
        return maps * (kept / (1 - self.rate))

    def extra_repr(self) -> str:
        """Return the rate, for `print(network)`."""
        return f"rate={self.rate:.4g}"


class MBConv(nn.Module):
    """Inverted bottleneck: a 1 x 1 convolution to more maps, a depthwise one, a gate, and a linear 1 x 1 to fewer maps.

    The shortcut connects the ends, where stride and channels allow it. The gate squeezes to a quarter of the channels
    of the block's input, not of its wide maps.
    """

    def __init__(self, row: Stage, channels: int, out: int, stride: int, skip_rate: float):
        super().__init__()
        wide = channels * row.expand
        self.block = nn.Sequential(
            *([ConvNorm(channels, wide)] if row.expand > 1 else []),
            ConvNorm(wide, wide, row.kernel, stride, groups=wide),
            SqueezeExcitation(wide, max(1, channels // 4)),
            ConvNorm(wide, out, linear=True),
        )
        self.residual = stride == 1 and channels == out
        self.stochastic_depth = StochasticDepth(skip_rate if self.residual else 0.0)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps: N x C x H x W -> N x out x H/stride x W/stride."""
        narrow = self.block(maps)
        return maps + self.stochastic_depth(narrow) if self.residual else narrow


class EfficientNet(nn.Module):
    """B0 with `width` times the channels and `depth` times the repeats. Any image size works.

    `dropout` is the rate before the linear layer; `eps` and `momentum` are the batch norms'. The shapes in the comments
    are those of B0 at 224 x 224.
    """

    def __init__(
        self,
        width: float,
        depth: float,
        dropout: float,
        eps: float,
        momentum: float,
        num_classes: int = 1000,
        in_channels: int = 3,
    ):
        super().__init__()
        repeats = [ceil(depth * row.repeats) for row in TABLE_1]
        channels, stride, built = rounded(width * STEM), 2, 0
        layers: list[nn.Module] = [ConvNorm(in_channels, channels, 3, stride)]  # N x 32 x 112 x 112
        coarsest: dict[int, tuple[str, int]] = {}
        for number, (row, count) in enumerate(zip(TABLE_1, repeats, strict=True), 1):
            out = rounded(width * row.channels)
            blocks: list[nn.Module] = []
            for step in [row.stride] + [1] * (count - 1):
                blocks.append(MBConv(row, channels, out, step, 0.2 * built / sum(repeats)))
                channels, built = out, built + 1
            # N x 16 x 112 x 112, 24 x 56 x 56, 40 x 28 x 28, 80 x 14 x 14, 112 x 14 x 14, 192 x 7 x 7, 320 x 7 x 7
            layers.append(nn.Sequential(*blocks))
            stride *= row.stride
            coarsest[stride] = (f"features.{number}", out)  # the last stage of a stride replaces the ones before it
        layers.append(ConvNorm(channels, HEAD * channels))  # N x 1280 x 7 x 7
        self.stages = {path: (maps, stride) for stride, (path, maps) in coarsest.items()}
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(HEAD * channels, num_classes))
        self.reset_parameters(eps, momentum)

    def reset_parameters(self, eps: float, momentum: float) -> None:
        """Draw convolutions from He's normal (fan-out), the linear layer from +-1 / sqrt(classes); biases 0."""
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps, module.momentum = eps, momentum
            elif isinstance(module, nn.Conv2d | nn.Linear):
                if isinstance(module, nn.Conv2d):
                    nn.init.kaiming_normal_(module.weight, mode="fan_out")
                else:
                    bound = 1 / sqrt(module.out_features)
                    nn.init.uniform_(module.weight, -bound, bound)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        return self.classifier(self.flatten(self.avgpool(self.features(images))))


# width, depth, dropout; epsilon and momentum of the batch norms.
efficientnet_b0 = partial(EfficientNet, 1.0, 1.0, 0.2, 1e-5, 0.1)
efficientnet_b1 = partial(EfficientNet, 1.0, 1.1, 0.2, 1e-5, 0.1)
efficientnet_b2 = partial(EfficientNet, 1.1, 1.2, 0.3, 1e-5, 0.1)
efficientnet_b3 = partial(EfficientNet, 1.2, 1.4, 0.3, 1e-5, 0.1)
efficientnet_b4 = partial(EfficientNet, 1.4, 1.8, 0.4, 1e-5, 0.1)
efficientnet_b5 = partial(EfficientNet, 1.6, 2.2, 0.4, 1e-3, 0.01)
efficientnet_b6 = partial(EfficientNet, 1.8, 2.6, 0.5, 1e-3, 0.01)
efficientnet_b7 = partial(EfficientNet, 2.0, 3.1, 0.5, 1e-3, 0.01)

PAPER = (
    2019, "M. Tan, Q. Le", "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    "https://arxiv.org/abs/1905.11946", "residual",
)  # fmt: skip
# Network, side of the input, top-1 and top-5 error of the fifth arXiv version; ICML printed slightly other ones.
PUBLISHED = (
    ("efficientnet_b0", efficientnet_b0, 224, 22.9, 6.7),
    ("efficientnet_b1", efficientnet_b1, 240, 20.9, 5.6),
    ("efficientnet_b2", efficientnet_b2, 260, 19.9, 5.1),
    ("efficientnet_b3", efficientnet_b3, 300, 18.4, 4.3),
    ("efficientnet_b4", efficientnet_b4, 380, 17.1, 3.6),
    ("efficientnet_b5", efficientnet_b5, 456, 16.4, 3.3),
    ("efficientnet_b6", efficientnet_b6, 528, 16.0, 3.2),
    ("efficientnet_b7", efficientnet_b7, 600, 15.7, 3.0),
)
CARDS = [
    Card(name, build, *PAPER, (3, side, side), benchmark="ImageNet val, 1 crop", top1_error=top1, top5_error=top5)
    for name, build, side, top1, top5 in PUBLISHED
]
