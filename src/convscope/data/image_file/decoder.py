"""Encoded images -> pixels, whatever they hold."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .content import Stored, check_file, read_bytes
from .header import check_size, open_image
from .jpeg import plain_jpeg
from .modes import as_meant, check_numbers, says_gray, scale_transparency, to_gray_or_rgb
from .unreadable import UnreadableImage, reason


def read_image(item: str | os.PathLike[str] | Stored, longest_side: int | None = None) -> Image.Image:
    """A file's picture as `decode` gives it; UnreadableImage with the reason if there is none."""
    return decode(read_bytes(item), longest_side)


def decode(content: bytes, longest_side: int | None = None) -> Image.Image:
    """The first frame of an encoded image, upright, as mode L (gray) or RGB, transparency over white.

    A caller that will resize it, so that its shorter side is at most `longest_side`, says so: a JPEG that is more than
    four times as large is then decoded at a half, a quarter or an eighth of its size, never below twice that side.
    Raises UnreadableImage with a one-line reason for anything damaged, unknown or larger than `MAX_PIXELS`.
    """
    image = open_image(io.BytesIO(content))
    try:
        if image.format == "PNG":
            # The decoder skips the checksums of pixel data; verify() reads them, and then needs a fresh image.
            image.verify()
            image = open_image(io.BytesIO(content))
            scale_transparency(image)
        _check_inner_size(image, content)
        check_numbers(image)
        if longest_side is not None and image.format in ("JPEG", "MPO"):
            image.draft(None, (2 * longest_side, 2 * longest_side))
        gray = says_gray(image)
        image.load()
        image = as_meant(image)
        return to_gray_or_rgb(_upright(image.convert("LA") if gray and image.mode == "RGBA" else image))
    except UnreadableImage:
        raise
    except Exception as problem:  # Pillow's plug-ins raise whatever a parser can raise
        raise UnreadableImage(f"damaged {image.format} ({reason(problem)})") from problem


def decode_pixels(content: bytes, longest_side: int | None = None) -> np.ndarray:
    """What `decode` gives, as a uint8 array H x W (gray) or H x W x 3, and quicker for an ordinary JPEG."""
    pixels = plain_jpeg(open_image(io.BytesIO(content)), content, longest_side)
    return np.asarray(decode(content, longest_side)) if pixels is None else pixels


def is_gray(item: str | os.PathLike[str] | Stored) -> bool | None:
    """Whether an image's header says that it has one channel; None if it has none that can be read."""
    try:
        if isinstance(item, Stored):
            return says_gray(open_image(io.BytesIO(item.read())))
        check_file(item)
        with Path(item).open("rb") as file:
            return says_gray(open_image(file))
    except (OSError, UnreadableImage):
        return None


def _check_inner_size(image: Image.Image, content: bytes) -> None:
    """Two formats state a second size, and it is this one that the decoder makes room for."""
    if image.format == "TIFF":
        check_size(*(image.tag_v2.get(tag, 1) for tag in (322, 323)))  # type: ignore[attr-defined]
    elif image.format == "JPEG2000" and (at := content.find(b"\xff\x4f\xff\x51")) >= 0:  # where the codestream begins
        check_size(*(int.from_bytes(content[at + i : at + i + 4], "big") for i in (8, 12)))


def _upright(image: Image.Image) -> Image.Image:
    with suppress(Exception):  # damaged EXIF says nothing about which way is up
        ImageOps.exif_transpose(image, in_place=True)
    return image
