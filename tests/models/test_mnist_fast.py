"""The fast networks for digits: their numbers of parameters, counted by hand."""

from __future__ import annotations

import pytest
import torch

import convscope as cs


def test_counts_by_hand():
    """Convolutions without bias, two numbers per norm."""
    fast = 16 * 16 + 2 * 16 + 16 * 32 * 9 + 2 * 32 + 32 * 64 * 9 + 2 * 64 + (64 * 9 + 1) * 10
    assert sum(p.numel() for p in cs.create_model("mnist_fast").parameters()) == fast == 29_290
    best = 32 * 16 + 2 * 32 + 9 * (32 * 64 + 64 * 64 + 64 * 128 + 128 * 128) + 4 * (64 + 128) + (128 * 9 + 1) * 10
    assert sum(p.numel() for p in cs.create_model("mnist_best").parameters()) == best == 289_354


def test_the_smallest_image():
    assert cs.create_model("mnist_fast", img_size=8)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    with pytest.raises(cs.UsageError, match="mnist_fast: img_size must be at least 8, not 7"):
        cs.create_model("mnist_fast", img_size=7)
