"""A small member of every family really learns: a short training on real digits, far above chance."""

from __future__ import annotations

import pytest

import convscope as cs
from convscope.models import find_card

from ..training.conftest import digits

# The family, a member of it, epochs, and the share of unseen digits that must be right.
MEMBERS = [
    ("perceptron", "softmax_regression", 15, 0.85),
    ("perceptron", "mlp", 10, 0.9),
    ("depth", "lenet5", 25, 0.9),
    ("depth", "lenet_relu", 8, 0.85),
    ("depth", "lenet_sigmoid", 40, 0.85),
    ("depth", "mnist_cnn", 4, 0.9),
    ("depth", "plain20", 3, 0.6),
    ("Inception", "googlenet_bn", 3, 0.8),
    ("residual", "resnet20", 3, 0.9),
    ("dense", "densenet121", 2, 0.6),
    ("depth", "mnist_fast", 3, 0.9),
    ("depth", "cifar_fast", 3, 0.9),
]


# Three kinds of digits are enough for them.
SLOW_PER_IMAGE = {"resnet20"}
# More than ten seconds each, beside a quicker member or another test that trains them.
LONG = {"mnist_cnn", "plain20", "googlenet_bn", "densenet121", "cifar_fast", "lenet_sigmoid", "lenet5"}


@pytest.mark.parametrize(
    ("family", "name", "epochs", "share"),
    [pytest.param(*m, id=m[1], marks=pytest.mark.slow if m[1] in LONG else ()) for m in MEMBERS],
)
def test_it_learns(tmp_path, family, name, epochs, share):
    assert find_card(name).family == family
    data = digits(0, 1, 2) if name in SLOW_PER_IMAGE else "digits"
    run = cs.train(data, name, epochs=epochs, precision="float32", lr=0.003, seed=1, output=tmp_path, show=False)
    assert run.metrics["test"]["top1"] >= share
    losses = [row["train/loss"] for row in run.history]
    assert losses[-1] < 0.8 * losses[0]
