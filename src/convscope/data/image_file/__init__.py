"""Read image files of any format, name and damage in bounded time and memory."""

from __future__ import annotations

from .content import LARGE, MAX_BYTES, fingerprint, read_bytes, read_file
from .decoder import decode, decode_pixels, deep_values, is_gray, read_image
from .deep import WHOLE_16_BITS, Levels, to_8_bits, told
from .header import FORMATS, IMAGE_SUFFIXES, MAX_PIXELS, check_header, stored_size
from .item import EmbeddedImage, ImageItem
from .large import within_memory
from .modes import to_gray_or_rgb
from .unreadable import NotAnImage, TooManyPixels, UnreadableImage

__all__ = [
    "FORMATS",
    "IMAGE_SUFFIXES",
    "LARGE",
    "MAX_BYTES",
    "MAX_PIXELS",
    "WHOLE_16_BITS",
    "EmbeddedImage",
    "ImageItem",
    "Levels",
    "NotAnImage",
    "TooManyPixels",
    "UnreadableImage",
    "check_header",
    "decode",
    "decode_pixels",
    "deep_values",
    "fingerprint",
    "is_gray",
    "read_bytes",
    "read_file",
    "read_image",
    "stored_size",
    "to_8_bits",
    "to_gray_or_rgb",
    "told",
    "within_memory",
]  # fmt: skip
