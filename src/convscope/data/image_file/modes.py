"""Every kind of pixels that Pillow has -> 8 bits of gray or of red, green and blue, as the file means them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops

from .unreadable import UnreadableImage

HIGH_DEPTH = {"I;16", "I;16L", "I;16B", "I;16N", "I"}
GRAY_MODES = HIGH_DEPTH | {"1", "L", "LA", "La", "F"}


def to_gray_or_rgb(image: Image.Image) -> Image.Image:
    """Any Pillow mode -> L or RGB with 8 bits; transparency over white; 16 bits scaled to 8."""
    if image.mode in HIGH_DEPTH:
        values = np.asarray(image)
        if values.size and (values.min() < 0 or values.max() > 65535):
            raise UnreadableImage("whole numbers outside 0..65535, whose range nobody can know")
        scaled = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
        if isinstance(clear := image.info.get("transparency"), int):
            scaled[values == clear] = 255
        return Image.fromarray(scaled)
    if image.mode == "F":
        raise UnreadableImage("floating-point pixels, whose range nobody can know")
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


def says_gray(image: Image.Image) -> bool:
    """Whether an image that is not loaded yet has one channel. Pillow opens deep gray with transparency as colour."""
    deep = image.format == "PNG" and image.tile and image.tile[0][3] == "LA;16B"  # type: ignore[attr-defined]
    return bool(image.mode in GRAY_MODES or deep)


def check_numbers(image: Image.Image) -> None:
    """Refuse the two kinds of TIFF whose numbers Pillow would get wrong without a word."""
    if image.format != "TIFF":
        return
    tags = image.tag_v2  # type: ignore[attr-defined]
    if 2 in tags.get(339, ()):
        raise UnreadableImage("whole numbers with a sign, whose range nobody can know")
    if tags.get(284) == 2 and len(bits := tags.get(258, ())) > 1 and max(bits) > 8:
        raise UnreadableImage("16 bits a channel with each channel by itself, which Pillow cannot read")


def scale_transparency(image: Image.Image) -> None:
    """PNG names its transparent colour in the file's own depth; Pillow compares it with values scaled to 8 bits."""
    clear, depth = image.info.get("transparency"), image.tile[0][3]  # type: ignore[attr-defined]
    if isinstance(clear, int) and depth in ("L;2", "L;4"):
        image.info["transparency"] = clear * (85 if depth == "L;2" else 17)
    elif isinstance(clear, tuple) and depth == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in clear)


def as_meant(image: Image.Image) -> Image.Image:
    """Mend the numbers that Pillow takes for something else than the file says they are."""
    if image.format in ("JPEG", "MPO") and image.mode == "CMYK" and "adobe" not in image.info:
        return ImageChops.invert(image)  # only Adobe writes ink upside down; Pillow takes all files to be Adobe's
    if image.format == "TIFF" and image.mode == "I":
        raise UnreadableImage("whole numbers with a sign or of 32 bits, whose range nobody can know")
    if image.format == "TIFF" and image.mode in HIGH_DEPTH:
        bits = image.tag_v2.get(258, (16,))[0]  # type: ignore[attr-defined]
        white_is_zero = image.tag_v2.get(262) == 0  # type: ignore[attr-defined]
        if bits < 16 or white_is_zero:
            values = np.asarray(image).astype(np.uint32) * 65535 // ((1 << bits) - 1)
            return Image.fromarray((65535 - values if white_is_zero else values).astype(np.uint16))
    return image
