"""Random crops: torchvision's, at every place that fits and equally often."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torchvision.transforms import RandomCrop

from convscope.data.augment import frame_side, parse_augment
from convscope.data.augment.random_crop import cut_out, random_corners, random_crop
from convscope.errors import UsageError

from .images import channels_last, context, generator, noise


@pytest.mark.parametrize("shape", [(9, 1, 12, 12), (9, 3, 12, 20), (1, 3, 8, 9), (0, 3, 9, 9)], ids=str)
@pytest.mark.parametrize("as_float", [False, True])
def test_crops_are_parts_of_the_images_as_slices_are(shape, as_float):
    images = noise(shape).float() if as_float else noise(shape)
    corners = random_corners(images, (8, 7), generator())
    expected = [image[:, y : y + 8, x : x + 7] for image, y, x in zip(images, *corners.tolist(), strict=True)]
    part = torch.zeros(*shape[:2], shape[2] + 1, shape[3] + 2, dtype=images.dtype)[:, :, 1:, 1:-1].copy_(images)
    for given in (images, channels_last(images), part):
        cut = cut_out(given, corners, (8, 7))
        assert cut.shape == (shape[0], shape[1], 8, 7) and cut.dtype == images.dtype
        assert all(torch.equal(one, other) for one, other in zip(cut, expected, strict=True))
    if len(images):
        assert cut_out(channels_last(images), corners, (8, 7)).is_contiguous(memory_format=torch.channels_last)


def test_every_place_that_fits_is_as_frequent_as_torchvisions():
    """A frame of 12 has 25 places for 8 x 8: chi-square with 24 degrees of freedom, 51.2 at one in a thousand."""
    count = 10_000
    images = torch.empty(count, 1, 12, 12, dtype=torch.uint8)
    top, left = random_corners(images, (8, 8), generator())
    ours = torch.bincount(top * 5 + left, minlength=25)
    torch.manual_seed(0)
    theirs = torch.zeros(25)
    for _ in range(count):
        y, x, height, width = RandomCrop.get_params(images[0], (8, 8))
        assert (height, width) == (8, 8)
        theirs[y * 5 + x] += 1
    assert len(ours) == 25
    for counts in (ours, theirs):
        assert float(((counts - count / 25) ** 2 / (count / 25)).sum()) < 51.2


def test_the_input_is_cut_out_at_its_place_in_the_list():
    images, sized = noise((6, 3, 12, 12)), replace(context(6), size=(8, 8))
    changed = parse_augment("shift=2,random-crop=12,flip")(images, sized)
    same = replace(context(6), size=(8, 8))
    expected = parse_augment("shift=2")(images, same)
    expected = parse_augment("flip")(random_crop(expected, same, 12), same)
    assert changed.shape == (6, 3, 8, 8) and torch.equal(changed, expected)


def test_the_frame_is_read_from_the_list():
    assert frame_side("random-crop") == frame_side("random-crop=256,flip") == 256
    assert frame_side(" flip , random-crop = 40 ") == 40
    assert frame_side("flip,crop=4,resized-crop") is frame_side("none") is frame_side("auto") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("random-crop=0.875", "augment: random-crop must be a whole number from 2 to 10000, not '0.875'"),
        ("random-crop=256.5", "augment: random-crop must be a whole number from 2 to 10000, not '256.5'"),
        ("random-crop=nan", "augment: random-crop must be a whole number from 2 to 10000, not 'nan'"),
        ("random-crop=256,flip,random-crop=240", "augment: random-crop is given twice: leave one out"),
    ],
)
def test_a_frame_that_is_none_is_refused_in_one_line(text, message):
    for read in (parse_augment, frame_side):
        with pytest.raises(UsageError) as caught:
            read(text)
        assert str(caught.value) == message
