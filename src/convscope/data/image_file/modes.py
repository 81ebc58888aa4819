"""Convert every pixel mode that Pillow has to 8-bit gray or RGB, with the values that the file means."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops

from .unreadable import UnreadableImage

WHITE_16_BITS = 65535
HIGH_DEPTH = {"I;16", "I;16L", "I;16B", "I;16N", "I"}
GRAY_MODES = HIGH_DEPTH | {"1", "L", "LA", "La", "F"}
# Values of 8 bits; where all are below it, 16 bits hold data of fewer bits.
FAINT = 64
# Tags of TIFF.
BITS_PER_SAMPLE, PHOTOMETRIC, PLANAR_CONFIGURATION, SAMPLE_FORMAT = 258, 262, 284, 339


def to_gray_or_rgb(image: Image.Image, white: int = WHITE_16_BITS) -> Image.Image:
    """Convert an image of any mode to L or RGB with 8 bits: transparency over white, gray of 16 bits scaled to 8.

    `white` is the value of 16-bit gray images that becomes 255; larger ones do too.
    """
    if image.mode in HIGH_DEPTH:
        values = np.asarray(image)
        if values.size and (values.min() < 0 or values.max() > 65535):
            raise UnreadableImage("integer pixels outside 0..65535, whose range is unknown")
        scaled = _to_8_bits(np.minimum(values, white), white)
        if isinstance(clear := image.info.get("transparency"), int):
            scaled[values == clear] = 255
        return Image.fromarray(scaled)
    if image.mode == "F":
        raise UnreadableImage("floating-point pixels, whose range is unknown")
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


def _to_8_bits(values: np.ndarray, white: int) -> np.ndarray:
    return ((values.astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8)


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
    if 2 in tags.get(SAMPLE_FORMAT, ()):
        raise UnreadableImage("signed integer pixels, whose range is unknown")
    if tags.get(PLANAR_CONFIGURATION) == 2 and len(bits := tags.get(BITS_PER_SAMPLE, ())) > 1 and max(bits) > 8:
        raise UnreadableImage("16 bits per channel with the channels stored apart, which Pillow cannot read")


def has_deep_colour(image: Image.Image) -> bool:
    """Whether a PNG that is not loaded yet has 16 bits per channel of which Pillow keeps the upper eight."""
    tile = image.tile[0][3] if image.tile else None  # type: ignore[attr-defined]
    return isinstance(tile, str) and tile in ("RGB;16B", "RGBA;16B", "LA;16B")


def reject_faint_colour(image: Image.Image) -> None:
    """Raise UnreadableImage if the upper eight of 16 bits per channel hold nearly nothing: data of 8 to 14 bits.

    Of 12 bits, 16 values would be left, all nearly black.
    """
    highest = max(high for _, high in _extrema(image)[:3])
    if 0 < highest < FAINT:
        raise UnreadableImage(
            "16 bits per channel that use less than a quarter of their range, of which 8 bits are read: convert it to "
            "8 bits per channel"
        )


def _extrema(image: Image.Image) -> tuple[tuple[int, int], ...]:
    return image.convert("RGB").getextrema()  # type: ignore[return-value]


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
    if image.format == "TIFF" and image.mode == "I":
        raise UnreadableImage("signed or 32-bit integer pixels, whose range is unknown")
    if image.format == "TIFF" and image.mode in HIGH_DEPTH:
        bits = image.tag_v2.get(BITS_PER_SAMPLE, (16,))[0]  # type: ignore[attr-defined]
        white_is_zero = image.tag_v2.get(PHOTOMETRIC) == 0  # type: ignore[attr-defined]
        if bits < 16 or white_is_zero:
            values = np.asarray(image).astype(np.uint32) * 65535 // ((1 << bits) - 1)
            # The file says what white is, so the range that was measured for others does not concern it.
            return Image.fromarray(_to_8_bits(65535 - values if white_is_zero else values, 65535))
    return image
