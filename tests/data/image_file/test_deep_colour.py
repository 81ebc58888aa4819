"""PNG files with 16 bits per channel: the upper eight are read, and data of fewer bits is named, not shown as black."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from convscope.data.image_file import UnreadableImage, decode


def deep_png(values: np.ndarray) -> bytes:
    """Encode H x W x 3 values of 16 bits."""
    height, width, _ = values.shape

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def values(most: int) -> np.ndarray:
    return np.linspace(0, most, 8 * 8 * 3).reshape(8, 8, 3).astype(np.uint16)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_data_of_fewer_bits_is_named(bits):
    with pytest.raises(UnreadableImage, match=r"16 bits per channel that use less than a quarter .* convert it to 8"):
        decode(deep_png(values((1 << bits) - 1)))


@pytest.mark.parametrize("most", [65535, 40000])
def test_data_of_16_bits_is_read(most):
    pixels = np.asarray(decode(deep_png(values(most))))
    assert np.abs(pixels - values(most) / 257).max() <= 1


def test_a_black_picture_is_one():
    assert not np.asarray(decode(deep_png(values(0)))).any()
