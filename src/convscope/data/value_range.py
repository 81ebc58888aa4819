"""Find out which values the images of more than 8 bits per channel use: one range for the whole data set.

Data of 10 to 14 bits is stored with 16, and floating-point or signed numbers have no range of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import printable
from .image_file import Levels, UnreadableImage, deep_values, told
from .split import Split

# Images that are looked at, spread over the split: first whether any is deep, then their values, this many of each.
HEADERS, SAMPLE, VALUES = 64, 256, 4096
# Images without a value above this use 8 bits.
WHITE_8_BITS = 255
# Ends that people mean by numbers that come near them, and how near that is.
ENDS, NEAR_END = (1.0, 255.0, 4095.0, 65535.0), 0.5
# Share of the values at each end that may be left out where they stand far apart from all others.
OUTLIERS = 0.0005
# How many times as wide as the other's the range of one kind of number may be.
SAME_SCALE = 16.0


@dataclass(frozen=True)
class Measured:
    """The range of a data set, and a sentence about it for the user."""

    levels: Levels
    words: str


def measure_levels(split: Split) -> Measured | None:
    """Return the values that stand for black and white in the deep images of a split; None if it has none.

    Integers of 16 bits: 0 and 2^n - 1 for the n bits that are used; rounded up, so that a sample of the images is
    enough. Other numbers: their measured ends. Where both kinds are there and no scale serves both, that of most images
    counts, and the others cannot be used.
    """
    if isinstance(split.images, np.ndarray) or not _sampled(split, HEADERS):
        return None
    found = _sampled(split, SAMPLE)
    integers = [(name, values) for name, values, whole in found if whole]
    others = [(name, values) for name, values, whole in found if not whole]
    parts = [_of_bits(integers)] if integers else []
    if any(np.isfinite(values).any() for _, values in others):
        parts.append(_of_numbers(others))
    if len(parts) < 2:
        return parts[0] if parts else None
    low, high = min(part.levels.black for part in parts), max(part.levels.white for part in parts)
    widths = [part.levels.white - part.levels.black for part in parts]
    if max(widths) <= SAME_SCALE * min(widths):
        both = Levels(low, high, "both")
        return Measured(both, f"images of 16 bits and of other numbers: {both} is black to white")
    most, few = (0, others) if len(integers) >= len(others) else (1, integers)
    words, other = parts[most].words, printable(few[0][0])
    words = f"{words}; no scale serves the others, such as '{other}', {parts[1 - most].levels}"
    return Measured(parts[most].levels, words)


def _of_bits(images: list[tuple[str, np.ndarray]]) -> Measured:
    most = max(int(values.max(initial=0)) for _, values in images)
    white = max((1 << most.bit_length()) - 1, WHITE_8_BITS)
    return Measured(Levels(0, white), f"images of 16 bits use values up to {told(white)}, which is taken for white")


def _of_numbers(images: list[tuple[str, np.ndarray]]) -> Measured:
    """Return the range of numbers of unknown range, without those few that stand far apart from all others."""
    values = np.concatenate([values[np.isfinite(values)] for _, values in images]).astype(np.float64)
    least, most = float(values.min()), float(values.max())
    low, high = (float(end) for end in np.quantile(values, (OUTLIERS, 1 - OUTLIERS)))
    left_out = 0.0
    if most - least > 2 * (high - low) > 0:
        left_out = float(((values < low) | (values > high)).mean())
    else:
        low, high = least, most
    # Numbers that begin near zero begin there, and those that end near a usual end have it.
    if 0 <= low <= high / 4 or low == high > 0:
        low = 0.0
    high = next((end for end in ENDS if low >= 0 and NEAR_END * end < high <= end), high)
    levels = Levels(low, high if high > low else low + 1, "numbers")
    words = f"images of floating-point, signed or 32-bit numbers: {levels} is black to white"
    if left_out:
        words = f"{words}; {left_out:.2%} of the values, of {told(least)} to {told(most)}, lie outside and are cut off"
    return Measured(levels, words)


def _sampled(split: Split, count: int) -> list[tuple[str, np.ndarray, bool]]:
    """Return of each deep image among `count` images its name, its extremes and some of its values, and its kind."""
    found = []
    for i in np.linspace(0, len(split) - 1, min(count, len(split))).round().astype(int).tolist():
        try:
            deep = deep_values(split.images[i])
        except (UnreadableImage, MemoryError):
            continue
        if deep is not None and deep[0].size:
            values, whole = deep
            flat = values.reshape(-1)
            ends = np.array([np.nanmin(flat), np.nanmax(flat)], flat.dtype)
            found.append((split.names[i], np.append(flat[:: max(flat.size // VALUES, 1)], ends), whole))
    return found
