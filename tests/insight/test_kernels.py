"""Kernels as numbers and as images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import convscope as cs
from convscope.insight import (
    colour_kernels,
    kernels,
    layers_with_kernels,
    tile,
)


def test_kernels_of_every_kind_of_layer():
    lenet = cs.create_model("lenet5")
    assert kernels(lenet, "C3").shape == (16, 6, 5, 5)  # with its connection table: 60 of 96 are there
    assert int((kernels(lenet, "C3").abs().sum((2, 3)) > 0).sum()) == 60
    assert kernels(lenet, "F6").shape == (84, 120, 1, 1)
    assert layers_with_kernels(lenet) == ["C1", "C3", "C5", "F6"]
    grouped = nn.Sequential(nn.Conv2d(4, 8, 3, groups=2))
    found = kernels(grouped, "0")
    assert found.shape == (8, 2, 3, 3) and found.equal(grouped[0].weight)
    found.zero_()
    assert grouped[0].weight.abs().sum() > 0  # a copy
    with pytest.raises(ValueError, match="unknown layer 'C2': did you mean C"):
        kernels(lenet, "C2")
    with pytest.raises(ValueError, match="'f1' has no kernels"):
        kernels(lenet, "f1")


def test_alexnets_kernels_are_eight_by_twelve():
    maps = np.arange(96, dtype=np.float32)[:, None, None] * np.ones((96, 11, 11), np.float32)
    picture = tile(maps, gap=2)
    assert picture.shape == (8 * 13 - 2, 12 * 13 - 2)
    assert picture[13, 0] == 12 and picture[0, 13] == 1 and np.isnan(picture[11, 0])
    assert tile(torch.rand(7, 3, 5, 5), columns=3, gap=0).shape == (15, 15, 3)
    assert tile(torch.rand(2, 4, 4), columns=9, gap=1).shape == (4, 9)
    with pytest.raises(ValueError, match="tile takes n x H x W"):
        tile(torch.rand(4, 4))
    colours = colour_kernels(torch.tensor([-2.0, 0, 1]).view(1, 3, 1, 1))
    assert colours.flatten().tolist() == [0, 0.5, 0.75]
