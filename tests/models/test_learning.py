"""A small member of every family really learns: a short training on real digits, far above chance."""

from __future__ import annotations

import pytest

import convscope as cs
from convscope.models import find_card

# The family, a member of it, its options, the size of its input, epochs, and the share of unseen digits to be right.
MEMBERS = [
    ("perceptron", "softmax_regression", {}, None, 15, 0.85),
    ("perceptron", "mlp", {}, None, 10, 0.9),
    ("depth", "lenet5", {}, None, 25, 0.9),
    ("depth", "lenet_relu", {}, None, 8, 0.85),
    ("depth", "lenet_sigmoid", {}, None, 40, 0.85),
    ("depth", "mnist_cnn", {}, None, 4, 0.9),
    ("depth", "plain20", {}, None, 3, 0.7),
    ("Inception", "nin_cifar", {}, None, 6, 0.6),
    ("Inception", "googlenet_bn", {}, None, 3, 0.7),
    ("residual", "resnet20", {}, None, 3, 0.8),
    ("residual", "resnet18", {}, None, 2, 0.8),
    ("residual", "preact_resnet164", {}, None, 1, 0.5),
    ("dense", "densenet_bc100_k12", {}, None, 1, 0.5),
    ("residual", "efficientnet_b0", {}, None, 6, 0.5),
]


@pytest.mark.parametrize(("family", "name", "options", "size", "epochs", "share"), MEMBERS, ids=[m[1] for m in MEMBERS])
def test_it_learns(tmp_path, family, name, options, size, epochs, share):
    assert find_card(name).family == family
    run = cs.train(
        "digits", name, epochs=epochs, model_args=options, img_size=size, precision="float32", lr=0.003, seed=1,
        output=tmp_path, show=False,
    )  # fmt: skip
    assert run.metrics["test"]["top1"] >= share
    losses = [row["train/loss"] for row in run.history]
    assert len(losses) == 1 or losses[-1] < 0.8 * losses[0]
