"""A large JPEG that will be shrunk is decoded at reduced size, without a visible difference."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from sklearn.datasets import load_sample_image

from convscope.classifier import Classifier
from convscope.data import Preprocess
from convscope.data.image_file import decode
from convscope.data.moments import channel_moments, image_moments

THREE = {"mean": (0.5,) * 3, "std": (0.5,) * 3}


def photo(width: int, height: int, mode: str = "RGB", **options: object) -> bytes:
    image = Image.fromarray(load_sample_image("china.jpg")).convert(mode)
    image = image.resize((width, height), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    image.save(content, "JPEG", **{"quality": 92, **options})
    return content.getvalue()


def sharpness(pixels: torch.Tensor) -> float:
    values = pixels.double()
    return float(values.diff(dim=1).square().mean() + values.diff(dim=2).square().mean())


@pytest.mark.parametrize("mode", ["center", "pad", "squash"])
@pytest.mark.parametrize(
    ("width", "height", "side"), [(1600, 1200, 64), (1201, 1603, 96), (900, 2400, 100), (2000, 700, 40)]
)
def test_colours_and_sharpness_stay(mode, width, height, side):
    content = photo(width, height)
    preprocess = Preprocess((3, side, side), crop_mode=mode, **THREE)
    assert min(decode(content, preprocess.longest_side).size) < min(width, height)
    scaled, full = preprocess.read(content), preprocess.pixels(decode(content))
    apart = (scaled.float() - full.float()).abs()
    assert (scaled.double().mean((1, 2)) - full.double().mean((1, 2))).abs().max() < 1
    assert apart.mean() < 3
    assert 0.93 < sharpness(scaled) / sharpness(full) < 1.07


@pytest.mark.parametrize(
    ("side", "size"), [(20, 100), (60, 200), (100, 200), (101, 400), (200, 400), (201, 800), (900, 800)]
)
def test_at_least_twice_the_wanted_side_is_decoded(side, size):
    assert decode(photo(1000, 800), side).size == (size * 10 // 8, size)


@pytest.mark.parametrize("filter", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("width", "height", "side"), [(300, 300, 64), (400, 200, 199), (201, 640, 80)])
def test_shrinking_is_pillows_within_two_steps(filter, width, height, side):
    image = Image.fromarray(load_sample_image("china.jpg")).crop((100, 20, 100 + width, 20 + height))
    for mode in ("pad", "squash"):
        preprocess = Preprocess((3, side, side), interpolation=filter, crop_mode=mode, **THREE)
        ours = preprocess.array(np.asarray(image)).astype(int)
        size = (side, side)
        if mode == "pad":
            scale = side / max(width, height)
            size = (round(width * scale), round(height * scale))
        theirs = np.asarray(image.resize(size, Image.Resampling[filter.upper()])).astype(int)
        top, left = (side - size[1]) // 2, (side - size[0]) // 2
        apart = np.abs(ours[top : top + size[1], left : left + size[0]] - theirs)
        assert apart.max() <= 2 and apart.mean() < 0.3


def test_the_moments_of_an_image_are_those_of_its_pixels():
    for shape in ((5, 7, 3), (300, 2, 1)):
        for array in (np.full(shape, 255, np.uint8), np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)):
            pixels = torch.from_numpy(array).permute(2, 0, 1)[None]
            assert np.array_equal(image_moments(array), channel_moments(pixels))
            values = array.reshape(-1, shape[2]).astype(np.int64)
            assert np.array_equal(image_moments(array), [values.sum(0), (values**2).sum(0)])


def test_the_longest_side_includes_what_is_cropped():
    assert Preprocess((3, 224, 224), crop_pct=0.875, **THREE).longest_side == 256
    assert Preprocess((3, 28, 60), border=4, crop_mode="pad", **THREE).longest_side == 52


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colour_modes_are_decoded_at_reduced_size_too(mode):
    content = photo(1600, 1200, mode)
    preprocess = Preprocess((3, 50, 50), **THREE)
    assert decode(content, 50).size == (200, 150)
    scaled, full = preprocess.read(content).double(), preprocess.pixels(decode(content)).double()
    assert (scaled.mean((1, 2)) - full.mean((1, 2))).abs().max() < 2


def test_the_orientation_is_applied_at_reduced_size():
    image = Image.fromarray(load_sample_image("china.jpg")).resize((1200, 800))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be rotated to the right
    content = io.BytesIO()
    image.save(content, "JPEG", exif=exif)
    assert decode(content.getvalue(), 40).size == (100, 150)


def test_the_first_of_several_pictures_is_decoded():
    """Phones write MPO files: a JPEG with further ones (depth, brightness) after it."""
    image = Image.fromarray(load_sample_image("china.jpg")).resize((1200, 800))
    content = io.BytesIO()
    image.save(content, "MPO", save_all=True, append_images=[image.filter(ImageFilter.BLUR)])
    scaled = decode(content.getvalue(), 50)
    assert scaled.size == (150, 100)
    assert np.abs(np.asarray(scaled).mean((0, 1)) - np.asarray(image).mean((0, 1))).max() < 1


def test_prediction_sees_what_training_saw(tmp_path):
    """A file given to a classifier is decoded in the same way as one that is trained on."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo(1600, 1200))
    preprocess = Preprocess((3, 32, 32), **THREE)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 2))
    classifier = Classifier(network, ["a", "b"], preprocess, "none", {})
    expected = classifier.logits(preprocess.read(path.read_bytes())[None]).softmax(1)
    assert torch.equal(classifier.probabilities([path]), expected)
