"""Images of more than 8 bits per channel: one range is measured for the data set and goes with the bundle."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from convscope.data import Preprocess, load_data
from convscope.data.image_file import Levels, UnreadableImage, decode_pixels
from convscope.data.value_range import measure_levels
from convscope.prediction import image_pixels

from .image_file.test_deep_colour import deep_png


def encoded(values: np.ndarray, ending: str, **options) -> bytes:
    if values.ndim == 3 and ending == "png":
        return deep_png(values)
    file = io.BytesIO()
    if ending == "tif":
        options = {"photometric": "rgb" if values.ndim == 3 else "minisblack"} | options
        tifffile.imwrite(file, values, **options)
    else:
        Image.fromarray(values).save(file, ending)
    return file.getvalue()


def make_set(root, draw, ending: str = "png", **options):
    """Write 12 images of two classes; `draw(random)` returns the values of one."""
    random = np.random.default_rng(0)
    for i in range(12):
        path = root / "ab"[i % 2] / f"{i}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(draw(random), ending, **options))
    return root


def integers(largest: int, shape=(20, 20), kind=np.uint16):
    return lambda random: random.integers(0, largest + 1, shape).astype(kind)


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("shape", [(20, 20), (20, 20, 3)])
@pytest.mark.parametrize(
    ("largest", "white"), [(250, 255), (1000, 1023), (4090, 4095), (16_000, 16_383), (65_000, 65_535)]
)
def test_the_range_of_16_bits_is_measured_in_whole_bits(tmp_path, largest, white, shape, ending):
    split = load_data(make_set(tmp_path, integers(largest, shape), ending)).splits["train"]
    measured = measure_levels(split)
    assert measured.levels == Levels(0, white) and f"{white:,}" in measured.words
    pixels = decode_pixels(split.images[0].read_bytes(), levels=measured.levels)
    assert pixels.shape == shape and len(np.unique(pixels)) > 120 and pixels.max() > 200


@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"byteorder": ">", "compression": "zlib"}])
@pytest.mark.parametrize(
    ("draw", "levels"),
    [
        (lambda random: random.uniform(0, 1, (20, 20)).astype(np.float32), Levels(0, 1)),
        (lambda random: random.uniform(0, 0.2, (20, 20)).astype(np.float32), None),
        (lambda random: random.uniform(-1000, 3000, (20, 20)).astype(np.float32), None),
        (lambda random: random.uniform(0, 250, (20, 20)).astype(np.float32), Levels(0, 255)),
        (lambda random: random.integers(-1024, 3072, (20, 20)).astype(np.int16), None),
        (lambda random: random.integers(-1024, 3072, (20, 20)).astype(np.int32), None),
        (lambda random: random.integers(0, 4_000_000_000, (20, 20)).astype(np.uint32), None),
    ],
)
def test_other_numbers_have_their_measured_ends(tmp_path, draw, levels, options):
    random = np.random.default_rng(0)
    whole = np.stack([draw(random) for _ in range(12)]).astype(np.float64)
    if whole.max() > 1 << 31 and options:
        options = {}  # Pillow does not know that kind
    split = load_data(make_set(tmp_path, draw, "tif", **options)).splits["train"]
    measured = measure_levels(split)
    low, high = (levels or measured.levels)[:2]
    assert measured.levels == Levels(low, high, "numbers") and low <= max(whole.min(), 0) and high >= 0.9 * whole.max()
    found = decode_pixels(split.images[0].read_bytes(), levels=measured.levels)
    stored = tifffile.imread(split.images[0]).astype(np.float64)
    assert np.abs(found - (stored - low) / (high - low) * 255).max() < 1.01
    assert found.min() < 20 and found.max() > 200


def test_a_few_values_far_apart_do_not_make_all_others_black(tmp_path):
    def draw(random):
        values = random.uniform(0, 1, (100, 100)).astype(np.float32)
        values[0, 0] = 1e6
        return values

    split = load_data(make_set(tmp_path, draw, "tif")).splits["train"]
    measured = measure_levels(split)
    assert (
        measured.levels.white <= 1.0
        and "lie outside and are cut off" in measured.words
        and "1,000,000" in measured.words
    )


def test_what_no_range_can_hold_is_named(tmp_path):
    levels = Levels(0, 4095)
    with pytest.raises(UnreadableImage, match="3 of 64 values are not numbers"):
        values = np.zeros((8, 8), np.float32)
        values[0, :3] = np.nan
        decode_pixels(encoded(values, "tif"), levels=Levels(0, 1, "both"))
    with pytest.raises(UnreadableImage, match=r"values from 60,000 to 60,000, of which 100% lie outside .* 0 to 4,095"):
        decode_pixels(encoded(np.full((8, 8), 60_000, np.uint16), "png"), levels=levels)
    with pytest.raises(UnreadableImage, match="16 bits per channel that use less than a quarter"):
        decode_pixels(encoded(np.full((8, 8), 4000, np.uint16), "png"))
    with pytest.raises(UnreadableImage, match="floating-point pixels, whose range is unknown"):
        decode_pixels(encoded(np.ones((8, 8), np.float32), "tif"))
    make_set(tmp_path, integers(60_000))
    (tmp_path / "a" / "float.tif").write_bytes(encoded(np.ones((8, 8), np.float32), "tif"))
    measured = measure_levels(load_data(tmp_path).splits["train"])
    assert measured.levels == Levels(0, 65_535)
    assert "no scale serves the others, such as 'a/float.tif', 0 to 1" in measured.words
    with pytest.raises(UnreadableImage, match="floating-point pixels, whose range is unknown"):
        decode_pixels((tmp_path / "a" / "float.tif").read_bytes(), levels=measured.levels)


def test_the_mark_of_missing_values_is_no_value(tmp_path):
    values = np.random.default_rng(0).uniform(100, 200, (8, 8)).astype(np.float32)
    values[:4] = -9999
    content = encoded(values, "tif", extratags=[(42113, 2, 0, "-9999", True)])
    pixels = decode_pixels(content, levels=Levels(100, 200, "numbers"))
    assert (pixels[:4] == pixels[4:].min()).all() and pixels.max() > 230


def test_files_of_8_bits_among_them_keep_their_values(tmp_path):
    root = make_set(tmp_path, integers(4095))
    whole = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(whole).save(root / "a" / "plain.png")
    levels = measure_levels(load_data(root).splits["train"]).levels
    assert levels == Levels(0, 4095)
    assert np.array_equal(decode_pixels((root / "a" / "plain.png").read_bytes(), levels=levels), whole)


def test_the_range_goes_with_the_preprocessing():
    plain = Preprocess((1, 8, 8))
    assert "white" not in plain.to_dict() and Preprocess.from_dict(plain.to_dict()) == plain
    for levels in (Levels(0, 4095), Levels(-1000.5, 3000, "numbers")):
        deep = Preprocess((1, 8, 8), levels=levels)
        assert Preprocess.from_dict(deep.to_dict()) == deep
    of_12_bits = Preprocess((1, 8, 8), levels=Levels(0, 4095))
    array = np.full((8, 8), 2048, np.uint16)
    for image in (array, Image.fromarray(array), encoded(array, "png")):
        assert int(image_pixels(image, of_12_bits)[0, 0, 0]) == 128
    assert int(image_pixels(np.full((8, 8), 20_560, np.uint16), plain)[0, 0, 0]) == 80


def test_what_is_clear_and_turned_stays_so_in_deep_colour():
    values = np.random.default_rng(0).integers(0, 4096, (6, 9, 3)).astype(np.uint16)
    content = deep_png(values)
    clear = encoded(values, "tif")
    assert np.array_equal(decode_pixels(content, levels=Levels(0, 4095)), decode_pixels(clear, levels=Levels(0, 4095)))
    with_alpha = np.dstack([values, np.full((6, 9), 65_535, np.uint16)])
    with_alpha[0, 0, 3] = 0
    pixels = decode_pixels(encoded(with_alpha, "tif", extrasamples=["unassalpha"]), levels=Levels(0, 4095))
    assert (pixels[0, 0] == 255).all() and np.abs(pixels[1:] - values[1:] / 4095 * 255).max() <= 1
