"""One image, from what it lies in to a row of pixels: the step that every way of keeping images shares."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..image_file import Stored, UnreadableImage, decode_pixels, fingerprint, read_bytes
from ..preprocess import Preprocess, image_moments

Source = Path | Stored | bytes | np.ndarray


@dataclass
class Row:
    """Pixels H x W x C, uint8; a digest of the encoded image; sums of the values and of their squares, 2 x C."""

    pixels: np.ndarray
    digest: bytes
    moments: np.ndarray


def read_content(source: Source) -> tuple[bytes, bytes]:
    """The encoded image (of an array, its values) and its digest; UnreadableImage with the reason if there is none."""
    content = source if isinstance(source, bytes) else _values(source) if isinstance(source, np.ndarray) else None
    if content is None:
        content = read_bytes(source)  # type: ignore[arg-type]
    return content, digest_of(content)


def make_row(source: Source, content: bytes, digest: bytes, preprocess: Preprocess) -> Row:
    """What `read_content` gave, decoded."""
    plain = isinstance(source, np.ndarray)
    pixels = preprocess.array(source if plain else decode_pixels(content, preprocess.longest_side))  # type: ignore[arg-type]
    return Row(pixels, digest, image_moments(pixels))


def read_row(source: Source, preprocess: Preprocess) -> Row | str:
    """An image's row, or the reason why it cannot be used."""
    try:
        return make_row(source, *read_content(source), preprocess)
    except UnreadableImage as problem:
        return str(problem)
    except MemoryError:
        return "does not fit into memory"


def key_of(source: Source) -> bytes | None:
    """16 bytes that change when the image does, from what is quick to learn; None if that says it cannot be used."""
    if isinstance(source, bytes | np.ndarray):
        return digest_of(source if isinstance(source, bytes) else _values(source))
    try:
        return digest_of(os.fsencode(fingerprint(source)))
    except UnreadableImage:
        return None


def digest_of(content: bytes) -> bytes:
    """16 bytes that stand for the content."""
    return hashlib.blake2b(content, digest_size=16).digest()


def _values(array: np.ndarray) -> bytes:
    return repr(array.shape).encode() + array.tobytes()
