"""Insertion and deletion, against a count by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from convscope.insight.attribution.pointing import edge_colour, pointing


class CornerShare(nn.Module):
    """Class 1 has the share of the four bright pixels in the middle that are there."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        share = images[:, 0, 1:3, 1:3].mean((1, 2))
        return torch.stack([1 - share, share], 1)


def test_the_order_of_the_map_counts():
    images = torch.zeros(1, 1, 4, 4)
    images[0, 0, 1:3, 1:3] = 1
    right = images[0, 0].clone()
    network, identity = CornerShare(), lambda logits: logits
    # In steps of 4 of 16 pixels: the bright ones first, the share is 0, 1, 1, 1, 1; with them last 0, 0, 0, 0, 1.
    best = pointing(network, images, right, 1, identity, steps=4)
    assert (best.insertion, best.deletion) == (pytest.approx(3.5 / 4), pytest.approx(0.5 / 4))
    worst = pointing(network, images, -right, 1, identity, steps=4)
    assert (worst.insertion, worst.deletion) == (pytest.approx(0.5 / 4), pytest.approx(3.5 / 4))
    assert best.score == pytest.approx(0.75) and worst.score == pytest.approx(-0.75)
    flat = pointing(network, images, torch.zeros(4, 4), 1, identity, steps=4)
    assert flat == pointing(network, images, torch.zeros(4, 4), 1, identity, steps=4) and abs(flat.score) < 0.4


def test_what_is_covered_has_the_colour_of_the_edge():
    images = torch.full((1, 2, 5, 5), 0.25)
    images[0, 1] = -2
    images[0, :, 1:4, 1:4] = 9
    images[0, :, 0, 0] = 50
    assert edge_colour(images).tolist() == [0.25, -2]
