"""Decode an encoded image of any supported format to gray or RGB pixels."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .complete import require_all_png_rows, require_jpeg_end
from .content import check_file, read_bytes
from .header import check_size, open_image
from .item import EmbeddedImage
from .jpeg import decode_plain_jpeg
from .modes import (
    HIGH_DEPTH,
    WHITE_16_BITS,
    correct_pixel_values,
    has_deep_colour,
    has_one_channel,
    reject_faint_colour,
    reject_misread_tiff,
    scale_transparency,
    to_gray_or_rgb,
)
from .unreadable import UnreadableImage, reason

TILE_WIDTH, TILE_LENGTH = 322, 323  # tags of TIFF
JPEG2000_SIZE_MARKER = b"\xff\x4f\xff\x51"  # start of codestream, then image and tile size


def read_image(item: str | os.PathLike[str] | EmbeddedImage, longest_side: int | None = None) -> Image.Image:
    """Read and `decode` the image in a file; UnreadableImage with the reason if there is none."""
    return decode(read_bytes(item), longest_side)


def decode(content: bytes, longest_side: int | None = None, white: int = WHITE_16_BITS) -> Image.Image:
    """Decode the first frame of an encoded image: upright, mode L (gray) or RGB, transparency over white.

    `longest_side` is for a caller that will resize the result so that its shorter side is at most that: a JPEG more
    than four times as large is then decoded at a half, a quarter or an eighth of its size, never below twice that side.
    `white` is the value that stands for white in gray images of 16 bits.
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
        reject_misread_tiff(image)
        if longest_side is not None and image.format in ("JPEG", "MPO"):
            image.draft(None, (2 * longest_side, 2 * longest_side))
        gray, deep_colour = has_one_channel(image), image.format == "PNG" and has_deep_colour(image)
        image.load()
        if deep_colour:
            reject_faint_colour(image)
        if image.format == "PNG":
            require_all_png_rows(image, content)
        elif image.format in ("JPEG", "MPO"):
            require_jpeg_end(image, content)
        image = correct_pixel_values(image)
        return to_gray_or_rgb(_upright(image.convert("LA") if gray and image.mode == "RGBA" else image), white)
    except UnreadableImage:
        raise
    except Exception as problem:  # Pillow's plug-ins raise whatever a parser can raise
        raise UnreadableImage(f"damaged {image.format} ({reason(problem)})") from problem


def decode_pixels(content: bytes, longest_side: int | None = None, white: int = WHITE_16_BITS) -> np.ndarray:
    """Decode as `decode` does, to a uint8 array H x W (gray) or H x W x 3; faster for an ordinary JPEG."""
    pixels = decode_plain_jpeg(open_image(io.BytesIO(content)), content, longest_side)
    return np.asarray(decode(content, longest_side, white)) if pixels is None else pixels


def is_gray(item: str | os.PathLike[str] | EmbeddedImage) -> bool | None:
    """Whether an image's header says that it has one channel; None if the header cannot be read."""
    try:
        if isinstance(item, EmbeddedImage):
            return has_one_channel(open_image(io.BytesIO(item.read())))
        check_file(item)
        with Path(item).open("rb") as file:
            return has_one_channel(open_image(file))
    except (OSError, UnreadableImage):
        return None


def largest_deep_value(item: str | os.PathLike[str] | EmbeddedImage) -> int | None:
    """Return the largest value in a gray image of 16 bits; None for any other image, of which the header is read."""
    if not isinstance(item, EmbeddedImage):
        check_file(item)
        with Path(item).open("rb") as file:
            if open_image(file).mode not in HIGH_DEPTH:
                return None
    image = open_image(io.BytesIO(read_bytes(item)))
    try:
        reject_misread_tiff(image)
        image.load()
        image = correct_pixel_values(image)
    except UnreadableImage:
        raise
    except Exception as problem:
        raise UnreadableImage(f"damaged {image.format} ({reason(problem)})") from problem
    return int(np.asarray(image).max()) if image.mode in HIGH_DEPTH else None


def _check_inner_size(image: Image.Image, content: bytes) -> None:
    """Check the second size that two formats state, for which their decoder allocates memory."""
    if image.format == "TIFF":
        check_size(*(image.tag_v2.get(tag, 1) for tag in (TILE_WIDTH, TILE_LENGTH)))  # type: ignore[attr-defined]
    elif image.format == "JPEG2000" and (at := content.find(JPEG2000_SIZE_MARKER)) >= 0:
        check_size(*(int.from_bytes(content[at + i : at + i + 4], "big") for i in (8, 12)))


def _upright(image: Image.Image) -> Image.Image:
    with suppress(Exception):  # damaged EXIF gives no orientation
        ImageOps.exif_transpose(image, in_place=True)
    return image
