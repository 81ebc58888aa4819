"""Superpixels: regions of one colour in gray and colour images, the same in training and prediction."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

import convscope as cs
from convscope.data.superpixels import superpixels


@pytest.mark.parametrize("channels", [1, 3])
def test_regions_have_the_mean_colour_of_their_pixels(channels):
    image = np.array(Image.fromarray(astronaut()).resize((96, 96)))[:, :, :channels]
    flat = superpixels(image, 50)
    assert flat.shape == image.shape and flat.dtype == np.uint8
    colours = np.unique(flat.reshape(-1, channels), axis=0)
    assert 10 < len(colours) <= 80
    for colour in colours:
        covered = image[(flat == colour).all(2)]
        # Two regions may have the same rounded colour; then their common mean is near it too.
        assert np.abs(covered.mean(0) - colour).max() < 1.5


def test_one_region_is_one_colour():
    image = np.full((20, 30, 3), (10, 200, 90), np.uint8)
    assert np.array_equal(superpixels(image, 1), image)


def test_a_classifier_keeps_its_superpixels(squares, tmp_path):
    options = {"epochs": 1, "output": tmp_path, "show": False}
    run = cs.train(str(squares), "lenet_relu", superpixels=12, **options)
    again = cs.load(run.folder)
    assert again.preprocess.superpixels == 12
    pixels = again.preprocess.pixels(Image.open(next(squares.rglob("*.png"))))
    assert len(pixels.flatten(1).unique(dim=1).T) < 40
    with pytest.raises(cs.UsageError, match="superpixels must be from 0"):
        cs.train(str(squares), "lenet_relu", superpixels=-1, **options)
