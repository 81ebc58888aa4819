"""Images of 10 to 14 bits stored with 16: the range is measured once for the data set and goes with the bundle."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from convscope.data import Preprocess, load_data
from convscope.data.gray_range import measure_white
from convscope.data.image_file import decode_pixels


def make_set(root, largest: int, ending: str = "png"):
    random = np.random.default_rng(0)
    for i in range(12):
        values = random.integers(0, largest + 1, (20, 20)).astype(np.uint16)
        path = root / "ab"[i % 2] / f"{i}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path)
    return root


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize(
    ("largest", "white"), [(250, 255), (1000, 1023), (4090, 4095), (16_000, 16_383), (65_000, 65_535)]
)
def test_the_range_is_measured_in_whole_bits(tmp_path, largest, white, ending):
    split = load_data(make_set(tmp_path, largest, ending)).splits["train"]
    assert measure_white(split) == white
    pixels = decode_pixels(split.images[0].read_bytes(), white=white)
    assert len(np.unique(pixels)) > 120 and pixels.max() > 200


def test_files_of_8_bits_among_them_keep_their_values(tmp_path):
    root = make_set(tmp_path, 4095)
    whole = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(whole).save(root / "a" / "plain.png")
    assert measure_white(load_data(root).splits["train"]) == 4095
    assert np.array_equal(decode_pixels((root / "a" / "plain.png").read_bytes(), white=4095), whole)


def test_old_preprocessing_divides_by_257():
    old = Preprocess((1, 8, 8)).to_dict()
    assert "white" not in old and Preprocess.from_dict(old).white == 65_535
    deep = Preprocess((1, 8, 8), white=4095)
    assert Preprocess.from_dict(deep.to_dict()) == deep
    image = Image.fromarray(np.full((8, 8), 2048, np.uint16))
    assert int(deep.pixels(image)[0, 0, 0]) == 128 and int(Preprocess((1, 8, 8)).pixels(image)[0, 0, 0]) == 8
