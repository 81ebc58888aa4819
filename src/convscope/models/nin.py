"""Network in Network: a small perceptron at every position, and global average pooling instead of linear layers.

M. Lin, Q. Chen, S. Yan, *Network In Network*, arXiv 1312.4400, Dec 2013, ICLR 2014.

A row of the tables below is an "mlpconv": a convolution and two 1 x 1 convolutions, with a ReLU after each, also after
the last, so that logits are never negative. The paper gives neither sizes nor initialisation; both are those of the
authors' published Caffe networks, and the ImageNet network is only there. Any input size from 39 x 39 (CIFAR: 4 x 4) on
works. Parameter names follow that release: `cccp` is its "cascaded cross channel parametric pooling".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from .tools.card import Card
from .tools.layers import require_at_least


@dataclass(frozen=True)
class MLPConv:
    """A row: `maps` of the convolution and of the two 1 x 1 after it (None: one per class), then pool 3/2 and dropout.

    `std` is the standard deviation with which the weights of each of the three start; biases start at 0.
    """

    kernel: int
    stride: int
    padding: int
    maps: tuple[int, int, int | None]
    std: tuple[float, float, float]
    pool: str | None = None
    dropout: bool = False


IMAGENET = (
    MLPConv(11, 4, 0, (96, 96, 96),      (0.01, 0.05, 0.05), "max"),        # N x 96 x 54 x 54, pooled 27 x 27
    MLPConv(5,  1, 2, (256, 256, 256),   (0.05, 0.05, 0.05), "max"),        # N x 256 x 27 x 27, pooled 13 x 13
    MLPConv(3,  1, 1, (384, 384, 384),   (0.01, 0.05, 0.05), "max", True),  # N x 384 x 13 x 13, pooled 6 x 6
    MLPConv(3,  1, 1, (1024, 1024, None), (0.05, 0.05, 0.01)),              # N x classes x 6 x 6
)  # fmt: skip
CIFAR = (
    MLPConv(5,  1, 2, (192, 160, 96),    (0.05, 0.05, 0.05), "max", True),  # N x 96 x 32 x 32, pooled 16 x 16
    MLPConv(5,  1, 2, (192, 192, 192),   (0.05, 0.05, 0.05), "avg", True),  # N x 192 x 16 x 16, pooled 8 x 8
    MLPConv(3,  1, 1, (192, 192, None),  (0.05, 0.05, 0.05)),               # N x classes x 8 x 8
)  # fmt: skip
POOLS: dict[str, Callable[..., nn.Module]] = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}


class NIN(nn.Module):
    """The rows of a table, then the mean of each class's map. Input N x C x H x W, output N x classes."""

    def __init__(self, rows: Sequence[MLPConv], num_classes: int, in_channels: int, dropout: float, smallest: int):
        super().__init__()
        self.smallest = smallest
        self.stages: dict[str, tuple[int, int]] = {}
        self.features = nn.Sequential()
        maps, jump = in_channels, 1
        for number, row in enumerate(rows, 1):
            first, second, third = (num_classes if m is None else m for m in row.maps)
            convolutions = {
                "conv": nn.Conv2d(maps, first, row.kernel, row.stride, row.padding),
                "cccp1": nn.Conv2d(first, second, 1),
                "cccp2": nn.Conv2d(second, third, 1),
            }
            mlpconv = nn.Sequential()
            for (name, layer), std in zip(convolutions.items(), row.std, strict=True):
                nn.init.normal_(layer.weight, std=std)
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
                mlpconv.add_module(name, layer)
                mlpconv.add_module(f"relu_{name}", nn.ReLU())
            self.features.add_module(f"mlpconv{number}", mlpconv)
            maps, jump = third, jump * row.stride
            self.stages[f"features.mlpconv{number}"] = (maps, jump)
            if row.pool:
                self.features.add_module(f"pool{number}", POOLS[row.pool](3, stride=2, ceil_mode=True))
                jump *= 2
            if row.dropout:
                self.features.add_module(f"dropout{number}", nn.Dropout(dropout))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_at_least(images, self.smallest, "nin")
        return self.flatten(self.pool(self.features(images)))


def nin(num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> NIN:
    """Return the network for ImageNet, 7,595,176 parameters: an eighth of AlexNet's."""
    return NIN(IMAGENET, num_classes, in_channels, dropout, smallest=39)


def nin_cifar(num_classes: int = 10, in_channels: int = 3, dropout: float = 0.5) -> NIN:
    """Return the network for CIFAR, 966,986 parameters."""
    return NIN(CIFAR, num_classes, in_channels, dropout, smallest=4)


_ABOUT = (2013, "M. Lin, Q. Chen, S. Yan", "Network In Network", "https://arxiv.org/abs/1312.4400", "Inception")

CARDS = [
    Card("nin", nin, *_ABOUT, (3, 224, 224)),
    Card("nin_cifar", nin_cifar, *_ABOUT, (3, 32, 32), benchmark="CIFAR-10", top1_error=10.41),
]
