"""Gabor kernels: pairs of waves, their orientations and scales."""

from __future__ import annotations

from math import pi

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from convscope.models.tools.gabor import gabor_bank

SHAPES = [(64, 3, 7), (96, 3, 11), (64, 3, 11), (6, 1, 5), (16, 1, 3), (32, 3, 3), (64, 3, 3), (1, 3, 7), (5, 2, 4)]


@pytest.mark.parametrize("shape", SHAPES)
def test_kernels_have_mean_zero_and_norm_one(shape):
    out, inputs, size = shape
    kernels = gabor_bank(out, inputs, size)
    assert kernels.shape == (out, inputs, size, size) and kernels.dtype == torch.float32
    torch.testing.assert_close(kernels.sum((1, 2, 3)), torch.zeros(out), atol=1e-5, rtol=0)
    torch.testing.assert_close(kernels.flatten(1).norm(dim=1), torch.ones(out))


def waves(out: int, size: int) -> tuple[Tensor, Tensor]:
    bank = gabor_bank(out, 1, size)[:, 0]
    return bank[0::2], bank[1::2]


@pytest.mark.parametrize("size", [3, 5, 7, 8, 11])
def test_gabor_kernels_are_even_and_odd_pairs(size):
    even, odd = waves(32, size)
    turned = [kernels.flip(1, 2) for kernels in (even, odd)]
    torch.testing.assert_close(turned[0], even)
    torch.testing.assert_close(turned[1], -odd)
    torch.testing.assert_close((even * odd).sum((1, 2)), torch.zeros(16), atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [3, 5, 8, 11])
def test_a_gabor_kernel_turned_by_a_right_angle_is_the_one_four_further(size):
    even, odd = waves(16, size)
    for kernels in (even, odd):
        quarter = kernels[:4].rot90(-1, (1, 2))  # the y axis points down
        torch.testing.assert_close(quarter, kernels[4:])


@pytest.mark.parametrize("size", [7, 11])
def test_a_gabor_kernel_answers_its_own_orientation_most(size):
    even, odd = waves(16, size)
    across = torch.arange(size) - (size - 1) / 2
    y, x = torch.meshgrid(across, across, indexing="ij")
    for i in range(8):
        angle = torch.tensor(pi * i / 8)
        phase = 2 * pi / (size / 2) * (x * angle.cos() + y * angle.sin())
        energy = sum((kernels * phase.cos()).sum((1, 2)) ** 2 for kernels in (even, odd))
        energy = energy + sum((kernels * phase.sin()).sum((1, 2)) ** 2 for kernels in (even, odd))
        assert int(energy.argmax()) == i
        assert energy[(i + 4) % 8] < 0.1 * energy[i]


def test_gabor_scales_go_from_long_waves_to_short_ones():
    even, _ = waves(96, 11)  # 48 waves: 8 orientations, 6 scales
    spectrum = torch.fft.fft2(even[0::8], s=(64, 64)).abs()[:, 0, :32]  # orientation 0 of each scale, along x
    peaks = spectrum.argmax(1).tolist()
    assert len(peaks) == 6 and peaks == sorted(peaks) and peaks[0] < 0.6 * peaks[-1]
    bank = gabor_bank(96, 1, 11).flatten(1)
    assert float((bank @ bank.T - torch.eye(96)).abs().max()) < 0.999  # no two are the same


def test_gabor_kernels_ignore_colour_but_not_brightness():
    kernels = gabor_bank(8, 3, 5)
    assert torch.equal(kernels[:, 0], kernels[:, 1]) and torch.equal(kernels[:, 0], kernels[:, 2])
    flat = torch.tensor([0.9, 0.1, 0.4]).view(1, 3, 1, 1).expand(1, 3, 9, 9)
    torch.testing.assert_close(F.conv2d(flat, kernels), torch.zeros(1, 8, 5, 5), atol=1e-6, rtol=0)


def test_too_small_kernels_are_refused():
    with pytest.raises(ValueError, match="at least 3 x 3 pixels, not 1 x 1"):
        gabor_bank(4, 3, 1)
