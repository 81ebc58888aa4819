"""A network as a list of layers, and LeNet in two versions.

`lenet_relu` and `lenet_sigmoid` have the layers and the parameter names of ConvScope's PyTorch networks of these names.
With the same weights they give the same outputs:

    state = {name: tensor.numpy() for name, tensor in torch_network.state_dict().items()}
    network = lenet_relu()
    network.load(state)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .layers import Activation, AveragePool, Convolution, Flatten, Layer, Linear, MaxPool
from .windows import Array


class Network:
    """Layers by name, in the order in which they run."""

    def __init__(self, layers: dict[str, Layer]):
        self.layers = layers

    def forward(self, x: Array) -> Array:
        """Return the output: through the layers one after another."""
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        """Return dE/dx of the input, by the chain rule: through the same layers, last one first."""
        for layer in reversed(self.layers.values()):
            dy = layer.backward(dy)
        return dy

    def parameters(self) -> dict[str, Array]:
        """Return every weight by "layer.name": the arrays themselves, so that changing one changes the network."""
        return {f"{at}.{name}": array for at, layer in self.layers.items() for name, array in layer.parameters.items()}

    def gradients(self) -> dict[str, Array]:
        """Return the gradients of the last `backward`, under the names of the `parameters`."""
        return {f"{at}.{name}": array for at, layer in self.layers.items() for name, array in layer.gradients.items()}

    def set_training(self, training: bool) -> None:
        """Switch between training (with dropout) and evaluation."""
        for layer in self.layers.values():
            layer.training = training

    def load(self, state: Mapping[str, Array]) -> None:
        """Copy the weights of another network with the same layers; ValueError names the first that does not fit."""
        mine = self.parameters()
        if set(state) != set(mine):
            missing, unknown = sorted(set(mine) - set(state)), sorted(set(state) - set(mine))
            raise ValueError(
                f"not the weights of this network: missing {missing or 'none'}, unknown {unknown or 'none'}"
            )
        for name, array in mine.items():
            if array.shape != np.shape(state[name]):
                raise ValueError(f"{name} has the shape {array.shape} here and {np.shape(state[name])} there")
        for name, array in mine.items():
            array[:] = state[name]


def lenet_relu(classes: int = 10, channels: int = 1, rng: np.random.Generator | None = None) -> Network:
    """Return LeNet with ReLU and max pooling, for images of N x channels x 32 x 32: 61,706 parameters."""
    return Network({
        "features.0": Convolution(channels, 6, 5, rng=rng),     # N x 6 x 28 x 28
        "features.1": Activation("relu"),
        "features.2": MaxPool(2),                               # N x 6 x 14 x 14
        "features.3": Convolution(6, 16, 5, rng=rng),           # N x 16 x 10 x 10
        "features.4": Activation("relu"),
        "features.5": MaxPool(2),                               # N x 16 x 5 x 5
        "flatten": Flatten(),                                   # N x 400
        "classifier.0": Linear(16 * 5 * 5, 120, rng=rng),
        "classifier.1": Activation("relu"),
        "classifier.2": Linear(120, 84, rng=rng),
        "classifier.3": Activation("relu"),
        "classifier.4": Linear(84, classes, rng=rng),           # N x classes: logits
    })  # fmt: skip


def lenet_sigmoid(classes: int = 10, channels: int = 1, rng: np.random.Generator | None = None) -> Network:
    """Return LeNet with sigmoids and average pooling, for N x channels x 28 x 28: padding makes them 32 x 32."""
    return Network({
        "1": Convolution(channels, 6, 5, padding=2, rng=rng),   # N x 6 x 28 x 28
        "2": Activation("sigmoid"),
        "3": AveragePool(2),                                    # N x 6 x 14 x 14
        "4": Convolution(6, 16, 5, rng=rng),                    # N x 16 x 10 x 10
        "5": Activation("sigmoid"),
        "6": AveragePool(2),                                    # N x 16 x 5 x 5
        "7": Flatten(),                                         # N x 400
        "8": Linear(16 * 5 * 5, 120, rng=rng),
        "9": Activation("sigmoid"),
        "10": Linear(120, 84, rng=rng),
        "11": Activation("sigmoid"),
        "12": Linear(84, classes, rng=rng),                     # N x classes: logits
    })  # fmt: skip
