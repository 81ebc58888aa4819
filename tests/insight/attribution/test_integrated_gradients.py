"""Integrated gradients sum up to the difference of the scores."""

from __future__ import annotations

import torch
from torch import nn

from convscope.insight import attribute


def test_integrated_gradients_sum_up_to_the_difference(images):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 196, 3)).eval()
    heat = attribute(network, images, "integrated-gradients", 1)
    expected = (network(images) - network(torch.zeros_like(images)))[:, 1].detach()
    torch.testing.assert_close(heat.sum((1, 2)), expected, atol=1e-3, rtol=1e-3)
