"""Layers: linear, dropout, and that each does what its function says."""

from __future__ import annotations

import numpy as np
import pytest
import torch.nn.functional as F

from convscope.scratch import layers

from .gradients import by_autograd, by_finite_differences, close

rng = np.random.default_rng(7)


def test_linear():
    layer = layers.Linear(7, 4, rng)
    x, dy, weight, bias = rng.normal(size=(5, 7)), rng.normal(size=(5, 4)), *layer.parameters.values()
    y, dx, dw, db = by_autograd(F.linear, x, weight, bias, dy=dy)
    close(layer.forward(x), y)
    close(layer.backward(dy), dx)
    close(layer.gradients["weight"], dw)
    close(layer.gradients["bias"], db)
    with pytest.raises(ValueError, match="takes N x 7 numbers, got 5 x 8: images of another size"):
        layer.forward(np.ones((5, 8)))


def test_dropout():
    layer = layers.Dropout(0.25, np.random.default_rng(0))
    x = np.ones((100, 100))
    y = layer.forward(x)
    assert set(np.unique(y)) == {0.0, 1 / 0.75}
    assert np.mean(y == 0) == pytest.approx(0.25, abs=0.02)
    np.testing.assert_array_equal(layer.backward(x), y)  # the same units are silent on the way back
    layer.training = False
    np.testing.assert_array_equal(layer.forward(x), x)
    np.testing.assert_array_equal(layer.backward(x), x)
    with pytest.raises(ValueError, match="p, the share that is dropped, must be at least 0"):
        layers.Dropout(1.0)


@pytest.mark.parametrize("kind", [layers.Convolution, layers.LocalResponseNorm, layers.MaxPool, layers.AveragePool,
                                  layers.SumPool, layers.Flatten])  # fmt: skip
def test_every_layer_is_what_its_function_says(kind):
    """Forward and backward of the layers that only remember: against trying, weights included."""
    layer = kind(2, 3, 3, stride=2, padding=1, rng=rng) if kind is layers.Convolution else (
        kind() if kind is layers.Flatten else kind(3))  # fmt: skip
    x = rng.permutation(2 * 2 * 6 * 6).reshape(2, 2, 6, 6) / 10
    dy = rng.normal(size=layer.forward(x).shape)
    ours = [layer.backward(dy), *layer.gradients.values()]
    tried = by_finite_differences(lambda x, *_: layer.forward(x), (x, *layer.parameters.values()), dy)
    for gradient, seen in zip(ours, tried, strict=True):
        np.testing.assert_allclose(gradient, seen, rtol=1e-6, atol=1e-7)
