"""Numbers as colours: one scale for everything, blue below zero, orange above it, and zero is the paper.

Orange and blue stay apart for every kind of colour blindness. The strength of a colour is its opacity, so that zero is
the page's own colour on light and on dark paper.
"""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image
from torch import Tensor

POSITIVE, NEGATIVE, PAPER = (222, 104, 32), (31, 133, 196), (251, 250, 247)
# 253 steps with zero in the middle; the last indices are for frames and for what has no value.
STEPS, ZERO, FRAME, NOTHING = 252, 126, 254, 255
FRAMED = np.inf
_LEVELS = (np.arange(FRAME) - ZERO) / ZERO
_PALETTE = bytes(v for level in _LEVELS for v in (POSITIVE if level > 0 else NEGATIVE)) + bytes([128] * 6)
_OPACITY = bytes(np.append(np.round(255 * np.abs(_LEVELS)), [72, 0]).astype(np.uint8))


def limit_of(values: np.ndarray, share: float = 1.0) -> float:
    """The largest absolute value, or the one that a `share` of them stays below: the end of a colour scale."""
    finite = np.abs(values[np.isfinite(values)])
    return float(np.quantile(finite, share)) if finite.size else 0.0


def coloured(values: np.ndarray, limit: float) -> Image.Image:
    """H x W numbers -> a palette picture whose ends are -limit and limit; NaN is transparent, FRAMED a thin gray."""
    scaled = np.nan_to_num(values, posinf=0.0) / limit if limit > 0 else np.zeros_like(values)
    index = np.round(ZERO + ZERO * np.clip(scaled, -1, 1))
    index[values == FRAMED] = FRAME
    index[np.isnan(values)] = NOTHING
    image = Image.fromarray(index.astype(np.uint8), mode=None)
    image.putpalette(_PALETTE)
    image.info["transparency"] = _OPACITY
    return image


def on_paper(image: Image.Image) -> Image.Image:
    """A picture with transparent parts, printed on paper: for files that are looked at by themselves."""
    colours = image.convert("RGBA")
    paper = Image.new("RGBA", colours.size, (*PAPER, 255))
    return Image.alpha_composite(paper, colours).convert("RGB")


def photograph(pixels: Tensor) -> Image.Image:
    """uint8 C x H x W as a picture."""
    array = pixels.permute(1, 2, 0).numpy()
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def over_image(heat: np.ndarray, limit: float, pixels: Tensor) -> Image.Image:
    """A heat map in colours over the image in pale gray; both H x W."""
    gray = np.asarray(photograph(pixels).convert("L"), np.float32)
    # Pale enough that colours show on black paper and on white.
    pale = Image.fromarray((96 + 0.6 * gray).clip(0, 255).astype(np.uint8)).convert("RGBA")
    colours = coloured(heat, limit).convert("RGBA")
    colours.putalpha(colours.getchannel("A").point([round(0.85 * v) for v in range(256)]))
    return Image.alpha_composite(pale, colours).convert("RGB")


def enlarged(image: Image.Image, side: int) -> Image.Image:
    """A small picture with every pixel as a square, at least `side` wide; a large one as it is."""
    factor = -(-side // max(image.size))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def png(image: Image.Image) -> bytes:
    """The picture as a file."""
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def address(image: Image.Image) -> str:
    """The picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png(image)).decode()}"
