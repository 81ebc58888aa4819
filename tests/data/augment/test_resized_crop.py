"""Random resized crops against torchvision: the same pixels for the same crop, and crops of the same distribution."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode, RandomResizedCrop
from torchvision.transforms.v2.functional import resized_crop

from convscope.data.augment.resized_crop import enlarge, random_crops
from convscope.data.augment.resized_crop import resized_crop as ours

from .images import channels_last, context, generator, noise, photos

RATIOS = (3 / 4, 4 / 3)


@pytest.mark.parametrize("shape", [(12, 3, 24, 37), (12, 1, 28, 28), (12, 3, 5, 9)], ids=str)
def test_an_enlarged_crop_is_torchvisions(shape):
    images, size = noise(shape), list(shape[2:])
    crops = random_crops(shape[0], shape[2:], 0.05, generator())
    changed = enlarge(channels_last(images), crops)
    for image, box, result in zip(images, crops.T.tolist(), changed, strict=True):
        expected = resized_crop(image.float(), *box, size, InterpolationMode.BILINEAR, antialias=False)
        torch.testing.assert_close(result, expected, atol=0.02, rtol=0)


def test_the_whole_image_stays_as_it_is():
    images = photos(3, 3, 20, 30)
    whole = torch.tensor([[0], [0], [20], [30]]).expand(4, 3)
    torch.testing.assert_close(enlarge(images, whole), images.float(), atol=1e-2, rtol=0)


@pytest.mark.parametrize(("size", "least"), [((32, 32), 0.35), ((40, 90), 0.08)])
def test_crops_have_the_distribution_of_torchvisions(size, least):
    top, left, tall, wide = random_crops(20_000, size, least, generator())
    assert top.min() >= 0 and left.min() >= 0 and (top + tall).max() <= size[0] and (left + wide).max() <= size[1]
    torch.manual_seed(0)
    theirs = RandomResizedCrop(size, scale=(least, 1), ratio=RATIOS)
    image = torch.zeros(3, *size)
    sampled = [theirs.make_params([image]) for _ in range(3000)]
    for found, key in ((top, "top"), (left, "left"), (tall, "height"), (wide, "width")):
        expected = torch.tensor([float(one[key]) for one in sampled])
        assert float(found.float().mean()) == pytest.approx(float(expected.mean()), abs=0.6)
        assert float(found.float().std()) == pytest.approx(float(expected.std()), rel=0.06)


def test_if_no_crop_fits_it_is_the_centre():
    theirs = RandomResizedCrop((4, 50), scale=(0.9, 1), ratio=RATIOS).make_params([torch.zeros(3, 4, 50)])
    expected = [theirs[key] for key in ("top", "left", "height", "width")]
    assert random_crops(4, (4, 50), 0.9, generator()).T.tolist() == [expected] * 4


def test_the_amount_is_the_least_share_of_the_area():
    images = photos(6, 3, 16, 16)
    assert torch.equal(ours(images, context(6), 0.3), enlarge(images, random_crops(6, (16, 16), 0.3, generator())))
