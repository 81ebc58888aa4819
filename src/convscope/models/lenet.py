"""LeNet-5 as published in 1998, and two modern versions that tutorials teach under its name.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-Based Learning Applied to Document Recognition*,
Proc. IEEE 86(11), 1998.
"""

from __future__ import annotations

from math import prod

import torch
import torch.fx
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import UsageError
from .tools.card import Card
from .tools.layers import RBF, ScaledTanh, SubSampling, TableConv2d, require_size

# Table I of the paper: for each C3 map the S2 maps that it takes. 60 kernels of the possible 96.
C3_TABLE = [
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
]  # fmt: skip

# The targets of the output units: each digit drawn 7 wide and 12 high, after figure 3 of the paper as the public copies
# of LeNet-5 transcribe it. 0, 2, 4 and 5 have a line above. `#` is +1, `.` is -1, where the scaled tanh curves most.
BITMAPS = """
.#####. ....... ..###.. .##.##. ##...## ##...## ##...## ##...## .##.##. ..###.. ....... .......
...##.. ..###.. .####.. ...##.. ...##.. ...##.. ...##.. ...##.. ...##.. .###### ....... .......
.#####. ....... .#####. ##...## #....## ....##. ..###.. .##.... ##..... ####### ....... .......
####### .....## ....##. ...##.. ..####. .....## .....## .....## ##...## .#####. ....... .......
.#####. ....... ....... .##..## .##..## ###..## ##...## ##...## ##..### .###### .....## .....##
.#####. ....... ####### ##..... ##..... .####.. ..####. .....## ##...## .#####. ....... .......
..####. .##.... ##..... ##..... ######. ###..## ##...## ##...## ###..## .#####. ....... .......
####### .....## .....## ....##. ...##.. ...##.. ..##... ..##... ..##... ..##... ....... .......
.#####. ##...## ##...## ##...## .#####. ##...## ##...## ##...## ##...## .#####. ....... .......
.#####. ##..### ##...## ##...## ##..### .###### .....## .....## ....##. .####.. ....... .......
"""


def rbf_targets(num_classes: int) -> Tensor:
    """Return one row of 84 signs per class: the ten bitmaps or, for another number of classes, random codes.

    The paper names both: the codes "could have been chosen at random"; bitmaps suit characters that look alike.
    """
    if num_classes == 10:
        rows = [[1.0 if c == "#" else -1.0 for c in line.replace(" ", "")] for line in BITMAPS.split("\n") if line]
        return torch.tensor(rows)
    generator = torch.Generator().manual_seed(1998)
    return torch.randint(0, 2, (num_classes, 84), generator=generator).mul(2).sub(1).float()


class LeNet5(nn.Module):
    """The network of 1998: trainable sub-sampling, connection table, scaled tanh, Euclidean RBF output.

    60,000 parameters. Input N x C x 32 x 32 with background -0.1 and ink 1.175. Output N x classes, the *negative*
    squared distance to each class's target, so that the largest is the answer, as in every other network. `loss` is the
    paper's: equation 9 ("map", which also increases the distances of wrong classes, with the rubbish class at distance
    `j`) or equation 8 ("mse").

    Departures: none in the network. The paper trained it with stochastic diagonal Levenberg-Marquardt; `train` uses the
    optimizer of the recipe.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1, criterion: str = "map", j: float = 20.0):
        super().__init__()
        if criterion not in ("map", "mse"):
            raise ValueError(f"unknown criterion '{criterion}'; choose map (eq. 9) or mse (eq. 8)")
        self.input_size, self.criterion, self.j = (in_channels, 32, 32), criterion, j
        self.C1 = nn.Conv2d(in_channels, 6, 5)
        self.f1 = ScaledTanh()  # N x 6 x 28 x 28
        self.S2 = SubSampling(6)
        self.f2 = ScaledTanh()  # N x 6 x 14 x 14
        self.C3 = TableConv2d(C3_TABLE, 6, 5)
        self.f3 = ScaledTanh()  # N x 16 x 10 x 10
        self.S4 = SubSampling(16)
        self.f4 = ScaledTanh()  # N x 16 x 5 x 5
        self.C5 = nn.Conv2d(16, 120, 5)
        self.f5 = ScaledTanh()  # N x 120 x 1 x 1
        self.flatten = nn.Flatten()
        self.F6 = nn.Linear(120, 84)
        self.f6 = ScaledTanh()  # N x 84
        self.output = RBF(rbf_targets(num_classes))
        self.reset_parameters()

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """The last module of each stage: channels and stride of its maps."""
        return {"f1": (6, 1), "f3": (16, 2), "f4": (16, 4)}

    def reset_parameters(self) -> None:
        """Draw weights uniformly from +-2.4 / F, where F is the number of inputs of the unit that they belong to."""
        for layer in (self.C1, self.C5, self.F6):
            fan_in = layer.weight[0].numel()
            _uniform(layer.weight, fan_in)
            assert layer.bias is not None
            _uniform(layer.bias, fan_in)
        for pool in (self.S2, self.S4):
            _uniform(pool.weight, 4)
            _uniform(pool.bias, 4)
        with torch.no_grad():
            kernels = self.C3.weight.split([len(row) for row in C3_TABLE])
            for maps, weight, bias in zip(C3_TABLE, kernels, self.C3.bias.split(1), strict=True):
                _uniform(weight, 25 * len(maps))
                _uniform(bias, 25 * len(maps))

    def forward(self, images: Tensor) -> Tensor:
        """Return negative squared distances, N x classes."""
        require_size(images, self.input_size, "lenet5")
        maps = self.f2(self.S2(self.f1(self.C1(images))))
        maps = self.f4(self.S4(self.f3(self.C3(maps))))
        features = self.f6(self.F6(self.flatten(self.f5(self.C5(maps)))))
        return -self.output(features)

    def loss(self, logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Return E = mean(y_D + log(e^-j + sum_i e^-y_i)), equation 9, or mean(y_D), equation 8, with y = -logits.

        Equation 9 is the cross-entropy of the distances plus a term for the rubbish class.
        """
        if labels.ndim > 1:
            raise UsageError("lenet5 gives one class per image, not several labels: choose another network")
        if self.criterion == "mse":
            return -logits.gather(1, labels[:, None]).mean()
        rubbish = F.softplus(-self.j - logits.logsumexp(1)).mean()
        return F.cross_entropy(logits, labels, label_smoothing=label_smoothing) + rubbish


