"""Turning images into tensors: crops by hand and against torchvision, statistics, and the settings as JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import functional as tv

from convscope.data import Preprocess
from convscope.data.moments import channel_moments, statistics
from convscope.errors import ModelFileError

THREE = {"mean": (0.5,) * 3, "std": (0.25,) * 3}


def numbered(height: int, width: int) -> Image.Image:
    """Return a gray picture in which every pixel has its own value."""
    assert height * width <= 256
    return Image.fromarray(np.arange(height * width, dtype=np.uint8).reshape(height, width))


def smooth(height: int, width: int) -> Image.Image:
    """Return a colour picture without sharp edges, on which filters agree."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    planes = [127 + 120 * np.sin(x / 17 + y / 23), 127 + 120 * np.cos(y / 19), 255 * x / width]
    return Image.fromarray(np.stack(planes, 2).astype(np.uint8))


def test_an_image_that_fits_is_not_changed():
    pixels = Preprocess((1, 4, 6)).pixels(numbered(4, 6))
    assert pixels.dtype == torch.uint8 and torch.equal(pixels, torch.arange(24, dtype=torch.uint8).view(1, 4, 6))


def test_a_center_crop_by_hand():
    """6 x 10 -> 3 x 3 is the central 6 x 6, then every second pixel (`nearest` takes the later of two)."""
    pixels = Preprocess((1, 3, 3), interpolation="nearest").pixels(numbered(6, 10))
    expected = np.arange(60).reshape(6, 10)[:, 2:8][1::2, 1::2]
    np.testing.assert_array_equal(pixels[0], expected)


def test_bilinear_halving_is_the_mean_with_a_triangle():
    """At half the size, every output is the mean of four neighbours with weights 1 3 3 1, of fewer at the edges."""
    row = np.array([0, 40, 80, 200, 240, 10], dtype=np.uint8)
    pixels = Preprocess((1, 1, 3), crop_mode="squash").pixels(Image.fromarray(np.stack([row, row])))
    v = row.astype(float)
    inner = (v[1] + 3 * v[2] + 3 * v[3] + v[4]) / 8
    left, right = (3 * v[0] + 3 * v[1] + v[2]) / 7, (v[3] + 3 * v[4] + 3 * v[5]) / 7
    np.testing.assert_allclose(pixels[0, 0], [left, inner, right], atol=1)


@pytest.mark.parametrize(("height", "width", "box"), [(4, 8, (2, 6, 0, 8)), (8, 4, (0, 8, 2, 6)), (8, 8, (0, 8, 0, 8))])
def test_pad_shows_all_of_it_between_black_bars(height, width, box):
    pixels = Preprocess((1, 8, 8), crop_mode="pad").pixels(Image.new("L", (width, height), 200))[0]
    expected = torch.zeros(8, 8, dtype=torch.uint8)
    expected[box[0] : box[1], box[2] : box[3]] = 200
    assert torch.equal(pixels, expected)


def test_squash_ignores_the_proportions():
    pixels = Preprocess((1, 2, 2), crop_mode="squash", interpolation="nearest").pixels(numbered(2, 8))
    np.testing.assert_array_equal(pixels[0], [[2, 6], [10, 14]])


def test_a_border_is_black_and_the_picture_stays_in_the_middle():
    pixels = Preprocess((1, 8, 8), border=2).pixels(Image.new("L", (4, 4), 9))[0]
    assert pixels[2:6, 2:6].eq(9).all() and pixels.sum() == 16 * 9


def test_padding_in_words():
    assert Preprocess((1, 28, 28)).padding == ""
    text = "images of 8 x 6 are padded to 10 x 8 with 1 black pixel on each side; others are resized first"
    assert Preprocess((1, 10, 8), border=1).padding == text


@pytest.mark.parametrize(("height", "width"), [(96, 160), (160, 96), (64, 64), (97, 160), (160, 97), (33, 200)])
@pytest.mark.parametrize("filter", ["bilinear", "bicubic"])
def test_a_center_crop_is_torchvisions_resize_and_crop(height, width, filter):
    image = smooth(height, width)
    ours = Preprocess((3, 48, 48), interpolation=filter, **THREE).pixels(image).float()
    resized = tv.resize(image, 48, tv.InterpolationMode(filter))
    apart = (ours - tv.pil_to_tensor(tv.center_crop(resized, [48, 48])).float()).abs()
    if max(height, width) * 48 % min(height, width) == 0:
        # Only the outermost pixels differ: in torchvision they are mixed with pixels that are then cropped.
        assert apart[:, 2:-2, 2:-2].max() <= 2 and apart.mean() < 0.5
    else:
        assert (
            apart.mean() < 3
        )  # torchvision rounds size and crop to whole pixels, so its crop is up to half a pixel off the centre


@pytest.mark.parametrize("mode", ["center", "pad", "squash"])
@pytest.mark.parametrize("size", [(10_000, 2), (2, 10_000), (1, 1), (1, 300)])
def test_extreme_shapes(mode, size):
    image = Image.new("RGB", size, (10, 100, 200))
    pixels = Preprocess((3, 28, 28), crop_mode=mode, **THREE).pixels(image)
    assert pixels.shape == (3, 28, 28)
    shown = pixels.flatten(1)[:, pixels.flatten(1).any(0).bool()]
    assert shown.shape[1] >= 1 and torch.equal(shown.unique(dim=1).flatten(), torch.tensor([10, 100, 200]).byte())
    if mode != "pad":
        assert shown.shape[1] == 28 * 28


