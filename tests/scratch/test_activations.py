"""Activations, against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from convscope.scratch import layers
from convscope.scratch.activations import activation, sigmoid

from .gradients import by_autograd, close

rng = np.random.default_rng(7)


@pytest.mark.parametrize(
    "name, theirs", [("relu", F.relu), ("leaky_relu", F.leaky_relu), ("sigmoid", torch.sigmoid), ("tanh", torch.tanh)]
)
def test_activations(name, theirs):
    x = np.concatenate([rng.normal(0, 3, 40), [0.0, -0.0, 1000.0, -1000.0]])
    dy = rng.normal(size=x.shape)
    layer = layers.Activation(name)
    y, dx = by_autograd(theirs, x, dy=dy)
    close(layer.forward(x), y)
    close(layer.backward(dy), dx)


def test_leak_and_unknown_activation():
    function, slope = activation("leaky_relu", leak=0.2)
    np.testing.assert_allclose(function(np.array([-5.0, 5.0])), [-1, 5])
    np.testing.assert_allclose(slope(np.array([-1.0, 5.0])), [0.2, 1])
    with pytest.raises(ValueError, match="unknown activation 'step'; choose one of relu, leaky_relu, sigmoid, tanh"):
        activation("step")


def test_nothing_overflows():
    with np.errstate(all="raise", under="ignore"):
        assert sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist() == [0, 0.5, 1]
