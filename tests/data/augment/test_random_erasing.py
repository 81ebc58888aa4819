"""Random erasing and cutout against the papers' procedures, image by image; sizes and frequencies of rectangles."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from convscope.data.augment.random_erasing import cutout, erase, fill_, random_rectangles, random_squares

from .images import channels_last, context, generator, noise

SHAPES = [(30, 1, 28, 28), (30, 3, 9, 14), (4, 3, 1, 1)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("side", [4, 5])
def test_cutout_is_devries_and_taylors(shape, side):
    """Their `Cutout` (uoguelph-mlrg/Cutout, util/cutout.py) clips the square to the image; here the mean fills it."""
    images, (_, _, h, w) = noise(shape), shape
    boxes = random_squares(images, generator(0), side).T.tolist()
    cut = cutout(channels_last(images), context(len(images)), side)
    for image, result, (top, bottom, left, right) in zip(images.float(), cut, boxes, strict=True):
        mask = torch.ones(h, w)
        mask[max(top, 0) : min(bottom, h), max(left, 0) : min(right, w)] = 0
        expected = image * mask + image.mean((1, 2), keepdim=True) * (1 - mask)
        torch.testing.assert_close(result, expected, atol=1e-3, rtol=0)


def test_the_centre_of_a_square_is_anywhere_in_the_image():
    top, bottom, left, right = random_squares(torch.empty(5000, 1, 6, 9), generator(), 4)
    assert (bottom - top == 4).all() and (right - left == 4).all()
    assert (top + 2).unique().tolist() == list(range(6)) and (left + 2).unique().tolist() == list(range(9))
    assert int((top + 2).bincount().min()) > 5000 / 6 * 0.8 and int((left + 2).bincount().min()) > 5000 / 9 * 0.8


def test_an_amount_below_1_is_a_share_of_the_shorter_side():
    images = noise((8, 1, 16, 40))
    assert torch.equal(cutout(images, context(8), 0.25), cutout(images, context(8), 4))


@pytest.mark.parametrize("shape", [(20, 1, 28, 28), (20, 3, 9, 14)], ids=str)
def test_filling_is_torchvisions_erase(shape):
    images, boxes = noise(shape).float(), random_rectangles(shape[0], shape[2:], generator(1))
    new = noise(shape, 5).float()
    expected = torch.stack([
        reference.erase(image, top, left, bottom - top, right - left, values[:, top:bottom, left:right])
        for image, values, (top, bottom, left, right) in zip(images, new, boxes.T.tolist(), strict=True)
    ])  # fmt: skip
    assert torch.equal(fill_(images.clone(), boxes, new), expected)
    assert torch.equal(fill_(channels_last(images).clone(), boxes, channels_last(new)), expected)


def test_rectangles_have_the_papers_areas_and_proportions():
    top, bottom, left, right = random_rectangles(4000, (200, 200), generator())
    high, wide = (bottom - top).double(), (right - left).double()
    assert top.min() >= 0 and left.min() >= 0 and bottom.max() <= 200 and right.max() <= 200
    area, ratio = high * wide / 200**2, high / wide
    # Uniform, apart from the few that would not fit and from rounding to whole pixels.
    assert 0.019 < area.min() < 0.025 and 0.38 < area.max() < 0.405 and 0.19 < area.mean() < 0.21
    assert 0.28 < ratio.min() < 0.35 and 3.2 < ratio.max() < 3.5 and 1.6 < ratio.mean() < 1.9
    room = 200 - high
    inside = room > 20
    assert float((top[inside] / room[inside]).mean()) == pytest.approx(0.5, abs=0.03)


def test_a_rectangle_that_does_not_fit_is_empty():
    top, bottom, left, right = random_rectangles(50, (2, 500), generator())
    assert ((bottom - top) * (right - left) >= 0).all() and (bottom <= 2).all()
    top, bottom, left, right = random_rectangles(50, (1, 1), generator())
    assert (top == bottom).all() and (left == right).all()


def test_erase_covers_a_rectangle_with_noise_in_a_share_of_the_images():
    images = torch.full((2000, 3, 12, 12), 100, dtype=torch.uint8)
    erased = erase(images, context(2000), 0.25)
    touched = (erased != 100).flatten(1).any(1)
    assert float(touched.float().mean()) == pytest.approx(0.25, abs=0.05)
    assert torch.equal(erase(images, context(2000), 0), images.float())
    hidden = erased[erased != 100]
    assert float(hidden.mean()) == pytest.approx(127.5, abs=3) and hidden.min() == 0 and hidden.max() == 255
    first = erased[touched][0]
    assert len(first[first != 100].unique()) > 5
