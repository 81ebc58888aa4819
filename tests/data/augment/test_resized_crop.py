"""Random resized crops against torchvision: the same pixels for the same cut, and cuts drawn as theirs are."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode, RandomResizedCrop
from torchvision.transforms.v2.functional import resized_crop

from convscope.data.augment.resized_crop import draw_cuts, enlarge
from convscope.data.augment.resized_crop import resized_crop as ours

from .test_registry import channels_last, coin, draw, noise, photos

RATIOS = (3 / 4, 4 / 3)


@pytest.mark.parametrize("shape", [(12, 3, 24, 37), (12, 1, 28, 28), (12, 3, 5, 9)], ids=str)
def test_an_enlarged_cut_is_torchvisions(shape):
    images, size = noise(shape), list(shape[2:])
    cuts = draw_cuts(shape[0], shape[2:], 0.05, coin())
    changed = enlarge(channels_last(images), cuts)
    for image, cut, result in zip(images, cuts.T.tolist(), changed, strict=True):
        expected = resized_crop(image.float(), *cut, size, InterpolationMode.BILINEAR, antialias=False)
        torch.testing.assert_close(result, expected, atol=0.02, rtol=0)


def test_the_whole_image_stays_as_it_is():
    images = photos(3, 3, 20, 30)
    whole = torch.tensor([[0], [0], [20], [30]]).expand(4, 3)
    torch.testing.assert_close(enlarge(images, whole), images.float(), atol=1e-2, rtol=0)


@pytest.mark.parametrize(("size", "least"), [((32, 32), 0.35), ((40, 90), 0.08)])
def test_cuts_are_drawn_as_torchvision_draws_them(size, least):
    top, left, tall, wide = draw_cuts(20_000, size, least, coin())
    assert top.min() >= 0 and left.min() >= 0 and (top + tall).max() <= size[0] and (left + wide).max() <= size[1]
    torch.manual_seed(0)
    theirs = RandomResizedCrop(size, scale=(least, 1), ratio=RATIOS)
    image = torch.zeros(3, *size)
    drawn = [theirs.make_params([image]) for _ in range(3000)]
    for found, key in ((top, "top"), (left, "left"), (tall, "height"), (wide, "width")):
        expected = torch.tensor([float(one[key]) for one in drawn])
        assert float(found.float().mean()) == pytest.approx(float(expected.mean()), abs=0.6)
        assert float(found.float().std()) == pytest.approx(float(expected.std()), rel=0.06)


def test_where_no_cut_fits_it_is_the_middle():
    theirs = RandomResizedCrop((4, 50), scale=(0.9, 1), ratio=RATIOS).make_params([torch.zeros(3, 4, 50)])
    expected = [theirs[key] for key in ("top", "left", "height", "width")]
    assert draw_cuts(4, (4, 50), 0.9, coin()).T.tolist() == [expected] * 4


def test_the_amount_is_the_least_share_of_the_area():
    images = photos(6, 3, 16, 16)
    assert torch.equal(ours(images, draw(6), 0.3), enlarge(images, draw_cuts(6, (16, 16), 0.3, coin())))
