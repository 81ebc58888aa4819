"""Small networks for digits (ConvScope's own): one reaches MNIST's published figures in seconds, one exceeds them.

No paper. Batch norm between convolution and ReLU is Ioffe and Szegedy's (arXiv 1502.03167). Two ideas of Keller
Jordan's airbench (arXiv 2404.00498) save time: reducing the resolution early, where convolutions cost most, and pooling
before norm and ReLU, which then have a quarter of the values. Its whitened first layer brought nothing here
(benchmarks/LOG.md).
"""

from __future__ import annotations

from torch import Tensor, nn

from .tools.card import Card
from .tools.layers import require_size


class MnistFast(nn.Module):
    """A stem that halves the image, two stages that end in a pool, one linear layer. N x C x H x W -> N x classes.

    `stem` is the number of its maps, `stages` the widths of each stage's 3 x 3 convolutions. Shapes below are for
    28 x 28 and `mnist_fast`. Everything starts with torch's defaults.
    """

    def __init__(
        self,
        stem: int,
        stages: tuple[tuple[int, ...], tuple[int, ...]],
        num_classes: int,
        in_channels: int,
        img_size: int,
    ):
        super().__init__()
        if img_size < 8:
            raise ValueError(f"img_size must be at least 8, not {img_size}")
        self.input_size = (in_channels, img_size, img_size)
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, stem, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(stem), nn.ReLU()
        )
        # N x 16 x 14 x 14
        self.stage1 = stage(stem, stages[0])
        # N x 32 x 7 x 7
        self.stage2 = stage(stages[0][-1], stages[1])
        # N x 64 x 3 x 3
        self.stages = {"stem": (stem, 2), "stage1": (stages[0][-1], 4), "stage2": (stages[1][-1], 8)}
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(stages[1][-1] * (img_size // 8) ** 2, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_size(images, self.input_size, "the network")
        return self.linear(self.flatten(self.stage2(self.stage1(self.stem(images)))))


def stage(before: int, widths: tuple[int, ...]) -> nn.Sequential:
    """Return 3 x 3 convolutions of these widths, each with norm and ReLU; the last is pooled 2 x 2 before its norm."""
    modules: list[nn.Module] = []
    for number, width in enumerate(widths, start=1):
        modules.append(nn.Conv2d(before, width, 3, padding=1, bias=False))
        if number == len(widths):
            modules.append(nn.MaxPool2d(2))
        modules += [nn.BatchNorm2d(width), nn.ReLU()]
        before = width
    return nn.Sequential(*modules)


def mnist_fast(num_classes: int = 10, in_channels: int = 1, img_size: int = 28) -> MnistFast:
    """Return the network for speed: 29,290 parameters."""
    return MnistFast(16, ((32,), (64,)), num_classes, in_channels, img_size)


def mnist_best(num_classes: int = 10, in_channels: int = 1, img_size: int = 28) -> MnistFast:
    """Return the network for accuracy: 289,354 parameters."""
    return MnistFast(32, ((64, 64), (128, 128)), num_classes, in_channels, img_size)


CARDS = [
    Card(name, build, None, "ConvScope", "(no paper: ConvScope's own network)", "", "depth", (1, 28, 28))
    for name, build in (("mnist_fast", mnist_fast), ("mnist_best", mnist_best))
]
