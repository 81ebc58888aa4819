"""Layers: the functions of the other files together with their weights and what their backward pass needs.

`forward` computes y from x. `backward` computes dx = dE/dx from dy = dE/dy, and stores dE/dw of the layer's own weights
in `gradients`, under the names that they have in `parameters`. A network needs no more than that of a layer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from .activations import activation
from .convolution import correlate, correlate_backward
from .pooling import (
    average_pool,
    average_pool_backward,
    max_pool,
    max_pool_backward,
    sum_pool,
    sum_pool_backward,
)  # fmt: skip
from .response_norm import local_response_norm, local_response_norm_backward
from .windows import Array, Padding, Pair


class Layer(ABC):
    """One step of a network. `training` is False in evaluation, where dropout does nothing."""

    training = True

    def __init__(self) -> None:
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}

    @abstractmethod
    def forward(self, x: Array) -> Array:
        """Return y for x."""

    @abstractmethod
    def backward(self, dy: Array) -> Array:
        """Return dx for dy; `forward` must have run before."""


class Convolution(Layer):
    """N x in_channels x H x W -> N x out_channels x oh x ow, by `correlate`, as in every framework."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int | Pair, stride: int | Pair = 1, padding: Padding = 0,
        dilation: int | Pair = 1, rng: np.random.Generator | None = None,
    ):  # fmt: skip
        super().__init__()
        kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.parameters = _start((out_channels, in_channels, *kernel), rng)

    def forward(self, x: Array) -> Array:
        """Return the correlation of x with the kernels, plus b."""
        self.x = x
        weight, bias = self.parameters["weight"], self.parameters["bias"]
        return correlate(x, weight, bias, self.stride, self.padding, self.dilation)

    def backward(self, dy: Array) -> Array:
        """Return dx; see `correlate_backward`."""
        weight = self.parameters["weight"]
        dx, dw, db = correlate_backward(dy, self.x, weight, self.stride, self.padding, self.dilation)
        self.gradients = {"weight": dw, "bias": db}
        return dx


class Linear(Layer):
    """N x in_features -> N x out_features: each output takes each input. weight: out_features x in_features."""

    def __init__(self, in_features: int, out_features: int, rng: np.random.Generator | None = None):
        super().__init__()
        self.parameters = _start((out_features, in_features), rng)

    def forward(self, x: Array) -> Array:
        """Return y[n, o] = b[o] + sum over i of  w[o, i] * x[n, i]."""
        weight = self.parameters["weight"]
        if x.ndim != 2 or x.shape[1] != weight.shape[1]:
            raise ValueError(
                f"this layer takes N x {weight.shape[1]} numbers, got {' x '.join(map(str, x.shape))}: "
                "images of another size leave another number of features before the first linear layer"
            )
        self.x = x
        return x @ weight.T + self.parameters["bias"]

    def backward(self, dy: Array) -> Array:
        """Return dx: the gradient of each factor is dy times the other factor.

        dx[n, i] = sum over o of  dy[n, o] * w[o, i]
        dw[o, i] = sum over n of  dy[n, o] * x[n, i]        db[o] = sum over n of  dy[n, o]
        """
        self.gradients = {"weight": dy.T @ self.x, "bias": dy.sum(0)}
        return dy @ self.parameters["weight"]


class Activation(Layer):
    """relu, leaky_relu, sigmoid or tanh of each number."""

    def __init__(self, name: str, leak: float = 0.01):
        super().__init__()
        self.function, self.slope = activation(name, leak)

    def forward(self, x: Array) -> Array:
        """Return y = f(x)."""
        self.y = self.function(x)
        return self.y

    def backward(self, dy: Array) -> Array:
        """Return dx = dy * f'(x), number by number."""
        return dy * self.slope(self.y)


class Pool(Layer):
    """What the three poolings below share: the windows."""

    def __init__(self, kernel: int | Pair, stride: int | Pair | None = None, padding: Padding = 0):
        super().__init__()
        self.windows = (kernel, stride, padding)


class MaxPool(Pool):
    """N x C x H x W -> N x C x oh x ow: the largest number of each window."""

    def forward(self, x: Array) -> Array:
        """Return y; see `max_pool`."""
        self.size = x.shape[2:]
        y, self.winner = max_pool(x, *self.windows)
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx; see `max_pool_backward`."""
        return max_pool_backward(dy, self.winner, self.size, *self.windows)


class AveragePool(Pool):
    """N x C x H x W -> N x C x oh x ow: the mean of each window."""

    def forward(self, x: Array) -> Array:
        """Return y; see `average_pool`."""
        self.size = x.shape[2:]
        return average_pool(x, *self.windows)

    def backward(self, dy: Array) -> Array:
        """Return dx; see `average_pool_backward`."""
        return average_pool_backward(dy, self.size, *self.windows)


class SumPool(Pool):
    """N x C x H x W -> N x C x oh x ow: the sum of each window."""

    def forward(self, x: Array) -> Array:
        """Return y; see `sum_pool`."""
        self.size = x.shape[2:]
        return sum_pool(x, *self.windows)

    def backward(self, dy: Array) -> Array:
        """Return dx; see `sum_pool_backward`."""
        return sum_pool_backward(dy, self.size, *self.windows)


class Flatten(Layer):
    """N x C x H x W -> N x (C H W): the same numbers in one row, between the maps and the linear layers."""

    def forward(self, x: Array) -> Array:
        """Return the same numbers in the new shape."""
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy: Array) -> Array:
        """Return the same numbers in the old shape."""
        return dy.reshape(self.shape)


class Dropout(Layer):
    """In training, set each number to 0 with probability p and divide the others by 1 - p; in evaluation, y = x.

    The mean stays the same, so that evaluation needs no correction. (AlexNet did not divide in training and multiplied
    by 1 - p in evaluation, which is equivalent.)
    """

    def __init__(self, p: float = 0.5, rng: np.random.Generator | None = None):
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"p, the share that is dropped, must be at least 0 and below 1; got {p}")
        self.p, self.rng = p, rng or np.random.default_rng()

    def forward(self, x: Array) -> Array:
        """Return y = x * mask, where mask is 0 or 1 / (1 - p)."""
        self.mask = np.ones_like(x)
        if self.training:
            self.mask[self.rng.random(x.shape) < self.p] = 0
            self.mask /= 1 - self.p
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        """Return dx = dy * mask: numbers that were dropped get no gradient."""
        return dy * self.mask


class LocalResponseNorm(Layer):
    """AlexNet's normalisation across neighbouring maps. N x C x H x W keeps its shape."""

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0):
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Array) -> Array:
        """Return y; see `local_response_norm`."""
        self.x = x
        y, self.s = local_response_norm(x, self.size, self.alpha, self.beta, self.k)
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx; see `local_response_norm_backward`."""
        return local_response_norm_backward(dy, self.x, self.s, self.size, self.alpha, self.beta)


def _start(shape: tuple[int, ...], rng: np.random.Generator | None) -> dict[str, Array]:
    """Return weights with which signals keep their size from layer to layer (He 2015), and biases of 0.

    After a ReLU half of the numbers are 0; a variance of 2 / (number of inputs of a unit) compensates for that.
    """
    rng = rng or np.random.default_rng()
    inputs = int(np.prod(shape[1:]))
    return {"weight": rng.normal(0, np.sqrt(2 / inputs), shape), "bias": np.zeros(shape[0])}
