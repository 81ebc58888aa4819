"""Images of more than 8 bits per channel: read with all their bits, and scaled to 8 by one range for a whole data set.

Pillow keeps the upper 8 of 16 bits of a colour, which of 12-bit data leaves 16 values, all nearly black.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from PIL import Image

from .unreadable import UnreadableImage

DEEP_GRAY = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}
# How Pillow unpacks the upper bytes of a colour's 16 bits, and how it would unpack the lower ones.
NATIVE, OTHER = ("L", "B") if sys.byteorder == "little" else ("B", "L")
BYTE_ORDERS = {"L": "B", "B": "L", "N": OTHER}
DEEP_COLOUR = {f"{mode};16{o}" for mode in ("RGB", "RGBA", "RGBX", "RGBa") for o in BYTE_ORDERS} | {"LA;16B"}
# What Pillow unpacks in the wrong byte order, as libtiff has put it into the machine's own.
SWAPPED_TWICE = {"I;16BS": "I;16S", "I;32BS": "I;32S", "F;32BF": "F;32F"}
# Values of 8 bits; where all are below it, 16 bits hold data of fewer bits.
FAINT = 64
# Share of an image's values that may lie outside of the range of its data set.
MOST_OUTSIDE = 0.25
# Tags of TIFF.
BITS_PER_SAMPLE, PHOTOMETRIC, PLANAR_CONFIGURATION, SAMPLE_FORMAT, GDAL_NODATA = 258, 262, 284, 339, 42113


class Levels(NamedTuple):
    """The values that become black and white where images have more than 8 bits per channel.

    `kinds` says of which images: of unsigned `integers` of 16 bits, of other `numbers` or of `both`.
    """

    black: float
    white: float
    kinds: str = "integers"

    def __str__(self) -> str:
        return f"{told(self.black)} to {told(self.white)}"


WHOLE_16_BITS = Levels(0, 65535)


def told(value: float) -> str:
    """Return a number in few digits: 4,095 or 0.25."""
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"


def to_8_bits(values: np.ndarray, levels: Levels) -> np.ndarray:
    """Scale values of any type to 0..255; UnreadableImage if some are no numbers, or many lie outside of the range."""
    if values.dtype.kind == "f" and (bad := int(np.count_nonzero(~np.isfinite(values)))):
        raise UnreadableImage(f"{bad:,} of {values.size:,} values are not numbers (NaN or infinite)")
    black, white = levels.black, levels.white
    outside = np.count_nonzero((values < black) | (values > white)) / max(values.size, 1)
    if outside > MOST_OUTSIDE:
        low, high = told(float(values.min())), told(float(values.max()))
        raise UnreadableImage(f"values from {low} to {high}, of which {outside:.0%} lie outside of the range {levels}")
    if values.dtype.kind in "ui" and black == 0 and white == int(white) and white <= WHOLE_16_BITS.white:
        whole = int(white)
        return ((np.clip(values, 0, whole).astype(np.uint32) * 255 + whole // 2) // whole).astype(np.uint8)
    scaled = (np.clip(values.astype(np.float64), black, white) - black) * (255 / (white - black))
    return np.rint(scaled).astype(np.uint8)


def gray_values(image: Image.Image) -> np.ndarray:
    """Return the values of a loaded gray image of more than 8 bits, as its file has them."""
    values = np.asarray(image)
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        if image.mode == "I" and 2 not in tags.get(SAMPLE_FORMAT, ()):
            values = values.view(np.uint32)  # Pillow has no unsigned mode of 32 bits
        if GDAL_NODATA in tags:
            values = _without_missing(values, str(tags[GDAL_NODATA]))
    return values


def _without_missing(values: np.ndarray, mark: str) -> np.ndarray:
    """Replace the value by which a file marks that there is none with the smallest that there is."""
    with suppress(ValueError):
        missing = np.isnan(values) if np.isnan(float(mark)) else values == np.asarray(float(mark), values.dtype)
        if missing.any() and not missing.all():
            return np.where(missing, values[~missing].min(), values)
    return values


def is_integer_16(image: Image.Image) -> bool:
    """Whether a gray image of more than 8 bits has unsigned integers of 16, whose range is known to end at 65535."""
    return image.mode != "F" and not (image.format == "TIFF" and image.mode == "I")


def gray_to_8_bits(image: Image.Image, levels: Levels | None) -> Image.Image:
    """Scale a loaded gray image of 16 or 32 bits; where no range was measured, only 16 bits in full use are taken."""
    values = gray_values(image)
    integers = is_integer_16(image)
    if levels is None or levels.kinds == ("numbers" if integers else "integers"):
        if not integers:
            kind = "floating-point" if image.mode == "F" else "signed or 32-bit integer"
            raise UnreadableImage(f"{kind} pixels, whose range is unknown")
        levels = None
        if values.size and (values.min() < 0 or values.max() > WHOLE_16_BITS.white):
            raise UnreadableImage("integer pixels outside 0..65535, whose range is unknown")
        reject_faint(int(values.max(initial=0)) >> 8, bool(values.any()))
    scaled = to_8_bits(values, levels or WHOLE_16_BITS)
    if isinstance(clear := image.info.get("transparency"), int):
        scaled[values == clear] = 255
    return Image.fromarray(scaled)


def raw_mode(image: Image.Image) -> str:
    """Return how Pillow will unpack an image that is not loaded yet."""
    tile = image.tile[0][3] if image.tile else None  # type: ignore[attr-defined]
    raw = tile[0] if isinstance(tile, tuple) and tile else tile
    return raw if isinstance(raw, str) else ""


def has_deep_colour(image: Image.Image) -> bool:
    """Whether an image that is not loaded yet has 16 bits per channel of which Pillow keeps the upper eight."""
    return image.format in ("PNG", "TIFF") and raw_mode(image) in DEEP_COLOUR


def unpack_natively(image: Image.Image) -> None:
    """Let Pillow unpack a compressed big-endian TIFF that is not loaded yet in the order in which libtiff leaves it."""
    if image.format == "TIFF" and image.tile and image.tile[0][0] == "libtiff":  # type: ignore[attr-defined]
        _unpack_as(image, SWAPPED_TWICE.get(raw_mode(image), raw_mode(image)))


def unpack_lower_bytes(image: Image.Image) -> bool:
    """Let Pillow unpack the lower bytes of a deep colour image that is not loaded yet; False if it cannot."""
    raw = raw_mode(image)
    if raw not in DEEP_COLOUR or raw.startswith(("LA", "RGBa")):
        return False
    _unpack_as(image, raw[:-1] + BYTE_ORDERS[raw[-1]])
    return True


def _unpack_as(image: Image.Image, raw: str) -> None:
    tiles = []
    for tile in image.tile:  # type: ignore[attr-defined]
        args = (raw, *tile[3][1:]) if isinstance(tile[3], tuple) else raw
        tiles.append(tile._replace(args=args) if hasattr(tile, "_replace") else (*tile[:3], args))
    image.tile = tiles  # type: ignore[attr-defined]


def colour_values(upper: Image.Image, lower: Image.Image) -> np.ndarray:
    """Return the 16-bit values H x W x 3 of a colour image from its upper and lower bytes."""
    high, low = (np.asarray(part)[..., :3].astype(np.uint16) for part in (upper, lower))
    return (high << 8) + low


def with_colour(
    image: Image.Image, values: np.ndarray, levels: Levels, clear: tuple[int, ...] | None = None
) -> Image.Image:
    """Return a loaded image with its colours scaled from 16 bits; what it has of transparency, or `clear`, stays."""
    scaled = Image.fromarray(to_8_bits(values, levels))
    if image.mode == "RGBA":
        scaled.putalpha(image.getchannel("A"))
    elif clear is not None:
        scaled.putalpha(Image.fromarray(np.where((values == clear).all(2), 0, 255).astype(np.uint8)))
    if exif := image.info.get("exif"):
        scaled.info["exif"] = exif
    return scaled


def reject_faint(highest: int, anything: bool = True) -> None:
    """Raise UnreadableImage if 16 bits of unknown range hold nearly nothing in the upper eight: data of 8 to 14 bits.

    Of 12 bits, 16 values would be left, all nearly black.
    """
    if anything and highest < FAINT:
        raise UnreadableImage(
            "16 bits per channel that use less than a quarter of their range, of which 8 bits are read: convert it to "
            "8 bits per channel"
        )
