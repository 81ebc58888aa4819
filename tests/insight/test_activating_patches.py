"""Patches that activate a channel, against images whose answer is known."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from convscope.insight import (
    activating_patches,
)


def test_patches_are_where_the_channel_is_strongest():
    """A channel that answers to a bright cross must bring back the crosses, brightest first."""
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, bias=False))
    cross = torch.tensor([[0.0, 1, 0], [1, 1, 1], [0, 1, 0]])
    with torch.no_grad():
        network[0].weight[1, 0] = cross
    images = torch.zeros(5, 1, 9, 9)
    places = {0: (4, 4, 1.0), 2: (0, 8, 3.0), 3: (6, 2, 2.0)}
    for i, (row, column, brightness) in places.items():
        images[i, 0, row, column] = brightness
    found = activating_patches(network, images.split(2), "0", 1, count=3)
    assert [(p.image, p.value) for p in found] == [(2, 3.0), (3, 2.0), (0, 1.0)]
    for patch in found:
        row, column, brightness = places[patch.image]
        top, left, bottom, right = patch.box
        assert (bottom - top, right - left) == (3, 3) and patch.pixels.shape == (1, 3, 3)
        assert patch.pixels[0, row - top, column - left] == brightness and patch.pixels.sum() == brightness
    assert activating_patches(network, [images], "0", 1, count=3)[0].position == found[0].position
    with pytest.raises(ValueError, match="'0' has no channel 5"):
        activating_patches(network, [images], "0", 5)
    with pytest.raises(ValueError, match="'zero'"):
        activating_patches(network, [images], "zero", 0)


def test_patches_of_a_vector_are_the_whole_image(network, images):
    found = activating_patches(network, [images], "6", 1, count=2)
    expected = network(images)[:, 1].sort(descending=True)
    assert [p.image for p in found] == expected.indices[:2].tolist()
    assert found[0].pixels.equal(images[found[0].image])
