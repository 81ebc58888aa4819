"""The colour scale of all maps: blue below zero, orange above it, and the colour of the page at zero.

Orange and blue can be told apart with every kind of colour blindness. The strength of a colour is its opacity, so that
zero has the page's own colour in light and in dark mode.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from torch import Tensor

POSITIVE, NEGATIVE, PAPER = (222, 104, 32), (31, 133, 196), (251, 250, 247)
# 253 levels with zero in the middle; the last palette indices are for frames and for missing values.
ZERO, FRAME, NOTHING = 126, 254, 255
FRAMED = np.inf
_LEVELS = (np.arange(FRAME) - ZERO) / ZERO
_PALETTE = bytes(v for level in _LEVELS for v in (POSITIVE if level > 0 else NEGATIVE)) + bytes([128] * 6)
_OPACITY = bytes(np.append(np.round(255 * np.abs(_LEVELS)), [72, 0]).astype(np.uint8))


def scale_limit(values: np.ndarray, quantile: float = 1.0) -> float:
    """Return the end of a colour scale: the `quantile` of the absolute values, by default the largest."""
    finite = np.abs(values[np.isfinite(values)])
    return float(np.quantile(finite, quantile)) if finite.size else 0.0


def coloured(values: np.ndarray, limit: float) -> Image.Image:
    """Return H x W numbers as a palette picture from -limit to limit; NaN is transparent, FRAMED a thin gray."""
    scaled = np.nan_to_num(values, posinf=0.0) / limit if limit > 0 else np.zeros_like(values)
    index = np.round(ZERO + ZERO * np.clip(scaled, -1, 1))
    index[values == FRAMED] = FRAME
    index[np.isnan(values)] = NOTHING
    image = Image.fromarray(index.astype(np.uint8), mode=None)
    image.putpalette(_PALETTE)
    image.info["transparency"] = _OPACITY
    return image


def on_paper(image: Image.Image) -> Image.Image:
    """Return a picture with transparent parts over the light page colour, for viewing outside the page."""
    colours = image.convert("RGBA")
    paper = Image.new("RGBA", colours.size, (*PAPER, 255))
    return Image.alpha_composite(paper, colours).convert("RGB")


def input_picture(pixels: Tensor) -> Image.Image:
    """Return uint8 pixels C x H x W as a picture."""
    array = pixels.permute(1, 2, 0).numpy()
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def over_image(heat: np.ndarray, limit: float, pixels: Tensor) -> Image.Image:
    """Return a heat map H x W in colours over the image, uint8 C x H x W, in pale gray."""
    gray = np.asarray(input_picture(pixels).convert("L"), np.float32)
    # Pale enough for colours to show over black and over white.
    pale = Image.fromarray((96 + 0.6 * gray).clip(0, 255).astype(np.uint8)).convert("RGBA")
    colours = coloured(heat, limit).convert("RGBA")
    colours.putalpha(colours.getchannel("A").point([round(0.85 * v) for v in range(256)]))
    return Image.alpha_composite(pale, colours).convert("RGB")


def enlarged(image: Image.Image, side: int) -> Image.Image:
    """Return a small picture with every pixel as a square, at least `side` wide or high; a large one unchanged."""
    factor = -(-side // max(image.size))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
