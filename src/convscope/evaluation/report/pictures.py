"""Pixels as pictures inside the page."""

from __future__ import annotations

import base64
import io

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ...data.decoding.pixels import Pixels
from ...map_colours import input_picture
from ...png import png_url

# The longest side of a thumbnail, and of a picture that is shown larger; what is no larger than a thumbnail is exact.
THUMBNAIL, SHOWN = 64, 192


def shrunk(pixels: Tensor) -> Tensor:
    """Return uint8 pixels C x H x W with a longest side of at most 64."""
    scale = THUMBNAIL / max(pixels.shape[1:])
    if scale >= 1:
        return pixels
    size = [max(round(side * scale), 1) for side in pixels.shape[1:]]
    return F.interpolate(pixels[None].float(), size, mode="area")[0].round().to(torch.uint8)


def pixels_url(pixels: Tensor) -> str:
    """Return uint8 pixels C x H x W as a PNG in a `data:` URL."""
    return png_url(pixels.permute(1, 2, 0).numpy())


def picture_url(picture: Tensor | Image.Image) -> str:
    """Return a picture, or uint8 pixels C x H x W, as a `data:` URL: a small one exactly, a photo as a small JPEG."""
    image = input_picture(picture) if isinstance(picture, Tensor) else picture
    if max(image.size) <= THUMBNAIL or image.mode == "RGBA":
        return png_url(image)
    image = image.copy()
    image.thumbnail((SHOWN, SHOWN))
    content = io.BytesIO()
    image.save(content, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"


def fetched(pixels: Pixels, indices: Tensor) -> Tensor:
    """Return the images at `indices` (int64 N): N x C x H x W."""
    return pixels[indices] if isinstance(pixels, Tensor) else pixels.take(indices)
