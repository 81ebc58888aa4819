"""A small network whose parts can be exchanged, for the experiments: two convolutions, pooling, linear layers.

convscope compare digits --models experiments/networks.py:Small,lenet_relu
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convscope.models.tools.layers import LocalResponseNorm

NORMS = {"none": lambda maps: nn.Identity(), "batch": nn.BatchNorm2d, "lrn": lambda maps: LocalResponseNorm()}
POOLS = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d, "sum": partial(nn.LPPool2d, 1)}


def convolution(inputs: int, outputs: int, kernels: str, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Return convolutions that keep the size, such as "5x5" or "3x3+3x3", with ReLU after each but the last."""
    layers: list[nn.Module] = []
    sides = [int(kernel.split("x")[0]) for kernel in kernels.split("+")]
    for number, side in enumerate(sides):
        step = stride if number == len(sides) - 1 else 1
        parts = groups if inputs > 3 else 1
        layers += [nn.Conv2d(inputs, outputs, side, step, padding=side // 2, groups=parts), nn.ReLU()]
        inputs = outputs
    return nn.Sequential(*layers[:-1])


class Small(nn.Module):
    """N x C x H x W -> N x classes, for images of any size if `ending` is gap, else of 28 x 28.

    pooling: max, avg, sum (after ReLU nothing is negative, so that the 1-norm is the sum), or stride (the convolutions
    make steps of 2 instead). norm: none, batch, lrn. kernels: 5x5, 3x3+3x3, ... ending: linear (two fully connected
    layers) or gap (global average pooling and one). criterion: cross-entropy or squared (half the squared error of the
    probabilities, as in the tutorials). groups: 2 divides the second convolution as the two GPUs of AlexNet did.
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
        groups: int = 1,
    ):
        super().__init__()
        stages: list[nn.Module] = []
        for inputs, outputs in ((in_channels, 16), (16, 32)):
            stages += [convolution(inputs, outputs, kernels, 2 if pooling == "stride" else 1, groups), nn.ReLU()]
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


class Module(nn.Module):
    """One module of the three schools. N x inputs x H x W -> N x `self.outputs` x H x W.

    plain: two 3x3 convolutions with `width` maps. residual: the same, the input added before the last ReLU. reduced:
    the four branches of Inception with `width` / 4 maps each, 1x1 convolutions before the 3x3 and the 5x5 one and after
    the pooling. naive: without those, so that the pooled branch passes all of its maps on.
    """

    def __init__(self, kind: str, inputs: int, width: int):
        super().__init__()
        quarter = width // 4
        self.kind, self.outputs = kind, width
        if kind in ("plain", "residual"):
            last = _conv(width, width, 3)
            self.relu = last.pop(-1)
            self.branches = nn.ModuleList([nn.Sequential(_conv(inputs, width, 3), last)])
        elif kind == "naive":
            pool: nn.Module = nn.MaxPool2d(3, 1, 1)
            self.branches = nn.ModuleList([*(_conv(inputs, quarter, side) for side in (1, 3, 5)), pool])
            self.outputs = 3 * quarter + inputs
        else:
            reduced = [nn.Sequential(_conv(inputs, quarter // 2, 1), _conv(quarter // 2, quarter, k)) for k in (3, 5)]
            pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), _conv(inputs, quarter, 1))
            self.branches = nn.ModuleList([_conv(inputs, quarter, 1), *reduced, pool])

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps of all branches, one behind the other."""
        found = torch.cat([branch(maps) for branch in self.branches], 1)
        if self.kind in ("plain", "residual"):
            return self.relu(found + maps if self.kind == "residual" else found)
        return found


def _conv(inputs: int, outputs: int, side: int) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


class School(nn.Module):
    """A 3x3 convolution, `depth` modules of one `kind` with pooling in the middle, global average pooling, linear."""

    def __init__(
        self, num_classes: int = 10, in_channels: int = 1, kind: str = "plain", depth: int = 4, width: int = 32
    ):
        super().__init__()
        layers: list[nn.Module] = [_conv(in_channels, width, 3)]
        maps = width
        for number in range(depth):
            if number == depth // 2:
                layers.append(nn.MaxPool2d(2))
            layers.append(Module(kind, maps, width))
            maps = layers[-1].outputs
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(maps, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        return self.head(self.features(images))
