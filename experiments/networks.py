"""A small network whose parts can be exchanged, for the experiments: two convolutions, pooling, linear layers.

convscope compare digits --models experiments/networks.py:Small,lenet_relu
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from convscope.models.tools.layers import LocalResponseNorm

NORMS = {"none": lambda maps: nn.Identity(), "batch": nn.BatchNorm2d, "lrn": lambda maps: LocalResponseNorm()}
POOLS = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}


def convolution(inputs: int, outputs: int, kernels: str, stride: int = 1) -> nn.Sequential:
    """Return `kernels` of equal receptive field, "5x5" or "3x3+3x3", with ReLU after each but the last."""
    if kernels == "5x5":
        return nn.Sequential(nn.Conv2d(inputs, outputs, 5, stride, padding=2))
    first = nn.Conv2d(inputs, outputs, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), nn.Conv2d(outputs, outputs, 3, stride, padding=1))


class Small(nn.Module):
    """N x C x H x W -> N x classes, for images of any size if `ending` is gap, else of 28 x 28.

    pooling: max, avg, or stride (the convolutions make steps of 2 instead). norm: none, batch, lrn. kernels: 5x5 or
    3x3+3x3. ending: linear (two fully connected layers) or gap (global average pooling and one). criterion:
    cross-entropy or squared (half the squared error of the probabilities, as in the tutorials).
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 1,
        pooling: str = "max",
        norm: str = "none",
        dropout: float = 0.0,
        kernels: str = "5x5",
        ending: str = "linear",
        criterion: str = "cross-entropy",
    ):
        super().__init__()
        stages: list[nn.Module] = []
        for inputs, outputs in ((in_channels, 16), (16, 32)):
            stages += [convolution(inputs, outputs, kernels, 2 if pooling == "stride" else 1), nn.ReLU()]
            stages += [NORMS[norm](outputs), nn.Identity() if pooling == "stride" else POOLS[pooling](2)]
        self.features = nn.Sequential(*stages)  # N x 32 x 7 x 7
        if ending == "gap":
            self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, num_classes))
        else:
            hidden = [nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, num_classes)]
            self.head = nn.Sequential(nn.Flatten(), *hidden)
        self.criterion = criterion

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        return self.head(self.features(images))

    def loss(self, logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Return the mean over the images of the chosen error."""
        if self.criterion == "squared":
            wanted = F.one_hot(labels, logits.shape[1]).to(logits.dtype)
            return 0.5 * (wanted - logits.softmax(1)).square().sum(1).mean()
        return F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
