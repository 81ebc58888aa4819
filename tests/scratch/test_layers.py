"""Everything between the convolutions: activations, norm, dropout, linear, losses, optimizer, against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from convscope.models.tools.layers import LocalResponseNorm as TorchLocalResponseNorm
from convscope.scratch import layers
from convscope.scratch.activations import activation, sigmoid
from convscope.scratch.losses import cross_entropy, one_hot, softmax, softmax_backward, squared_error
from convscope.scratch.response_norm import local_response_norm, local_response_norm_backward
from convscope.scratch.sgd import SGD

from .check import by_autograd, by_trying, close

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


@pytest.mark.parametrize("size, maps", [(1, 3), (3, 6), (5, 3), (5, 8)])
def test_local_response_norm(size, maps):
    x, dy = rng.normal(0, 3, (2, maps, 3, 4)), rng.normal(size=(2, maps, 3, 4))
    constants = {"alpha": 0.3, "beta": 0.75, "k": 2.0}
    for theirs in (
        lambda x: F.local_response_norm(x, size, alpha=0.3 * size, beta=0.75, k=2.0),
        TorchLocalResponseNorm(size, **constants),
    ):
        y, dx = by_autograd(theirs, x, dy=dy)
        ours, s = local_response_norm(x, size, **constants)
        close(ours, y)
        close(local_response_norm_backward(dy, x, s, size, 0.3, 0.75), dx)
    (tried,) = by_trying(lambda x: local_response_norm(x, size, **constants)[0], (x,), dy)
    np.testing.assert_allclose(local_response_norm_backward(dy, x, s, size, 0.3, 0.75), tried, rtol=1e-6, atol=1e-8)


def test_local_response_norm_has_a_middle():
    with pytest.raises(ValueError, match="size must be odd, got 4"):
        local_response_norm(np.ones((1, 4, 1, 1)), 4)


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
    with pytest.raises(ValueError, match="p is the share that is dropped"):
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
    tried = by_trying(lambda x, *_: layer.forward(x), (x, *layer.parameters.values()), dy)
    for gradient, seen in zip(ours, tried, strict=True):
        np.testing.assert_allclose(gradient, seen, rtol=1e-6, atol=1e-7)


def test_softmax_and_cross_entropy():
    logits, labels = rng.normal(0, 3, (6, 5)), rng.integers(0, 5, 6)
    p, dz = by_autograd(lambda z: torch.softmax(z, 1), logits, dy=(dp := rng.normal(size=(6, 5))))
    close(softmax(logits), p)
    close(softmax_backward(dp, softmax(logits)), dz)
    theirs, dlogits = by_autograd(lambda z: F.cross_entropy(z, torch.tensor(labels)), logits, dy=np.array(1.0))
    error, ours = cross_entropy(logits, labels)
    assert error == pytest.approx(float(theirs), rel=1e-12)
    close(ours, dlogits)
    close(ours, (softmax(logits) - one_hot(labels, 5)) / 6)  # what was said minus what is true


def test_squared_error_behind_a_softmax():
    logits, targets = rng.normal(size=(6, 5)), one_hot(rng.integers(0, 5, 6), 5)
    theirs, dlogits = by_autograd(
        lambda z: 0.5 * (torch.tensor(targets) - z.softmax(1)).square().sum() / 6, logits, dy=np.array(1.0)
    )
    p = softmax(logits)
    error, dp = squared_error(p, targets)
    assert error == pytest.approx(float(theirs), rel=1e-12)
    close(softmax_backward(dp, p), dlogits)


def test_the_numbers_of_the_tutorials():
    assert softmax(np.array([[0.2370, 1.7276]])).round(4).tolist() == [[0.1838, 0.8162]]
    boat, said = np.array([[0, 0, 1, 0]]), np.array([[0.2, 0.4, 0.1, 0.3]])
    assert squared_error(said, boat)[0] == pytest.approx(0.55)
    assert cross_entropy(np.log(said), np.array([2]))[0] == pytest.approx(-np.log(0.1))


def test_nothing_overflows():
    with np.errstate(all="raise", under="ignore"):
        assert softmax(np.array([[1000.0, 0.0, -1000.0]])).tolist() == [[1, 0, 0]]
        assert cross_entropy(np.array([[1000.0, 0.0]]), np.array([1]))[0] == 1000
        assert sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("momentum, weight_decay", [(0, 0), (0.9, 0), (0.9, 0.01), (0, 0.01)])
def test_sgd_steps_as_that_of_torch(momentum, weight_decay):
    weight = rng.normal(size=(4, 3))
    tensor = torch.nn.Parameter(torch.tensor(weight))
    theirs = torch.optim.SGD([tensor], 0.1, momentum, weight_decay=weight_decay)
    ours = SGD({"weight": weight}, 0.1, momentum, weight_decay)
    for _ in range(5):
        gradient = rng.normal(size=weight.shape)
        tensor.grad = torch.tensor(gradient)
        theirs.step()
        ours.step({"weight": gradient})
        close(weight, tensor.detach())
