"""The pixels of an ordinary JPEG straight from libjpeg-turbo: those that Pillow gives, in two thirds of its time.

Pillow decodes with the same library, but into four bytes a pixel, out of which an array has then to be made.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

ORIENTATION = 0x0112


def plain_jpeg(image: Image.Image, content: bytes, longest_side: int | None) -> np.ndarray | None:
    """uint8 pixels H x W (gray) or H x W x 3 of a JPEG that Pillow has opened and not loaded.

    None where there is anything to be careful about, so that `picture.decode` has to be asked: ink instead of light,
    a picture that has to be turned or is decoded at a part of its size, the least damage.
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
    except Exception:  # hostile EXIF raises whatever it can; what is wrong with the pixels Pillow will say
        return None
    width, height = image.size
    return pixels.reshape(height, width) if image.mode == "L" else pixels
