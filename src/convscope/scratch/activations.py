"""Activation functions, applied to each number by itself: without them a network would be one linear map.

Any shape, y = f(z). By the chain rule dz = dy * f'(z), so all that backpropagation needs is the slope f'. For these
four it can be computed from the output y alone, which the forward pass has already computed: hence `slope(y)`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from .windows import Array

Function = Callable[[Array], Array]


def relu(z: Array) -> Array:
    """Return max(0, z), the positive part."""
    return np.maximum(z, 0)


def relu_slope(y: Array) -> Array:
    """Return 1 where z was positive, else 0 (at z = 0 by convention). A unit whose slope is always 0 is dead."""
    return (y > 0).astype(y.dtype)


def leaky_relu(z: Array, leak: float = 0.01) -> Array:
    """Return z where it is positive, else `leak` * z, so that no gradient becomes 0. `leak` lies in 0..1."""
    return np.where(z > 0, z, leak * z)


def leaky_relu_slope(y: Array, leak: float = 0.01) -> Array:
    """Return 1 where z was positive, else `leak`."""
    return np.where(y > 0, 1.0, leak).astype(y.dtype)


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + e^-z), between 0 and 1. The exponent is never positive, so that nothing overflows."""
    small = np.exp(-np.abs(z))  # e^-z for positive z, e^z for negative
    return np.where(z >= 0, 1, small) / (1 + small)


def sigmoid_slope(y: Array) -> Array:
    """Return y (1 - y): at most 1/4, so that gradients become small behind many sigmoids."""
    return y * (1 - y)


def tanh(z: Array) -> Array:
    """Return (e^z - e^-z) / (e^z + e^-z) = 2 sigmoid(2z) - 1, between -1 and 1, and 0 at 0."""
    return np.tanh(z)


def tanh_slope(y: Array) -> Array:
    """Return 1 - y^2: at most 1."""
    return 1 - y * y


def activation(name: str, leak: float = 0.01) -> tuple[Function, Function]:
    """Return f and its slope for relu, leaky_relu (with its `leak`), sigmoid or tanh. ValueError names the choices."""
    choices: dict[str, tuple[Function, Function]] = {
        "relu": (relu, relu_slope),
        "leaky_relu": (partial(leaky_relu, leak=leak), partial(leaky_relu_slope, leak=leak)),
        "sigmoid": (sigmoid, sigmoid_slope),
        "tanh": (tanh, tanh_slope),
    }
    if name not in choices:
        raise ValueError(f"unknown activation '{name}'; choose one of {', '.join(choices)}")
    return choices[name]
