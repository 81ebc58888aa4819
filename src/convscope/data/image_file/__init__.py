"""Opening an image that somebody gave us: any format, any name, any damage, in bounded time and memory."""

from __future__ import annotations

from .content import LARGE, MAX_BYTES, Stored, fingerprint, read_bytes, read_file
from .header import FORMATS, IMAGE_SUFFIXES, MAX_PIXELS, check_header, stored_size
from .modes import to_gray_or_rgb
from .decoder import decode, decode_pixels, is_gray, read_image
from .unreadable import UnreadableImage

__all__ = [
    "FORMATS", "IMAGE_SUFFIXES", "LARGE", "MAX_BYTES", "MAX_PIXELS", "Stored", "UnreadableImage", "check_header",
    "decode", "decode_pixels", "fingerprint", "is_gray", "read_bytes", "read_file", "read_image", "stored_size",
    "to_gray_or_rgb",
]  # fmt: skip
