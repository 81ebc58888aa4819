"""Decode an encoded image of any supported format to gray or RGB pixels."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .complete import require_all_png_rows, require_jpeg_end, require_png_checksums
from .content import check_file, read_bytes
from .deep import (
    DEEP_GRAY,
    WHOLE_16_BITS,
    Levels,
    colour_values,
    gray_values,
    has_deep_colour,
    is_integer_16,
    reject_faint,
    unpack_lower_bytes,
    unpack_natively,
    with_colour,
)
from .header import check_size, open_image
from .item import EmbeddedImage
from .jpeg import decode_plain_jpeg
from .modes import (
    correct_pixel_values,
    has_one_channel,
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


def decode(content: bytes, longest_side: int | None = None, levels: Levels | None = None) -> Image.Image:
    """Decode the first frame of an encoded image: upright, mode L (gray) or RGB, transparency over white.

    `longest_side` is for a caller that will resize the result so that its shorter side is at most that: a JPEG more
    than four times as large is then decoded at a half, a quarter or an eighth of its size, never below twice that side.
    `levels` are the values that become black and white in images of more than 8 bits per channel. Without them, 16 bits
    in full use are taken as they are, and other ranges are refused.
    Raises UnreadableImage with a one-line reason for anything damaged, unknown or larger than `MAX_PIXELS`.
    """
    return _decode(open_image(io.BytesIO(content)), content, longest_side, levels)


def _decode(image: Image.Image, content: bytes, longest_side: int | None, levels: Levels | None) -> Image.Image:
    """Decode an image that has been opened but not loaded."""
    try:
        if image.format == "PNG":
            require_png_checksums(image, content)
            scale_transparency(image)
        gray, deep_colour = has_one_channel(image), has_deep_colour(image)
        if longest_side is not None and image.format in ("JPEG", "MPO"):
            image.draft(None, (2 * longest_side, 2 * longest_side))
        _load(image, content)
        if image.format == "PNG":
            require_all_png_rows(image, content)
        elif image.format in ("JPEG", "MPO"):
            require_jpeg_end(image, content)
        image = _scaled_colour(image, content, levels) if deep_colour else correct_pixel_values(image)
        return to_gray_or_rgb(_upright(image.convert("LA") if gray and image.mode == "RGBA" else image), levels)
    except UnreadableImage:
        raise
    except Exception as problem:  # Pillow's plug-ins raise whatever a parser can raise
        raise UnreadableImage(f"damaged {image.format} ({reason(problem)})") from problem


def decode_pixels(content: bytes, longest_side: int | None = None, levels: Levels | None = None) -> np.ndarray:
    """Decode as `decode` does, to a uint8 array H x W (gray) or H x W x 3; faster for an ordinary JPEG."""
    image = open_image(io.BytesIO(content))
    pixels = decode_plain_jpeg(image, content, longest_side)
    return np.asarray(_decode(image, content, longest_side, levels)) if pixels is None else pixels


def _load(image: Image.Image, content: bytes) -> None:
    _check_inner_size(image, content)
    reject_misread_tiff(image)
    unpack_natively(image)
    image.load()


def _scaled_colour(image: Image.Image, content: bytes, levels: Levels | None) -> Image.Image:
    """Return a loaded image of 16 bits per channel, of which Pillow has kept the upper eight, scaled to `levels`."""
    if levels == WHOLE_16_BITS:
        return image
    if levels is not None and levels.kinds == "numbers":
        levels = None
    values, clear = _deep_colours(image, content) if levels else (None, None)
    if values is None or levels is None:
        highest = max(high for _, high in image.convert("RGB").getextrema())  # type: ignore[misc]
        reject_faint(highest, highest > 0)
        return image
    return with_colour(image, values, levels, clear)


def _deep_colours(image: Image.Image, content: bytes) -> tuple[np.ndarray | None, tuple[int, ...] | None]:
    """Return all 16 bits of a loaded colour image, H x W x 3, and its transparent colour; None where there is none."""
    lower = open_image(io.BytesIO(content))
    clear = lower.info.get("transparency")
    if not unpack_lower_bytes(lower):
        return None, None
    _load(lower, content)
    return colour_values(image, lower), clear if isinstance(clear, tuple) else None


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


def deep_values(item: str | os.PathLike[str] | EmbeddedImage) -> tuple[np.ndarray, bool] | None:
    """Return the values in an image of more than 8 bits, and whether they are integers of 16 bits.

    None for any other image, of which the header is read; UnreadableImage if it cannot be read.
    """
    if not isinstance(item, EmbeddedImage):
        check_file(item)
        with Path(item).open("rb") as file:
            if not _is_deep(open_image(file)):
                return None
    content = read_bytes(item)
    image = open_image(io.BytesIO(content))
    if not (deep_colour := has_deep_colour(image)) and not _is_deep(image):
        return None
    try:
        _load(image, content)
        if deep_colour:
            values, _ = _deep_colours(image, content)
            return None if values is None else (values, True)
        image = correct_pixel_values(image)
    except UnreadableImage:
        raise
    except Exception as problem:
        raise UnreadableImage(f"damaged {image.format} ({reason(problem)})") from problem
    return (gray_values(image), is_integer_16(image)) if image.mode in DEEP_GRAY else None


def _is_deep(image: Image.Image) -> bool:
    return image.mode in DEEP_GRAY or has_deep_colour(image)


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
