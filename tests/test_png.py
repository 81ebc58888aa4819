"""Pictures as PNG."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from convscope.png import png_bytes, png_url


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3)])
def test_an_array_comes_back(shape):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(png_bytes(array)))) == array.squeeze()).all()
    assert base64.b64decode(png_url(array).partition(",")[2]) == png_bytes(Image.fromarray(array.squeeze()))
