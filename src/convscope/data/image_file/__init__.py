"""Read image files of any format, name and damage in bounded time and memory."""

from __future__ import annotations

from .content import LARGE, MAX_BYTES, fingerprint, read_bytes, read_file
from .decoder import decode, decode_pixels, is_gray, largest_deep_value, read_image
from .header import FORMATS, IMAGE_SUFFIXES, MAX_PIXELS, check_header, stored_size
from .item import EmbeddedImage, ImageItem
from .modes import WHITE_16_BITS, to_gray_or_rgb
from .unreadable import NotAnImage, TooManyPixels, UnreadableImage

__all__ = [
    "FORMATS",
    "IMAGE_SUFFIXES",
    "LARGE",
    "MAX_BYTES",
    "MAX_PIXELS",
    "WHITE_16_BITS",
    "EmbeddedImage",
    "ImageItem",
    "NotAnImage",
    "TooManyPixels",
    "UnreadableImage",
    "check_header",
    "decode",
    "decode_pixels",
    "fingerprint",
    "is_gray",
    "largest_deep_value",
    "read_bytes",
    "read_file",
    "read_image",
    "stored_size",
    "to_gray_or_rgb",
]  # fmt: skip
