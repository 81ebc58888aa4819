"""Decode one image to the pixels that training keeps: the step shared by memory, cache and streaming."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

import numpy as np

from ..image_file import ImageItem, UnreadableImage, decode_pixels, fingerprint, read_bytes
from ..moments import image_moments
from ..preprocess import Preprocess

# An image before preprocessing: a file or part of one, its encoded bytes, or uint8 pixels H x W or H x W x 3.
RawImage = ImageItem | bytes | np.ndarray


@dataclass
class DecodedImage:
    """Preprocessed uint8 pixels H x W x C of one image.

    `digest` is that of the encoded image; `moments` are the sums of values and of squared values, int64 2 x C.
    """

    pixels: np.ndarray
    digest: bytes
    moments: np.ndarray


def read_content(image: RawImage) -> tuple[bytes, bytes]:
    """Return the encoded image (of an array, its values) and its digest; UnreadableImage with the reason."""
    if isinstance(image, np.ndarray):
        content = _array_content(image)
    else:
        content = image if isinstance(image, bytes) else read_bytes(image)
    return content, digest_of(content)


def decode_content(image: RawImage, content: bytes, digest: bytes, preprocess: Preprocess) -> DecodedImage:
    """Decode and preprocess what `read_content` returned for `image`."""
    array = (
        image if isinstance(image, np.ndarray) else decode_pixels(content, preprocess.longest_side, preprocess.levels)
    )
    pixels = preprocess.array(array)
    return DecodedImage(pixels, digest, image_moments(pixels))


def decode_image(image: RawImage, preprocess: Preprocess) -> DecodedImage | str:
    """Read, decode and preprocess an image; return the reason as text if it cannot be used."""
    try:
        return decode_content(image, *read_content(image), preprocess)
    except UnreadableImage as problem:
        return str(problem)
    except MemoryError:
        return "does not fit into memory"


def cache_key(image: RawImage) -> bytes | None:
    """Return 16 bytes that change when the image does, without reading a file; None if the image cannot be used."""
    if isinstance(image, bytes):
        return digest_of(image)
    if isinstance(image, np.ndarray):
        return digest_of(_array_content(image))
    try:
        return digest_of(os.fsencode(fingerprint(image)))
    except UnreadableImage:
        return None


def digest_of(content: bytes) -> bytes:
    """Return a digest of 16 bytes."""
    return hashlib.blake2b(content, digest_size=16).digest()


def _array_content(array: np.ndarray) -> bytes:
    return repr(array.shape).encode() + array.tobytes()
