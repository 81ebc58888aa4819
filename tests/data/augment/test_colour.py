"""Changes of colour against torchvision, image by image, and lighting against AlexNet's formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from convscope.data.augment import colour
from convscope.data.augment.context import uniform

from .images import apply, channels_last, context, generator, noise

SHAPES = [(16, 1, 28, 28), (16, 3, 9, 14), (4, 3, 1, 1)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
def test_each_image_is_changed_by_its_own_factor_as_torchvision_does(name, shape):
    images = noise(shape)
    images[1], images[2] = 0, 255
    images[3] = images[3] // 128 * 255  # pure colours, some with equal channels
    factors = 0.5 * uniform(generator(1), len(images)) + (name != "hue")
    changed = getattr(colour, f"adjust_{name}")(channels_last(images), factors)
    theirs = getattr(reference, f"adjust_{name}")
    expected = torch.stack([theirs(image / 255, f) * 255 for image, f in zip(images, factors.tolist(), strict=True)])
    torch.testing.assert_close(changed, expected, atol=0.01, rtol=0)


def test_factors_are_uniform_between_their_limits():
    factors = colour.random_factors(4000, generator(), 0.2)
    assert 0.8 <= factors.min() < 0.801 and 1.199 < factors.max() <= 1.2
    assert float(factors.mean()) == pytest.approx(1, abs=0.01)
    # A gray value of 100 becomes a hundred times the factor.
    images = torch.full((300, 1, 2, 2), 100, dtype=torch.uint8)
    levels = apply("brightness=0.5", images)[:, 0, 0, 0]
    assert 50 <= levels.min() < 53 and 147 < levels.max() <= 150


def test_lighting_is_alexnets_formula():
    """Principal components that are orthonormal, and alphas times deviations along them."""
    components, deviations = np.array(colour._COMPONENTS), np.array(colour._DEVIATIONS)
    np.testing.assert_allclose(components.T @ components, np.eye(3), atol=2e-3)
    alphas = torch.randn(50, 3, generator=generator(), dtype=torch.float64)
    for alpha, shift in zip(alphas.numpy(), colour.lighting_shifts(alphas, 3).numpy(), strict=True):
        expected = sum(components[:, i] * alpha[i] * deviations[i] for i in range(3))
        np.testing.assert_allclose(shift, 255 * expected)
    gray = colour.lighting_shifts(alphas, 1)
    assert gray.shape == (50, 1)
    torch.testing.assert_close(
        gray[:, 0].abs(),
        colour.lighting_shifts(alphas * torch.tensor([1, 0, 0]), 3).norm(dim=1) / 3**0.5,
        rtol=2e-3,
        atol=0,
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_lighting_shifts_each_image_by_normal_random_numbers(channels):
    images = torch.full((3000, channels, 2, 2), 128, dtype=torch.uint8)
    shifts = colour.lighting(images, context(3000), 0.1) - 128
    assert torch.equal(shifts, shifts[:, :, :1, :1].expand_as(shifts))
    deviation = colour.lighting_shifts(0.1 * torch.eye(3, dtype=torch.float64), channels).square().sum(0).sqrt()
    if channels == 1:
        deviation = deviation[:1]
    torch.testing.assert_close(shifts[:, :, 0, 0].std(0).double(), deviation, rtol=0.06, atol=0)
    assert shifts[:, :, 0, 0].mean(0).abs().max() < 0.25
