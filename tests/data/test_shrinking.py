"""Shrinking without torch gives torch's pixels, to the bit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from convscope.data.shrinking import by_numpy, by_torch


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_numpy_gives_the_pixels_of_torch(interpolation):
    generator = np.random.default_rng(0)
    sides = [(300, 299), (300, 7), (224, 223), (97, 48), (33, 1), (500, 12)]
    for height, new_height in sides:
        for width, new_width in sides:
            picture = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
            if width == 97:  # the overshoot of bicubic weights beyond black and white
                picture = (picture // 128) * np.uint8(255)
            size = (new_width, new_height)
            ours, theirs = by_numpy(picture, size, interpolation), by_torch(picture, size, interpolation)
            assert np.array_equal(ours, theirs), (height, width, size)


def test_preprocessing_needs_no_torch():
    code = (
        "import sys, numpy as np\nfrom convscope.data.preprocess import Preprocess\n"
        "picture = np.arange(90 * 120 * 3).astype(np.uint8).reshape(90, 120, 3)\n"
        "pixels = Preprocess((3, 32, 32), (0.5,) * 3, (0.5,) * 3).array(picture)\n"
        "print('torch' in sys.modules, pixels.tobytes().hex())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    from convscope.data.preprocess import Preprocess

    picture = np.arange(90 * 120 * 3).astype(np.uint8).reshape(90, 120, 3)
    expected = Preprocess((3, 32, 32), (0.5,) * 3, (0.5,) * 3).array(picture)
    assert found == ["False", expected.tobytes().hex()]
