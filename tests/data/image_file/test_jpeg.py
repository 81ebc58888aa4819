"""Ordinary JPEG files get the same pixels from libjpeg-turbo as from Pillow; all others are left to Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from convscope.data.image_file import UnreadableImage, decode, decode_pixels, decoder
from convscope.data.image_file.jpeg import decode_plain_jpeg

# Pillow warns about damaged EXIF, which is the point of some tests.
pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF")


def photo(mode: str = "RGB", size: tuple[int, int] = (203, 151)) -> Image.Image:
    return Image.fromarray(load_sample_image("flower.jpg")).resize(size).convert(mode)


def encoded(image: Image.Image, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG", **{"quality": 85, **options})
    return content.getvalue()


def decode_plain(content: bytes, longest_side: int | None = None) -> np.ndarray | None:
    return decode_plain_jpeg(Image.open(io.BytesIO(content)), content, longest_side)


@pytest.mark.parametrize("size", [(203, 151), (1, 1), (7, 300), (16, 16), (33, 2)])
@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"subsampling": "4:4:4"}),
        ("RGB", {"subsampling": "4:2:2"}),
        ("RGB", {"subsampling": "4:2:0"}),
        ("RGB", {"progressive": True}),
        ("RGB", {"optimize": True, "quality": 5}),
        ("RGB", {"keep_rgb": True}),
        ("RGB", {"restart_marker_blocks": 1}),
        ("L", {}),
    ],
)
def test_the_same_pixels_as_pillow(mode, options, size):
    content = encoded(photo(mode, size), **options)
    pixels = decode_plain(content)
    assert pixels is not None
    expected = np.asarray(Image.open(io.BytesIO(content)))
    assert pixels.shape == expected.shape
    assert (pixels == expected).all()
    assert (decode_pixels(content) == expected).all()


def test_an_ordinary_photo_is_not_decoded_twice(monkeypatch):
    monkeypatch.setattr(decoder, "decode", None)
    assert decode_pixels(encoded(photo()), 100).shape == (151, 203, 3)


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(photo(), exif=exif)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_photo_to_be_rotated_is_left_to_pillow(orientation):
    content = turned(orientation)
    assert decode_plain(content) is None
    assert (decode_pixels(content) == np.asarray(decode(content))).all()


def test_an_upright_photo_with_exif_is_ordinary():
    assert decode_plain(turned(1)) is not None


@pytest.mark.parametrize("damaged", [b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"])
def test_damaged_exif_is_ignored(damaged):
    content = encoded(photo(), exif=damaged)
    assert (decode_pixels(content) == np.asarray(decode(content))).all()


def test_cmyk_is_left_to_pillow():
    content = encoded(photo("CMYK"))
    assert decode_plain(content) is None
    assert (decode_pixels(content) == np.asarray(decode(content))).all()


def test_decoding_at_reduced_size_is_left_to_pillow():
    content = encoded(photo(size=(400, 300)))
    assert decode_plain(content, 76) is not None
    assert decode_plain(content, 75) is None
    assert (decode_pixels(content, 75) == np.asarray(decode(content, 75))).all()


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_cut_off_photo_is_refused_as_pillow_refuses_it(mode, share):
    content = encoded(photo(mode))
    content = content[: int(len(content) * share)]
    with pytest.raises(UnreadableImage) as expected:
        decode(content)
    with pytest.raises(UnreadableImage) as got:
        decode_pixels(content)
    assert str(got.value) == str(expected.value)


def test_damaged_photos_give_what_pillow_gives():
    whole = encoded(photo())
    random = np.random.default_rng(0)
    for _ in range(200):
        content = bytearray(whole)
        for at in random.integers(20, len(whole), 3):
            content[at] = random.integers(256)
        ours = outcome(decode_pixels, bytes(content))
        if "premature end" not in ours:  # missing pixels, which Pillow fills up
            assert ours == outcome(lambda c: np.asarray(decode(c)), bytes(content))


def outcome(reader, content: bytes) -> object:
    try:
        pixels = reader(content)
    except UnreadableImage as problem:
        return str(problem)
    return pixels.shape, pixels.tobytes()
