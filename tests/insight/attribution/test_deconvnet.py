"""The deconvnet, against the paper's steps written with PyTorch's own unpooling."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from convscope.insight import (
    deconvolve,
)


@pytest.fixture
def network():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 5, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(5, 4, 3), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


@pytest.fixture
def images():
    return torch.randn(4, 3, 12, 12, generator=torch.Generator().manual_seed(0))


def test_the_deconvnet_is_zfnets(network, images):
    """Unpool with the switches, rectify, transpose the kernels: written with torch's own unpooling."""
    first, second = network[0], network[3]
    for channel in range(4):
        with torch.no_grad():
            pooled, switches = F.max_pool2d(first(images).relu(), 2, return_indices=True)
            maps = second(pooled).relu()
            strongest = maps[:, channel].flatten(1).argmax(1)
            signal = torch.zeros_like(maps)
            for i, place in enumerate(strongest.tolist()):
                row, column = divmod(place, 3)
                signal[i, channel, row, column] = maps[i, channel, row, column]
            back = F.conv_transpose2d(signal.relu(), second.weight)
            back = F.max_unpool2d(back, switches, 2).relu()
            expected = F.conv_transpose2d(back, first.weight)
        torch.testing.assert_close(deconvolve(network, images, "4", channel), expected)
    chosen = deconvolve(network, images[:1], "4", 1, (0, 2))
    assert not chosen[..., :4].any() and chosen.shape == (1, 3, 12, 12)  # unit (0, 2) sees columns 4 to 11


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("9", 0), "'9'"), (("4", 7), "'4' has no channel 7: it has 4"), (("4", 0, (3, 0)), "maps of 3 x 3: no unit")],
)
def test_a_deconvnet_from_nowhere_is_refused(network, images, arguments, message):
    with pytest.raises(ValueError, match=message):
        deconvolve(network, images, *arguments)
