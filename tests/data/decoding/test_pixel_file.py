"""The file of decoded images: its layout byte for byte, with a checksum of every image."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib

import numpy as np
import pytest

from convscope.data.decoding.decoded_image import DecodedImage
from convscope.data.decoding.pixel_file import PixelFile, PixelFileWriter

PIXELS = np.arange(3 * 2 * 4 * 3, dtype=np.uint8).reshape(3, 2, 4, 3)
IMAGE_BYTES = 2 * 4 * 3


def layout(description: dict) -> bytes:
    """Build the file by hand from the description of the format in the module's docstring."""
    index = b"".join(
        bytes([i]) * 16
        + bytes([100 + i]) * 16
        + struct.pack("<6qI", *(10 * i + k for k in range(6)), zlib.crc32(PIXELS[i].tobytes()))
        for i in range(3)
    )
    about = json.dumps(description).encode()
    digest = hashlib.blake2b(index + about, digest_size=16).digest()
    tail = struct.pack("<16sqqq16s", b"convscope pixels", PIXELS.nbytes, len(index), len(about), digest)
    return PIXELS.tobytes() + index + about + tail


def image(i: int) -> DecodedImage:
    return DecodedImage(PIXELS[i], bytes([100 + i]) * 16, np.arange(10 * i, 10 * i + 6).reshape(2, 3))


def test_a_written_file_has_the_documented_layout(tmp_path):
    writer = PixelFileWriter(tmp_path / "a.pixels", tmp_path / "temporary", 3, {"source": "x"})
    assert [writer.add(bytes([i]) * 16, image(i)) for i in range(3)] == [0, 1, 2]
    file = writer.finish()
    assert (tmp_path / "a.pixels").read_bytes() == layout({"source": "x"}) and len(file) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pixels"]


def test_a_file_of_this_layout_is_read(tmp_path):
    (tmp_path / "a.pixels").write_bytes(layout({"source": "x"}))
    file = PixelFile.open(tmp_path / "a.pixels", IMAGE_BYTES)
    assert file is not None and len(file) == 3 and file.description() == {"source": "x"}
    for i in range(3):
        pixels = np.empty((2, 4, 3), np.uint8)
        file.read_into(pixels.reshape(-1).data, i)
        entry = file.entry(i, 3)
        assert np.array_equal(pixels, PIXELS[i]) and np.array_equal(entry["moments"], image(i).moments)
        assert entry["key"].tobytes() == bytes([i]) * 16 and entry["digest"].tobytes() == image(i).digest
    assert np.array_equal(file.index(3)["moments"][:, 1, 2], [5, 15, 25])


@pytest.mark.parametrize("cut", [1, 60, 200])
def test_an_unfinished_file_is_not_opened(tmp_path, cut):
    (tmp_path / "a.pixels").write_bytes(layout({"source": "x"})[:-cut])
    assert PixelFile.open(tmp_path / "a.pixels", IMAGE_BYTES) is None


def test_an_abandoned_file_leaves_nothing(tmp_path):
    writer = PixelFileWriter(tmp_path / "a.pixels", tmp_path / "temporary", 3, {})
    writer.add(bytes(16), image(0))
    writer.abandon()
    assert list(tmp_path.iterdir()) == []
