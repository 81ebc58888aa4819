"""Find out which gray values the 16-bit images of a data set use: data of 10 to 14 bits is stored so, too."""

from __future__ import annotations

import numpy as np

from .image_file import WHITE_16_BITS, UnreadableImage, largest_deep_value
from .split import Split

# Images that are looked at, spread over the split: first whether any has 16 bits, then their largest values.
HEADERS, SAMPLE = 64, 256
# Images without a value above this use 8 bits.
WHITE_8_BITS = 255


def measure_white(split: Split) -> int:
    """Return the value that stands for white in the 16-bit gray images of a split: 2^n - 1 for n bits that are used.

    Rounded up to whole bits, so that a sample of the images is enough. 65535 if there are no such images.
    """
    if isinstance(split.images, np.ndarray) or not any(_largest(split, HEADERS)):
        return WHITE_16_BITS
    used = max(_largest(split, SAMPLE))
    return max((1 << used.bit_length()) - 1, WHITE_8_BITS)


def _largest(split: Split, count: int) -> list[int]:
    """Return the largest value of each 16-bit gray image among `count` images; 0 for all others."""
    values = []
    for i in np.linspace(0, len(split) - 1, min(count, len(split))).round().astype(int).tolist():
        try:
            values.append(largest_deep_value(split.images[i]) or 0)
        except (UnreadableImage, MemoryError):
            continue
    return values or [0]
