"""Flips and shifts against torchvision and NumPy, image by image, and their frequencies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from convscope.data.augment import BatchContext
from convscope.data.augment.flip_shift import (
    alternating_flip,
    crop,
    flip,
    mirror,
    random_offsets,
    shifted,
    starts_mirrored,
)

from .images import channels_last, context, generator, noise

SHAPES = [(40, 1, 28, 28), (40, 3, 9, 14), (5, 3, 1, 7), (4, 1, 1, 1)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_mirror(shape, kind):
    images, mirrored = noise(shape).to(kind), torch.rand(shape[0], generator=generator(1)) < 0.5
    pairs = zip(images, mirrored, strict=True)
    expected = torch.stack([reference.horizontal_flip(image) if yes else image for image, yes in pairs])
    assert torch.equal(mirror(images, mirrored), expected)
    assert torch.equal(mirror(channels_last(images), mirrored), expected)


def test_flip_mirrors_another_random_half_each_time():
    images = torch.arange(2, dtype=torch.uint8).expand(4000, 1, 1, 2).contiguous()
    same = context(4000)
    first, second = (flip(images, same)[:, 0, 0, 0].bool() for _ in range(2))
    assert float(first.float().mean()) == pytest.approx(0.5, abs=0.04)  # five standard deviations
    assert float((first ^ second).float().mean()) == pytest.approx(0.5, abs=0.04)


def test_alternating_flip_shows_each_side_in_every_second_epoch():
    images = noise((50, 3, 4, 5))
    indices = torch.arange(300, 350)
    epochs = [alternating_flip(images, BatchContext(generator(), epoch, indices, 3)) for epoch in range(4)]
    assert torch.equal(epochs[0], epochs[2]) and torch.equal(epochs[1], epochs[3])
    assert torch.equal(epochs[0], epochs[1].flip(3))
    assert torch.equal(epochs[0], mirror(images, starts_mirrored(3, indices)))
    some = torch.tensor([7, 49, 0])  # whether an image is mirrored does not depend on its batch
    assert torch.equal(alternating_flip(images[some], BatchContext(generator(9), 2, indices[some], 3)), epochs[0][some])


def test_which_images_start_mirrored_is_random():
    indices = torch.arange(20_000)
    signs = torch.stack([starts_mirrored(seed, indices) for seed in (0, 1, 2, 2**31 - 1)]).float() * 2 - 1
    # Within five standard deviations of a mean of 20,000: each seed mirrors half, and neither seeds nor neighbours
    # are correlated.
    assert signs.mean(1).abs().max() < 0.036
    assert (signs @ signs.T / 20_000 - torch.eye(4)).abs().max() < 0.036
    for lag in (1, 2, 3, 64):
        assert (signs[:, lag:] * signs[:, :-lag]).mean(1).abs().max() < 0.036


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("outside", "mode"), [("reflect", "reflect"), ("zeros", "constant")])
@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_shifted(shape, outside, mode, kind):
    """The same as padding by NumPy and cropping by torchvision."""
    images, offsets = noise(shape).to(kind), random_offsets(noise(shape), generator(2), 5)
    _, _, h, w = shape
    expected = []
    for image, down, right in zip(images.numpy(), *offsets.tolist(), strict=True):
        padded = torch.from_numpy(np.pad(image, ((0, 0), (h, h), (w, w)), mode=mode))
        expected.append(reference.crop(padded, h + down, w + right, h, w))
    assert torch.equal(shifted(images, offsets, outside), torch.stack(expected))
    assert torch.equal(shifted(channels_last(images), offsets, outside), torch.stack(expected))


def test_offsets_are_uniform_between_their_limits():
    offsets = random_offsets(torch.empty(7000, 1, 28, 20), generator(), 3)
    for axis in offsets:
        values, counts = axis.unique(return_counts=True)
        assert values.tolist() == list(range(-3, 4)) and counts.min() > 850 and counts.max() < 1150
    assert abs(np.corrcoef(offsets.numpy())[0, 1]) < 0.06


@pytest.mark.parametrize(
    ("amount", "limits"), [(0.125, (3, 2)), (0.1, (2, 2)), (50, (27, 19)), (2.9, (2, 2)), (0, (0, 0))]
)
def test_an_amount_below_1_is_a_share_of_the_side(amount, limits):
    offsets = random_offsets(torch.empty(2000, 1, 28, 20), generator(), amount)
    assert tuple(offsets.abs().amax(1).tolist()) == limits


def test_crop_brings_in_black_pixels():
    images = torch.full((200, 3, 8, 8), 255, dtype=torch.uint8)
    cropped = crop(images, context(200), 4)
    assert int((cropped == 0).any(3).any(2).any(1).sum()) > 180 and set(cropped.unique().tolist()) == {0, 255}
