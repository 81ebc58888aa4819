"""Convert every pixel mode that Pillow has to 8-bit gray or RGB, with the values that the file means."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops

from .deep import (
    BITS_PER_SAMPLE,
    DEEP_GRAY,
    PHOTOMETRIC,
    PLANAR_CONFIGURATION,
    SAMPLE_FORMAT,
    WHOLE_16_BITS,
    Levels,
    gray_to_8_bits,
    to_8_bits,
)
from .unreadable import UnreadableImage

GRAY_MODES = DEEP_GRAY | {"1", "L", "LA", "La"}


def to_gray_or_rgb(image: Image.Image, levels: Levels | None = None) -> Image.Image:
    """Convert an image of any mode to L or RGB with 8 bits: transparency over white, more than 8 bits scaled.

    `levels` are the values that become 0 and 255 in gray images of more than 8 bits, None if no range was measured.
    """
    if image.mode in DEEP_GRAY:
        return gray_to_8_bits(image, levels)
    if image.mode in ("LA", "La"):
        return _over_white(image.convert("LA"), "L")
    if image.mode in ("RGBA", "RGBa", "PA") or "transparency" in image.info:
        gray = image.mode in ("1", "L")
        return _over_white(image.convert("LA" if gray else "RGBA"), "L" if gray else "RGB")
    if image.mode in ("L", "RGB"):
        return image
    if image.mode == "1":
        return image.convert("L")
    try:
        return image.convert("RGB")
    except (ValueError, OSError) as problem:
        raise UnreadableImage(f"pixel format {image.mode}, which Pillow cannot convert") from problem


def _over_white(image: Image.Image, mode: str) -> Image.Image:
    white = Image.new(mode, image.size, 255 if mode == "L" else (255, 255, 255))
    white.paste(image.convert(mode), mask=image.getchannel("A"))
    return white


def has_one_channel(image: Image.Image) -> bool:
    """Whether an image that is not loaded yet is gray. Pillow opens 16-bit gray with transparency as colour."""
    deep = image.format == "PNG" and image.tile and image.tile[0][3] == "LA;16B"  # type: ignore[attr-defined]
    return bool(image.mode in GRAY_MODES or deep)


def reject_misread_tiff(image: Image.Image) -> None:
    """Raise UnreadableImage for the two kinds of TIFF whose pixel values Pillow would silently get wrong."""
    if image.format != "TIFF":
        return
    tags = image.tag_v2  # type: ignore[attr-defined]
    bits = tags.get(BITS_PER_SAMPLE, ())
    if 2 in tags.get(SAMPLE_FORMAT, ()) and max(bits, default=8) <= 8:
        raise UnreadableImage("signed integer pixels of 8 bits, which Pillow cannot read")
    if tags.get(PLANAR_CONFIGURATION) == 2 and len(bits) > 1 and max(bits) > 8:
        raise UnreadableImage("16 bits per channel with the channels stored apart, which Pillow cannot read")


def scale_transparency(image: Image.Image) -> None:
    """Scale a PNG's transparent colour, given in the file's own depth, to the 8 bits that Pillow compares it with."""
    clear, depth = image.info.get("transparency"), image.tile[0][3]  # type: ignore[attr-defined]
    if isinstance(clear, int) and depth in ("L;2", "L;4"):
        image.info["transparency"] = clear * (85 if depth == "L;2" else 17)
    elif isinstance(clear, tuple) and depth == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in clear)


def correct_pixel_values(image: Image.Image) -> Image.Image:
    """Return a loaded image with the values that its file means, where Pillow interprets them otherwise."""
    if image.format in ("JPEG", "MPO") and image.mode == "CMYK" and "adobe" not in image.info:
        return ImageChops.invert(image)  # only Adobe stores ink inverted; Pillow assumes that every file does
    if image.format == "TIFF" and image.mode in DEEP_GRAY - {"I", "F"}:
        bits = image.tag_v2.get(BITS_PER_SAMPLE, (16,))[0]  # type: ignore[attr-defined]
        white_is_zero = image.tag_v2.get(PHOTOMETRIC) == 0  # type: ignore[attr-defined]
        if bits < 16 or white_is_zero:
            values = np.asarray(image).astype(np.uint32) * 65535 // ((1 << bits) - 1)
            # The file says what white is, so the range that was measured for others does not concern it.
            return Image.fromarray(to_8_bits(65535 - values if white_is_zero else values, WHOLE_16_BITS))
    return image
