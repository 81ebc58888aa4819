"""Pixels that nobody has normalised are refused: a network would compute something else with them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from convscope.insight import attribute, trace

NETWORK = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 2)).eval()
PIXELS = torch.randint(256, (1, 1, 8, 8), dtype=torch.uint8)


def test_uint8_pixels_are_refused_and_floats_taken():
    for look in (lambda x: trace(NETWORK, x), lambda x: attribute(NETWORK, x, "occlusion", 0)):
        with pytest.raises(ValueError, match="the images are uint8 pixels: give them normalised"):
            look(PIXELS)
        look(PIXELS.float())
