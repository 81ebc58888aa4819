"""Stochastic gradient descent with momentum and weight decay."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .windows import Array


class SGD:
    """Stochastic gradient descent: a step against the gradient of one batch.

    v  <-  momentum * v  +  (dE/dw + weight_decay * w)     the velocity keeps part of its old value
    w  <-  w  -  lr * v

    Weight decay makes each weight smaller: it is the gradient of weight_decay / 2 * w^2 added to E.
    """

    def __init__(self, parameters: Mapping[str, Array], lr: float, momentum: float = 0.0, weight_decay: float = 0.0):
        self.parameters, self.lr, self.momentum, self.weight_decay = parameters, lr, momentum, weight_decay
        self.velocity = {name: np.zeros_like(weight) for name, weight in parameters.items()}

    def step(self, gradients: Mapping[str, Array]) -> None:
        """Change every weight, in place."""
        for name, weight in self.parameters.items():
            slope = gradients[name] + self.weight_decay * weight
            self.velocity[name] = self.momentum * self.velocity[name] + slope
            weight -= self.lr * self.velocity[name]
