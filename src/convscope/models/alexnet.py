"""AlexNet in one tower: the narrower network of 2014, as in torchvision, and the wide one of tutorials.

A. Krizhevsky, *One weird trick for parallelizing convolutional neural networks*, arXiv 1404.5997, 2014.
The network of 2012 with its two towers is in `alexnet_2012.py`.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from .tools.card import Card
from .tools.layers import require_at_least, require_size


class AlexNet(nn.Module):
    """`alexnet`, 61,100,840 parameters: torchvision's function and parameter names, so that its weights fit.

    Input N x C x H x W from 63 x 63 on (pooling brings any size to 6 x 6), output N x classes. Departures from 2012:
    the narrower first layers of 2014, one tower, padding in the first layer, no response normalisation, dropout before
    instead of after the first two linear layers. Weights start with torch's defaults.
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 64, 11, stride=4, padding=2), nn.ReLU(),  # N x 64 x 55 x 55, from 224 x 224
            nn.MaxPool2d(3, stride=2),                                       # N x 64 x 27 x 27
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(),                     # N x 192 x 27 x 27
            nn.MaxPool2d(3, stride=2),                                       # N x 192 x 13 x 13
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),                    # N x 384 x 13 x 13
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),                    # N x 256 x 13 x 13
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),                    # N x 256 x 13 x 13
            nn.MaxPool2d(3, stride=2),                                       # N x 256 x 6 x 6
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(),
            nn.Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU(),
            nn.Linear(4096, num_classes),
        )  # fmt: skip

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """The last module of each stage: channels and stride of its maps."""
        return {"features.1": (64, 4), "features.4": (192, 8), "features.11": (256, 16), "features.12": (256, 32)}

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_at_least(images, 63, "alexnet")
        return self.classifier(self.flatten(self.avgpool(self.features(images))))


class AlexNet227(nn.Sequential):
    """`alexnet_227`: the network of 2012 without groups and response normalisation.

    58,299,082 parameters for ten classes of grey images. Input N x C x 227 x 227, output N x classes. Parameter names
    are a tutorial's, whose dropout stayed on in evaluation; here it does not. Weights start with torch's defaults.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1, dropout: float = 0.5):
        super().__init__(OrderedDict(
            c1=nn.Conv2d(in_channels, 96, 11, stride=4), relu1=nn.ReLU(),  # N x 96 x 55 x 55
            s2=nn.MaxPool2d(3, stride=2),                                  # N x 96 x 27 x 27
            c3=nn.Conv2d(96, 256, 5, padding=2), relu3=nn.ReLU(),          # N x 256 x 27 x 27
            s4=nn.MaxPool2d(3, stride=2),                                  # N x 256 x 13 x 13
            c5=nn.Conv2d(256, 384, 3, padding=1), relu5=nn.ReLU(),         # N x 384 x 13 x 13
            c6=nn.Conv2d(384, 384, 3, padding=1), relu6=nn.ReLU(),         # N x 384 x 13 x 13
            c7=nn.Conv2d(384, 256, 3, padding=1), relu7=nn.ReLU(),         # N x 256 x 13 x 13
            s8=nn.MaxPool2d(3, stride=2),                                  # N x 256 x 6 x 6
            flatten=nn.Flatten(),
            f1=nn.Linear(256 * 6 * 6, 4096), relu_f1=nn.ReLU(), dropout1=nn.Dropout(dropout),
            f2=nn.Linear(4096, 4096), relu_f2=nn.ReLU(), dropout2=nn.Dropout(dropout),
            f3=nn.Linear(4096, num_classes),
        ))  # fmt: skip
        self.input_size = (in_channels, 227, 227)

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """The last module of each stage: channels and stride of its maps."""
        return {"relu1": (96, 4), "relu3": (256, 8), "relu7": (256, 16), "s8": (256, 32)}

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_size(images, self.input_size, "alexnet_227")
        return super().forward(images)


CARDS = [
    Card(
        "alexnet_227", AlexNet227, 2012, "A. Krizhevsky, I. Sutskever, G. Hinton",
        "ImageNet Classification with Deep Convolutional Neural Networks (one tower)",
        "https://papers.nips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html",
        "depth", (1, 227, 227),
    ),
    Card(
        "alexnet", AlexNet, 2014, "A. Krizhevsky",
        "One weird trick for parallelizing convolutional neural networks", "https://arxiv.org/abs/1404.5997",
        "depth", (3, 224, 224),
    ),
]  # fmt: skip
