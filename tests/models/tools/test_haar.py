"""Haar kernels: an orthonormal basis, coarse to fine."""

from __future__ import annotations

import pytest
import torch

from convscope.models.tools.haar import haar_bank, haar_basis

SHAPES = [(64, 3, 7), (96, 3, 11), (64, 3, 11), (6, 1, 5), (16, 1, 3), (32, 3, 3), (64, 3, 3), (1, 3, 7), (5, 2, 4)]


@pytest.mark.parametrize("shape", SHAPES)
def test_kernels_have_mean_zero_and_norm_one(shape):
    out, inputs, size = shape
    kernels = haar_bank(out, inputs, size)
    assert kernels.shape == (out, inputs, size, size) and kernels.dtype == torch.float32
    torch.testing.assert_close(kernels.sum((1, 2, 3)), torch.zeros(out), atol=1e-5, rtol=0)
    torch.testing.assert_close(kernels.flatten(1).norm(dim=1), torch.ones(out))


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7, 8, 11])
def test_haar_is_an_orthonormal_basis_of_any_length(length):
    basis = haar_basis(length)
    torch.testing.assert_close(basis @ basis.T, torch.eye(length, dtype=torch.float64))
    assert (basis[0] > 0).all()


def test_haar_of_four_is_the_textbooks():
    h, s = 0.5, 0.5**0.5
    expected = torch.tensor([[h, h, h, h], [h, h, -h, -h], [s, -s, 0, 0], [0, 0, s, -s]], dtype=torch.float64)
    torch.testing.assert_close(haar_basis(4), expected)


@pytest.mark.parametrize(("inputs", "size"), [(1, 5), (3, 3), (3, 7), (3, 11), (1, 2)])
def test_haar_kernels_are_orthogonal_and_complete(inputs, size):
    count = inputs * size * size - 1
    kernels = haar_bank(count, inputs, size).double().flatten(1)
    torch.testing.assert_close(kernels @ kernels.T, torch.eye(count, dtype=torch.float64), atol=1e-6, rtol=0)
    # With the constant they describe a patch completely.
    patch = torch.randn(inputs * size * size, dtype=torch.float64)
    torch.testing.assert_close(kernels.T @ (kernels @ patch) + patch.mean(), patch, atol=1e-5, rtol=0)


def test_the_first_haar_kernels_are_edges_and_a_checkerboard():
    kernels = haar_bank(3, 1, 4)[:, 0] * 4
    half = torch.tensor([1.0, 1, -1, -1])
    expected = torch.stack([half.expand(4, 4), half[:, None].expand(4, 4), half * half[:, None]])
    torch.testing.assert_close(kernels, expected)


def test_haar_kernels_come_in_grey_then_in_colour_then_negated():
    kernels = haar_bank(60, 3, 3)
    assert torch.equal(kernels[:8, 0], kernels[:8, 1]) and torch.equal(kernels[:8, 0], kernels[:8, 2])
    torch.testing.assert_close(kernels[8:26].sum(1), torch.zeros(18, 3, 3), atol=1e-6, rtol=0)
    assert torch.equal(kernels[26:52], -kernels[:26]) and torch.equal(kernels[52:], kernels[:8])


def test_one_pixel_of_one_channel_is_refused():
    with pytest.raises(ValueError, match="more than one pixel or channel"):
        haar_bank(4, 1, 1)
