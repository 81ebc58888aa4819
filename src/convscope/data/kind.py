"""Decide from the pixels whether images are digits and other characters, or photos: it chooses the training recipe."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .image_file import UnreadableImage, decode_pixels, read_bytes
from .split import Data, Split
from .value_range import measure_levels

# Images that are looked at, spread over the training images, and the side in pixels to which each is reduced: digits
# keep their strokes at this size, drawings of thin lines and textures do not.
SAMPLE, SIDE = 48, 28
# Gray values: channels further apart than this are a colour; values this near the background's belong to it;
# strokes differ from it by this much at least.
COLOUR, NEAR, CONTRAST = 40, 40, 80
# Shares of the pixels of one character that are coloured, at most, and background, at most.
MOST_COLOURED, MOST_BACKGROUND = 0.05, 0.97
# At least: the share of the background, its share of the outermost lines, and of what is not background, the share of
# strokes of full strength. Images of fewer than `COARSE` pixels per side, as in `digits`, are too coarse for those.
LEAST, LEAST_IF_COARSE, COARSE = (0.45, 0.7, 0.4), (0.4, 0.55, 0.2), 12
# Share of the images that must be characters. Measured: 0.86 to 0.99 of MNIST in all forms (inverted, colour, JPEG,
# enlarged, on yellow paper), 0 to 0.19 of patches of photos in colour or gray, and of text.
LEAST_CHARACTERS = 0.6

REASONS = {
    "digits": "strokes of one gray on a plain background; change it with --kind photos",
    "photos": "no plain strokes on a plain background; change it with --kind digits",
}


def decide_kind(data: Data) -> None:
    """Set the kind of a data set from a sample of its (training) images, and the reason that is shown to the user."""
    found = [is_character(pixels) for pixels in _sample(next(iter(data.splits.values())))]
    data.kind = "digits" if found and sum(found) >= LEAST_CHARACTERS * len(found) else "photos"
    data.kind_reason = REASONS[data.kind]


def is_character(pixels: np.ndarray) -> bool:
    """Whether a picture, uint8 H x W or H x W x 3, shows a character: strokes of one gray on a plain background."""
    small = _reduced(pixels)
    if small.ndim == 3:
        # Relative to the usual colour, so that yellowed paper does not count as coloured.
        tint = small.astype(np.int16) - np.median(small, (0, 1)).astype(np.int16)
        if (np.ptp(tint, axis=2) > COLOUR).mean() > MOST_COLOURED:
            return False
        small = np.asarray(Image.fromarray(small).convert("L"))
    gray = small.astype(np.int16)
    edge = np.concatenate([gray[0], gray[-1], gray[1:-1, 0], gray[1:-1, -1]])
    away = np.abs(gray - int(np.median(edge)))
    background = away <= NEAR
    if background.mean() > MOST_BACKGROUND:
        return False
    at_edge = (np.abs(edge - int(np.median(edge))) <= NEAR).mean()
    strokes = away[~background]
    strength = np.quantile(strokes, 0.98)
    full = (strokes >= 0.75 * strength).mean() if strength >= CONTRAST else 0.0
    least = LEAST_IF_COARSE if min(pixels.shape[:2]) < COARSE else LEAST
    return all(share >= limit for share, limit in zip((background.mean(), at_edge, full), least, strict=True))


def _reduced(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    shrink = min(SIDE / width, SIDE / height)
    if shrink >= 1:
        return pixels
    size = (max(round(width * shrink), 1), max(round(height * shrink), 1))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def _sample(split: Split) -> list[np.ndarray]:
    """Return pictures spread evenly over a split; those that cannot be read are left out (decoding reports them)."""
    pictures = []
    sample = split.take(np.linspace(0, len(split) - 1, min(SAMPLE, len(split))).round().astype(int))
    measured = measure_levels(sample)
    levels = measured.levels if measured else None
    for image in sample.images:
        try:
            pictures.append(image if isinstance(image, np.ndarray) else decode_pixels(read_bytes(image), SIDE, levels))
        except (UnreadableImage, MemoryError):
            continue
    return pictures
