"""Colour and light against torchvision, image by image, and against AlexNet's formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from convscope.data.augment import colour
from convscope.data.augment.context import uniform

from .test_registry import apply, channels_last, coin, draw, noise

SHAPES = [(16, 1, 28, 28), (16, 3, 9, 14), (4, 3, 1, 1)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
def test_each_image_by_its_own_factor_as_torchvision_does(name, shape):
    images = noise(shape)
    images[1], images[2] = 0, 255
    images[3] = images[3] // 128 * 255  # pure colours, several of them equally strong
    factors = 0.5 * uniform(coin(1), len(images)) + (name != "hue")
    changed = getattr(colour, f"adjust_{name}")(channels_last(images), factors)
    theirs = getattr(reference, f"adjust_{name}")
    expected = torch.stack([theirs(image / 255, f) * 255 for image, f in zip(images, factors.tolist(), strict=True)])
    torch.testing.assert_close(changed, expected, atol=0.01, rtol=0)


def test_factors_reach_their_limits_evenly_and_no_further():
    factors = colour.draw_factors(4000, coin(), 0.2)
    assert 0.8 <= factors.min() < 0.801 and 1.199 < factors.max() <= 1.2
    assert float(factors.mean()) == pytest.approx(1, abs=0.01)
    # Of gray images: what is 100 becomes a hundred times the factor.
    images = torch.full((300, 1, 2, 2), 100, dtype=torch.uint8)
    levels = apply("brightness=0.5", images)[:, 0, 0, 0]
    assert 50 <= levels.min() < 53 and 147 < levels.max() <= 150


def test_light_is_alexnets_formula():
    """Principal axes that are orthonormal, and alphas times spreads along them."""
    axes, spreads = np.array(colour._AXES), np.array(colour._SPREADS)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=2e-3)
    alphas = torch.randn(50, 3, generator=coin(), dtype=torch.float64)
    for alpha, shift in zip(alphas.numpy(), colour.light(alphas, 3).numpy(), strict=True):
        expected = sum(axes[:, i] * alpha[i] * spreads[i] for i in range(3))
        np.testing.assert_allclose(shift, 255 * expected)
    gray = colour.light(alphas, 1)
    assert gray.shape == (50, 1)
    torch.testing.assert_close(
        gray[:, 0].abs(), colour.light(alphas * torch.tensor([1, 0, 0]), 3).norm(dim=1) / 3**0.5, rtol=2e-3, atol=0
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_lighting_shifts_a_whole_image_by_normal_draws(channels):
    images = torch.full((3000, channels, 2, 2), 128, dtype=torch.uint8)
    shifts = colour.lighting(images, draw(3000), 0.1) - 128
    assert torch.equal(shifts, shifts[:, :, :1, :1].expand_as(shifts))
    spread = colour.light(0.1 * torch.eye(3, dtype=torch.float64), channels).square().sum(0).sqrt()
    if channels == 1:
        spread = spread[:1]
    torch.testing.assert_close(shifts[:, :, 0, 0].std(0).double(), spread, rtol=0.06, atol=0)
    assert shifts[:, :, 0, 0].mean(0).abs().max() < 0.25
