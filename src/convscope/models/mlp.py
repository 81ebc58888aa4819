"""Softmax regression and the multilayer perceptron: networks without convolution.

Both flatten the image, so that neither knows which pixels are neighbours, and the weights fit one image size only.

- Rosenblatt, *The Perceptron*, Psychological Review 65(6), 1958; with a softmax output: Bridle, 1990.
- LeCun, Bottou, Bengio, Haffner, *Gradient-Based Learning Applied to Document Recognition*, Proc. IEEE 86(11), 1998,
  publishes both on MNIST: 12.0 % test error for a linear classifier, 3.05 % for 784-300-100-10.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import Tensor, nn

from .tools.card import Card
from .tools.layers import activation as make_activation
from .tools.layers import require_size
from .tools.renamed_weights import TakesOtherNames


class Perceptron(TakesOtherNames):
    """Linear layers on the flattened image, activations in between. Output N x classes.

    The input is images, N x C x S x S, or rows of their pixels, N x C S S. Weights under other names than these are
    taken if they are those of the same linear layers, in order.
    """

    def __init__(self, in_channels: int, img_size: int, widths: Sequence[int], activation: str):
        super().__init__()
        self.input_size = (in_channels, img_size, img_size)
        self.stages: dict[str, tuple[int, int]] = {}  # there are no maps
        sizes = [in_channels * img_size * img_size, *widths]
        layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
        for number, (inputs, outputs) in enumerate(pairwise(sizes), 1):
            if number > 1:
                layers[f"act{number - 1}"] = make_activation(activation)
            layers[f"fc{number}"] = nn.Linear(inputs, outputs)
            init_linear(layers[f"fc{number}"], activation)
        self.layers = nn.Sequential(layers)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        if images.ndim != 2 or images.shape[1] != prod(self.input_size):
            require_size(images, self.input_size, type(self).__name__.lower())
        return self.layers(images)

    def layers_by_other_names(self, names: Sequence[str]) -> dict[str, str]:
        """Return the linear layers of another program, in their order."""
        if any(name.startswith("layers.") for name in names):
            return {}
        theirs = dict.fromkeys(name.rpartition(".")[0] for name in names)
        ours = [f"layers.{name}" for name, layer in self.layers.named_children() if isinstance(layer, nn.Linear)]
        return dict(zip(theirs, ours, strict=False))


def init_linear(layer: nn.Module, activation: str) -> None:
    """Initialise after He (arXiv 1502.01852) before ReLU, after Glorot (AISTATS 2010) before sigmoid and tanh."""
    assert isinstance(layer, nn.Linear)
    if activation in ("sigmoid", "tanh"):
        nn.init.xavier_uniform_(layer.weight)
    else:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)


def softmax_regression(num_classes: int = 10, in_channels: int = 1, img_size: int = 28) -> Perceptron:
    """Return one linear layer; 7,850 parameters for 28 x 28 digits. The softmax is in the loss."""
    return Perceptron(in_channels, img_size, [num_classes], activation="sigmoid")


def mlp(
    num_classes: int = 10,
    in_channels: int = 1,
    img_size: int = 28,
    hidden: Sequence[int] = (300, 100),
    activation: str = "relu",
) -> Perceptron:
    """Return the 784-300-100-10 network of LeCun 1998, 266,610 parameters; `activation` is one of `ACTIVATIONS`.

    Departure from the paper: its activation is a scaled tanh; the default here is ReLU.
    """
    return Perceptron(in_channels, img_size, [*hidden, num_classes], activation)


LECUN_1998 = "http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf"

CARDS = [
    Card(
        "softmax_regression", softmax_regression, 1990, "J. S. Bridle (after F. Rosenblatt, 1958)",
        "Probabilistic Interpretation of Feedforward Classification Network Outputs",
        "https://doi.org/10.1007/978-3-642-76153-9_28", "perceptron", (1, 28, 28),
        benchmark="MNIST", top1_error=12.0,
    ),
    Card(
        "mlp", mlp, 1998, "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner",
        "Gradient-Based Learning Applied to Document Recognition", LECUN_1998, "perceptron", (1, 28, 28),
        benchmark="MNIST", top1_error=3.05,
    ),
]  # fmt: skip
