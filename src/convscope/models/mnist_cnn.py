"""A tutorial's network for MNIST with four convolutions: 2,327,818 parameters, published 99.33 % after 20 epochs.

No paper: a course chapter, which trains it with SGD at 0.1, batches of 64 and pixels scaled to -1..1 (`--recipe
tutorial`). Parameter names are the chapter's, so that its own code can load weights trained here.
"""

from __future__ import annotations

from torch import Tensor, nn

from .tools.card import Card
from .tools.layers import require_size


class MnistCNN(nn.Module):
    """Two convolutions, pool, two convolutions, pool, three linear layers. N x C x 28 x 28 -> N x classes."""

    def __init__(self, num_classes: int = 10, in_channels: int = 1):
        super().__init__()
        self.input_size = (in_channels, 28, 28)
        self.layer1 = nn.Sequential(nn.Conv2d(in_channels, 16, 3), nn.ReLU())
        # N x 16 x 26 x 26
        self.layer2 = nn.Sequential(nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2))
        # N x 32 x 12 x 12
        self.layer3 = nn.Sequential(nn.Conv2d(32, 64, 3), nn.ReLU())
        # N x 64 x 10 x 10
        self.layer4 = nn.Sequential(nn.Conv2d(64, 128, 3), nn.ReLU(), nn.MaxPool2d(2))
        # N x 128 x 4 x 4
        self.stages = {"layer2.1": (32, 1), "layer4.1": (128, 2), "layer4.2": (128, 4)}
        self.flatten = nn.Flatten()
        self.fc = nn.Sequential(
            nn.Linear(128 * 4 * 4, 1024), nn.ReLU(), nn.Linear(1024, 128), nn.ReLU(), nn.Linear(128, num_classes)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_size(images, self.input_size, "mnist_cnn")
        maps = self.layer4(self.layer3(self.layer2(self.layer1(images))))
        return self.fc(self.flatten(maps))


CARDS = [
    Card(
        "mnist_cnn", MnistCNN, None, "a course chapter", "(no paper: a tutorial's network)", "", "depth", (1, 28, 28),
        mean=0.5, std=0.5, benchmark="MNIST", top1_error=0.67,
    )
]  # fmt: skip
