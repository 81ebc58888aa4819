"""Gradients at every layer, against autograd."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.insight import (
    gradients,
    trace,
)


def test_gradients_are_autograds_also_before_in_place_layers(network, images):
    labels = torch.tensor([0, 1, 2, 0])
    found = gradients(network, images, labels)
    apart = nn.Sequential(*[nn.ReLU() if isinstance(layer, nn.ReLU) else layer for layer in network])
    values = [images.clone().requires_grad_()]
    for layer in apart:
        values.append(layer(values[-1]))
        values[-1].retain_grad()
    F.cross_entropy(values[-1], labels).backward()
    assert list(found) == ["input", *map(str, range(7))] == [node.name for node in trace(network, images).nodes]
    for ours, theirs in zip(found.values(), values, strict=True):
        torch.testing.assert_close(ours, theirs.grad)


def test_gradients_of_functions_additions_and_unused_layers(images):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.unused = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 2, 1)

        def forward(self, x):
            self.unused(x)
            return F.relu_(self.a(x) + x).mean((2, 3))

    network = Two()
    found = gradients(network, images, 1)
    assert found["unused"].shape == (4, 2, 12, 12) and not found["unused"].any()
    torch.testing.assert_close(found["add"], found["a"])
    through = F.conv_transpose2d(found["a"], network.a.weight.detach())
    torch.testing.assert_close(found["input"], found["add"] + through)
    assert all(p.grad is None for p in network.parameters())


def test_a_loss_of_ones_own():
    network = cs.create_model("lenet5")
    images = torch.randn(2, 1, 32, 32)
    found = gradients(network, images, [3, 4], network.loss)
    leaf = images.clone().requires_grad_()
    (expected,) = torch.autograd.grad(network.loss(network(leaf), torch.tensor([3, 4])), leaf)
    torch.testing.assert_close(found["input"], expected)


def test_a_loss_without_a_gradient_is_named(images):
    class Detached(nn.Sequential):
        def forward(self, images):
            return super().forward(images).detach()

    network = Detached(nn.Flatten(), nn.Linear(images[0].numel(), 3))
    with pytest.raises(ValueError, match=r"has no gradient: it calls detach"):
        gradients(network, images, 0)
