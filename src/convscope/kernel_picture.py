"""The kernels that are applied to the pixels, as numbers and as one picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import nn

from .insight import colour_kernels, kernels, layers_with_kernels, tile
from .map_colours import coloured, scale_limit


@dataclass(frozen=True)
class Kernels:
    """The kernels of one layer: n x h x w, or n x 3 x h x w in colour (0..1, zero is middle gray)."""

    layer: str
    pictures: np.ndarray
    shape: tuple[int, ...]

    @property
    def in_colour(self) -> bool:
        """Whether they are colours and not signed numbers."""
        return self.pictures.ndim == 4


def first_kernels(network: nn.Module, size: tuple[int, ...]) -> Kernels | None:
    """Return the kernels that are applied to the pixels; of a dense first layer, one picture per unit."""
    names = layers_with_kernels(network)
    if not names:
        return None
    weight = kernels(network, names[0])
    shape = tuple(weight.shape)
    if shape[1:] == (math.prod(size), 1, 1):
        weight = weight.view(-1, *size)
    if weight.shape[2:].numel() == 1:
        return None
    if weight.shape[1] == 3:
        return Kernels(names[0], colour_kernels(weight).numpy(), shape)
    return Kernels(names[0], weight[:, 0].numpy(), shape) if weight.shape[1] == 1 else None


def kernel_picture(kernels: Kernels) -> tuple[Image.Image, float | None]:
    """Return the first kernels side by side, and the end of their scale (None for colours)."""
    if not kernels.in_colour:
        limit = scale_limit(kernels.pictures)
        return coloured(tile(kernels.pictures), limit), limit
    colours = tile(kernels.pictures, fill=-1.0)
    picture = Image.fromarray((colours.clip(0, 1) * 255).round().astype("uint8")).convert("RGBA")
    picture.putalpha(Image.fromarray(((colours[..., 0] >= 0) * 255).astype("uint8")))
    return picture, None
