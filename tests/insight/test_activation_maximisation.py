"""Activation maximisation, against noise."""

from __future__ import annotations

import pytest
import torch

from convscope.insight import (
    maximise,
)


def test_maximisation_excites_the_channel_more_than_any_noise(network):
    picture = maximise(network, "3", 2, (3, 12, 12), steps=40, seed=3)
    assert picture.equal(maximise(network, "3", 2, (3, 12, 12), steps=40, seed=3))
    assert not picture.equal(maximise(network, "3", 2, (3, 12, 12), steps=40, seed=4))
    assert picture.shape == (1, 3, 12, 12) and picture.min() >= -2 and picture.max() <= 2

    def excited(images):
        return network[:4](images)[:, 2].mean((1, 2)).detach()

    noise = torch.rand(500, 3, 12, 12) * 4 - 2
    assert excited(picture) > excited(noise).max()
    smooth = maximise(network, "3", 2, (3, 12, 12), steps=40, seed=3, variation=0.6)
    assert smooth.diff(dim=3).abs().mean() < picture.diff(dim=3).abs().mean()
    with pytest.raises(ValueError, match="'3' has no channel 4"):
        maximise(network, "3", 4, (3, 12, 12), steps=1)
    assert network.training and all(p.grad is None for p in network.parameters())