def test_a_long_thin_picture_is_not_enlarged_as_a_whole(monkeypatch):
    """Resized by its shorter side, 10,000 x 2 would be 1,120,000 x 224, 752 MB. No image is larger than the input."""
    made = []
    real = Image.Image._new

    def counted(self, core):
        made.append(core.size[0] * core.size[1])
        return real(self, core)

    monkeypatch.setattr(Image.Image, "_new", counted)
    for mode in ("center", "pad", "squash"):
        Preprocess((3, 224, 224), crop_mode=mode, **THREE).pixels(Image.new("RGB", (10_000, 2)))
    assert made and max(made) <= 224 * 224


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(5, 12, 12), (5, 12, 12, 3), (5, 16, 16), (5, 9, 14), (5, 30, 11, 3), (0, 12, 12)])
def test_an_array_gives_what_its_images_give_one_by_one(channels, shape):
    """12 x 12 with a border of 2 takes the fast path, all at once; the others go through Pillow."""
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    preprocess = Preprocess((channels, 16, 16), (0.5,) * channels, (0.5,) * channels, border=2)
    whole = preprocess.batch(array)
    assert whole.shape == (shape[0], channels, 16, 16) and whole.dtype == torch.uint8 and whole.is_contiguous()
    images = [Image.fromarray(image) for image in array]
    assert torch.equal(whole, preprocess.batch(images))
    assert all(torch.equal(one, preprocess.pixels(image)) for one, image in zip(whole, images, strict=True))


def test_modes_become_the_channels_that_are_asked_for():
    colour = Image.new("RGBA", (4, 4), (200, 100, 50, 0))
    assert Preprocess((3, 4, 4), **THREE).pixels(colour).eq(255).all()  # transparent is white
    gray = Preprocess((1, 4, 4)).pixels(Image.new("RGB", (4, 4), (200, 100, 50)))
    assert gray.float().mean() == pytest.approx(0.299 * 200 + 0.587 * 100 + 0.114 * 50, abs=1)
    assert Preprocess((3, 4, 4), **THREE).pixels(Image.new("L", (4, 4), 7)).eq(7).all()


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 999), channels=st.sampled_from([1, 3]), n=st.integers(1, 7), side=st.integers(1, 9))
def test_statistics_are_torchs(seed, channels, n, side):
    pixels = torch.randint(0, 256, (n, channels, side, side), generator=torch.Generator().manual_seed(seed)).byte()
    mean, std = statistics(channel_moments(pixels), n * side * side)
    values = pixels.double().div(255).transpose(0, 1).flatten(1)
    torch.testing.assert_close(torch.tensor(mean).double(), values.mean(1), atol=1e-6, rtol=0)
    expected = values.std(1, correction=0).clamp(min=1e-3)
    torch.testing.assert_close(torch.tensor(std).double(), expected, atol=1e-6, rtol=0)


def test_normalising_with_the_images_own_statistics_gives_mean_0_and_deviation_1():
    pixels = torch.randint(0, 256, (50, 3, 8, 8), generator=torch.Generator().manual_seed(0)).byte()
    preprocess = Preprocess((3, 8, 8), **THREE).scaled_by(statistics(channel_moments(pixels), 50 * 8 * 8))
    images = preprocess.normalize(pixels)
    assert images.dtype == torch.float32 and pixels.dtype == torch.uint8
    assert images.mean((0, 2, 3)).abs().max() < 1e-5 and (images.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-5
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (preprocess.mean, preprocess.std))
    torch.testing.assert_close(images, (pixels.float() / 255 - mean) / std, atol=1e-5, rtol=1e-5)


def test_the_deviation_of_images_of_one_colour_is_above_0():
    pixels = torch.zeros(1, 1, 2, 2).byte()
    Preprocess((1, 2, 2)).scaled_by(statistics(channel_moments(pixels), 4))


@pytest.mark.parametrize(
    "preprocess",
    [
        Preprocess((1, 28, 28)),
        Preprocess((3, 224, 192), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bicubic", "pad", 0),
        Preprocess((1, 32, 32), (0.1307,), (0.3081,), "nearest", "squash", 2),
    ],
)
def test_settings_survive_json(preprocess):
    assert Preprocess.from_dict(json.loads(json.dumps(preprocess.to_dict()))) == preprocess


GOOD = Preprocess((3, 32, 32), **THREE).to_dict()
WRONG = [
    {"input_size": [2, 32, 32]}, {"input_size": [3, 0, 32]}, {"input_size": [3, 32]}, {"input_size": "3x32x32"},
    {"input_size": [3, 10**9, 10**9]}, {"input_size": [3, 32, math.inf]}, {"input_size": None}, {"input_size": {}},
    {"mean": [0.5]}, {"mean": [0.5, 0.5, math.nan]}, {"mean": [0.5, 0.5, "a"]}, {"mean": 0.5},
    {"mean": [0.5, 0.5, math.inf]},
    {"std": [1, 1, 0]}, {"std": [1, 1, -1]}, {"std": [1, 1, math.inf]}, {"std": [1, 1, math.nan]}, {"std": []},
    {"interpolation": "lanczos9"}, {"interpolation": ["bilinear"]}, {"crop_mode": "none"}, {"crop_mode": None},
    {"border": 16}, {"border": -1}, {"border": "two"}, {"border": math.inf}, {"border": None},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_wrong_values_are_refused_in_one_line(wrong):
    with pytest.raises(ModelFileError, match="preprocessing: ") as refused:
        Preprocess.from_dict({**GOOD, **wrong})
    assert len(str(refused.value).splitlines()) == 1 and refused.value.exit_code == 4


@pytest.mark.parametrize("values", [{}, [], None, "text", {k: v for k, v in GOOD.items() if k != "border"}], ids=str)
def test_missing_values_are_refused(values):
    with pytest.raises(ModelFileError, match="missing or wrong value"):
        Preprocess.from_dict(values)
