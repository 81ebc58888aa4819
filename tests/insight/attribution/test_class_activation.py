"""The layer that a class-activation map is made from."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from convscope.insight import attribute


def test_a_network_without_maps():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    with pytest.raises(ValueError, match="no layer of this network gives maps: choose another method"):
        attribute(network, torch.randn(1, 1, 8, 8), "grad-cam", 0)
