"""Decode ordinary JPEG files with libjpeg-turbo: the same pixels as Pillow's in two thirds of the time.

Pillow uses the same library but decodes into four bytes per pixel, from which an array must then be made.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from .complete import refuse_premature_end

ORIENTATION = 0x0112


def decode_plain_jpeg(image: Image.Image, content: bytes, longest_side: int | None) -> np.ndarray | None:
    """Return uint8 pixels H x W (gray) or H x W x 3 of a JPEG that Pillow has opened but not loaded.

    Returns None where `decoder.decode` must be used instead: for CMYK, for a picture that its EXIF orientation turns,
    for one that is decoded at reduced size (see `longest_side` there), and at the slightest damage. Raises
    UnreadableImage if pixel data is missing.
    """
    if image.format != "JPEG" or image.mode not in ("L", "RGB"):
        return None
    if longest_side is not None and min(image.size) >= 4 * longest_side:
        return None
    import simplejpeg

    try:
        if image.getexif().get(ORIENTATION, 1) != 1:
            return None
        pixels = simplejpeg.decode_jpeg(content, "GRAY" if image.mode == "L" else "RGB")
    except Exception as problem:  # hostile EXIF may raise anything; what else is wrong with the pixels, Pillow will say
        refuse_premature_end(problem)
        return None
    width, height = image.size
    return pixels.reshape(height, width) if image.mode == "L" else pixels
