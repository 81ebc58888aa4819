"""Pixels as pictures inside the page."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...png import png_url

# The longest side of a thumbnail.
THUMBNAIL = 64


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