def _uniform(tensor: Tensor, fan_in: int) -> None:
    nn.init.uniform_(tensor, -2.4 / fan_in, 2.4 / fan_in)


class LeNetReLU(nn.Module):
    """LeNet with ReLU, max pooling and dense layers: 61,706 parameters. Input N x C x 32 x 32, output N x classes.

    Departures from 1998: no connection table, no trainable pooling, no RBF output, ReLU instead of tanh.
    Parameter names and initialisation (torch's default) are the tutorial's.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1):
        super().__init__()
        self.input_size = (in_channels, 32, 32)
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2),  # N x 6 x 14 x 14
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),           # N x 16 x 5 x 5
        )  # fmt: skip
        self.stages = {"features.1": (6, 1), "features.4": (16, 2), "features.5": (16, 4)}
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(
            nn.Linear(16 * 5 * 5, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, num_classes)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_size(images, self.input_size, "lenet_relu")
        return self.classifier(self.flatten(self.features(images)))


@torch.fx.wrap  # one step in traces with torch.fx, because it decides by the shape
def unflatten_rows(images: Tensor, size: tuple[int, int, int]) -> Tensor:
    """Return rows of numbers as images of `size`, and images as they are."""
    return images.view(-1, *size) if images.ndim == 2 and images.shape[1] == prod(size) else images


class Images(nn.Module):
    """Takes N images of C x 28 x 28, or N rows of 784 numbers."""

    def __init__(self, in_channels: int):
        super().__init__()
        self.input_size = (in_channels, 28, 28)

    def forward(self, images: Tensor) -> Tensor:
        """Return images: N x (C * 784) or N x C x 28 x 28 -> N x C x 28 x 28."""
        images = unflatten_rows(images, self.input_size)
        require_size(images, self.input_size, "lenet_sigmoid")
        return images


class LeNetSigmoid(nn.Sequential):
    """LeNet with sigmoids and average pooling: 61,706 parameters. Input N x C x 28 x 28, output N x classes.

    Padding 2 in the first convolution gives the sizes of a 32 x 32 input. Weights start with Xavier's uniform
    distribution; with torch's default, accuracy stays at 10 % for long. Departures from 1998: as in `LeNetReLU`, with
    average pooling that has no trainable parameters. Parameter names are those of the tutorial's `nn.Sequential`.
    """

    stages: dict[str, tuple[int, int]] = {"2": (6, 1), "5": (16, 2), "6": (16, 4)}  # noqa: RUF012 - never changed

    def __init__(self, num_classes: int = 10, in_channels: int = 1):
        super().__init__(
            Images(in_channels),
            nn.Conv2d(in_channels, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2),  # N x 6 x 14 x 14
            nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2),                      # N x 16 x 5 x 5
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120), nn.Sigmoid(),
            nn.Linear(120, 84), nn.Sigmoid(),
            nn.Linear(84, num_classes),
        )  # fmt: skip
        for layer in self:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)


_AUTHORS = "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner"
_PAPER = "Gradient-Based Learning Applied to Document Recognition"
_URL = "http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf"

CARDS = [
    Card(
        "lenet5", LeNet5, 1998, _AUTHORS, _PAPER, _URL, "depth", (1, 32, 32), border=2,
        # x = 1.275 p - 0.1: background -0.1, ink 1.175, so that the mean is about 0 and the variance about 1.
        mean=0.1 / 1.275, std=1 / 1.275, benchmark="MNIST", top1_error=0.95,
    ),
    Card("lenet_relu", LeNetReLU, 1998, _AUTHORS, f"{_PAPER} (modern version)", _URL, "depth", (1, 32, 32), border=2),
    Card("lenet_sigmoid", LeNetSigmoid, 1998, _AUTHORS, f"{_PAPER} (modern version)", _URL, "depth", (1, 28, 28)),
]  # fmt: skip
