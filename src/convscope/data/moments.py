"""Sums of pixel values and of their squares, from which the mean and the deviation of a data set are computed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def channel_moments(pixels: Tensor) -> np.ndarray:
    """Return the sums of values and of squared values per channel of uint8 pixels N x C x H x W: int64 2 x C, exact.

    Computed from the counts of the 256 values, without a copy of the images in a wider type.
    """
    import torch

    counts = torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in pixels.unbind(1)])
    values = torch.arange(256)
    return torch.stack([(counts * values).sum(1), (counts * values.square()).sum(1)]).numpy()


def image_moments(array: np.ndarray) -> np.ndarray:
    """Return what `channel_moments` returns, for one image H x W x C, faster."""
    height, width, channels = array.shape
    values = array.reshape(height, width * channels).astype(np.uint32)
    sums = values.sum(0, dtype=np.uint32)
    values *= values
    squares = values.sum(0, dtype=np.uint32)  # 10,000 lines of 255 squared fit into 32 bits
    return np.stack([part.reshape(width, channels).sum(0, dtype=np.int64) for part in (sums, squares)])


def statistics(moments: np.ndarray, count: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per channel, in units of 0..1, from sums over `count` values per channel."""
    means, stds = [], []
    for total, squares in zip(*moments.tolist(), strict=True):
        means.append(total / (255 * count))
        # In Python's integers of any length, so that nothing is lost where two large numbers nearly cancel.
        variance = (squares * count - total * total) / (255 * count) ** 2
        # The deviation of a data set of one colour is 0; the floor keeps the division by it finite.
        stds.append(max(math.sqrt(variance), 1e-3))
    return tuple(means), tuple(stds)
