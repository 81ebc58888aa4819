"""Encode pictures as PNG, as bytes or as a data URL for a page."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def png_bytes(picture: Image.Image | np.ndarray) -> bytes:
    """Return a Pillow image, or an H x W, H x W x 1 or H x W x 3 uint8 array, as the bytes of a PNG file."""
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture[:, :, 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def png_url(picture: Image.Image | np.ndarray) -> str:
    """Return a picture as a `data:` URL, which an HTML page shows without a file."""
    return f"data:image/png;base64,{base64.b64encode(png_bytes(picture)).decode()}"
