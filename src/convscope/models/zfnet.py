"""ZFNet: AlexNet with smaller kernels and strides in the first two layers, after its maps had been visualised.

M. Zeiler, R. Fergus, *Visualizing and Understanding Convolutional Networks*, arXiv 1311.2901, Nov 2013, ECCV 2014.

Not in the paper: paddings (those here give the sizes of its figure 3; the first two pools pad by one) and the constants
of contrast normalisation (AlexNet's here). Departure: the paper also rescales, in training, every kernel whose root
mean square exceeds 0.1; that is no part of the network.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .tools.card import Card
from .tools.layers import LocalResponseNorm, require_size


class ZFNet(nn.Module):
    """62,357,608 parameters. Input N x C x 224 x 224, output N x classes.

    `maps` are the widths of layers 3 to 5; (512, 1024, 512) is the paper's model (b), 107,627,624 parameters. The order
    is ReLU, pool, normalise (AlexNet normalises before it pools). Weights start as N(0, 0.01^2), biases at 0.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        dropout: float = 0.5,
        maps: Sequence[int] = (384, 384, 256),
    ):
        super().__init__()
        if len(maps) != 3 or not all(isinstance(m, int) and m > 0 for m in maps):
            raise ValueError(f"maps must be three positive whole numbers, such as (384, 384, 256), not {maps!r}")
        third, fourth, fifth = maps
        self.input_size = (in_channels, 224, 224)
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 96, 7, stride=2, padding=1), nn.ReLU(),       # N x 96 x 110 x 110
            nn.MaxPool2d(3, stride=2, padding=1), LocalResponseNorm(),           # N x 96 x 55 x 55
            nn.Conv2d(96, 256, 5, stride=2), nn.ReLU(),                          # N x 256 x 26 x 26
            nn.MaxPool2d(3, stride=2, padding=1), LocalResponseNorm(),           # N x 256 x 13 x 13
            nn.Conv2d(256, third, 3, padding=1), nn.ReLU(),                      # N x 384 x 13 x 13
            nn.Conv2d(third, fourth, 3, padding=1), nn.ReLU(),                   # N x 384 x 13 x 13
            nn.Conv2d(fourth, fifth, 3, padding=1), nn.ReLU(),                   # N x 256 x 13 x 13
            nn.MaxPool2d(3, stride=2),                                           # N x 256 x 6 x 6
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(fifth * 6 * 6, 4096), nn.ReLU(), nn.Dropout(dropout),      # N x 4096
            nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(dropout),               # N x 4096
            nn.Linear(4096, num_classes),
        )  # fmt: skip
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """The last module of each stage: channels and stride of its maps."""
        last = self.features[12]
        assert isinstance(last, nn.Conv2d)
        deepest = last.out_channels
        return {
            "features.1": (96, 2), "features.3": (96, 4), "features.5": (256, 8),
            "features.13": (deepest, 16), "features.14": (deepest, 32),
        }  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_size(images, self.input_size, "zfnet")
        return self.classifier(self.features(images))


CARDS = [
    Card(
        "zfnet", ZFNet, 2013, "M. Zeiler, R. Fergus", "Visualizing and Understanding Convolutional Networks",
        "https://arxiv.org/abs/1311.2901", "depth", (3, 224, 224),
        benchmark="ImageNet val, 10 crops", top1_error=38.4, top5_error=16.5,
    )
]  # fmt: skip
