"""The distribution of values and gradients by layer, against NumPy and against gradients written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from convscope.insight import distributions


def test_values_are_those_of_numpy_and_dead_channels_are_counted():
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 3, 3)
    with torch.no_grad():
        conv.bias[1] = -100.0  # behind the rectifier this map is 0 everywhere
    network = nn.Sequential(conv, nn.ReLU(), nn.Flatten(), nn.Linear(3 * 16, 2))
    images = torch.randn(5, 1, 6, 6)
    found = {row.type: row for row in distributions(network, images)}
    rectified = conv(images).relu().detach().numpy()
    expected = np.quantile(rectified.astype(np.float64), [0, 0.01, 0.25, 0.5, 0.75, 0.99, 1])
    assert found["ReLU"].values == pytest.approx(expected)
    assert found["ReLU"].zeros == pytest.approx((rectified == 0).mean())
    assert (found["ReLU"].channels, found["ReLU"].dead, found["Conv2d"].dead) == (3, 1, 0)
    assert found["Linear"].channels == 2 and found["Linear"].gradients is None


def test_gradients_are_those_of_single_images():
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    images, labels = torch.randn(6, 1, 2, 2), torch.tensor([0, 1, 2, 0, 1, 2])
    row = distributions(network, images, labels, nn.functional.cross_entropy)[-1]
    # By hand: the gradient of cross-entropy at the logits is softmax minus the one-hot label.
    by_hand = (network(images).softmax(1) - nn.functional.one_hot(labels, 3)).detach().double()
    assert row.gradient_size == pytest.approx(float(by_hand.square().mean().sqrt()), rel=1e-5)
    assert row.gradients == pytest.approx(
        np.quantile(by_hand.abs().numpy(), [0, 0.01, 0.25, 0.5, 0.75, 0.99, 1]), rel=1e-4
    )
