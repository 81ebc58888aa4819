"""Gradient descent: a small step downhill, again and again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .windows import Array


class SGD:
    """Stochastic gradient descent with momentum and weight decay; each step sees one batch.

    v  <-  momentum * v  +  (dE/dw + weight_decay * w)     a ball that rolls: it keeps part of its speed
    w  <-  w  -  lr * v                                    and moves

    Weight decay pulls each weight towards 0: it is the gradient of weight_decay / 2 * w^2 added to E.
    """

    def __init__(self, parameters: Mapping[str, Array], lr: float, momentum: float = 0.0, weight_decay: float = 0.0):
        self.parameters, self.lr, self.momentum, self.weight_decay = parameters, lr, momentum, weight_decay
        self.speed = {name: np.zeros_like(weight) for name, weight in parameters.items()}

    def step(self, gradients: Mapping[str, Array]) -> None:
        """Move every weight, in place."""
        for name, weight in self.parameters.items():
            slope = gradients[name] + self.weight_decay * weight
            self.speed[name] = self.momentum * self.speed[name] + slope
            weight -= self.lr * self.speed[name]
