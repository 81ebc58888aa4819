"""Which positions of its input a window operation takes for each position of its output, along one axis.

Each function returns the first and the last position of every window and the distance between neighbouring windows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Array = np.ndarray
ROUNDING = 1e-9


class Windows(NamedTuple):
    """Output i takes the positions `first[i]` to `last[i]`, every `dilation`-th; see `AxisField.through`."""

    first: Array
    last: Array
    stride: float
    dilation: int = 1


def sliding(count: int, kernel: int, stride: int, padding: int, dilation: int) -> Windows:
    """A convolution or a pool that gives `count` outputs."""
    first = np.arange(count) * stride - padding
    return Windows(first, first + dilation * (kernel - 1), stride, dilation)


def transposed(count: int, size: int, kernel: int, stride: int, padding: int, dilation: int) -> Windows:
    """A transposed convolution of `size` inputs: input i reaches the outputs i * stride - padding + k * dilation."""
    first, last = np.full(count, size), np.full(count, -1)
    for k in range(kernel):
        position, rest = np.divmod(np.arange(count) + padding - k * dilation, stride)
        reached = (rest == 0) & (position >= 0) & (position < size)
        first = np.where(reached, np.minimum(first, position), first)
        last = np.where(reached, np.maximum(last, position), last)
    return Windows(first, last, 1 / stride)


def adaptive(count: int, size: int) -> Windows:
    """An adaptive pool: `size` positions divided into `count` windows, which overlap where that leaves a rest."""
    output = np.arange(count)
    return Windows(output * size // count, -(-(output + 1) * size // count) - 1, size / count)


def nearest(count: int, size: int, scale: float, exact: bool) -> Windows:
    """Nearest-neighbour interpolation; `scale` is input positions per output position."""
    position = np.floor((np.arange(count) + (0.5 if exact else 0)) * scale).astype(int)
    position = np.clip(position, 0, size - 1)
    return Windows(position, position, scale)


def weighted(count: int, size: int, scale: float, reach: int, align_corners: bool) -> Windows:
    """Bilinear (`reach` 1) or bicubic (2) interpolation between the `2 * reach` nearest positions."""
    output = np.arange(count)
    centre = output * scale if align_corners else (output + 0.5) * scale - 0.5
    if reach == 1:
        centre = np.maximum(centre, 0)
    before = np.floor(centre).astype(int)
    between = centre > before  # else the position is met exactly, and its neighbours have weight 0
    first = np.where(between, before - (reach - 1), before)
    last = np.where(between, before + reach, before)
    return Windows(np.clip(first, 0, size - 1), np.clip(last, 0, size - 1), scale)


def antialiased(count: int, size: int, scale: float, reach: int) -> Windows:
    """Bilinear or bicubic interpolation whose kernel is as wide as `scale` where the image becomes smaller."""
    support = reach * max(scale, 1.0)
    centre = (np.arange(count) + 0.5) * scale
    # The kernel is 0 at its ends, which a rounding error must not take in.
    first = np.floor(centre - support - 0.5 + ROUNDING).astype(int) + 1
    last = np.ceil(centre + support - 0.5 - ROUNDING).astype(int) - 1
    return Windows(np.maximum(first, 0), np.minimum(last, size - 1), scale)


def padded(count: int, size: int, before: int, mode: str) -> Windows:
    """Padding (or, where `before` is negative, cropping): constant values lie beyond the image, copies within it."""
    position = np.arange(count) - before
    if mode == "circular":
        position = position % size
    elif mode == "replicate":
        position = np.clip(position, 0, size - 1)
    elif mode == "reflect":
        position = np.abs(position)
        position = np.where(position < size, position, 2 * (size - 1) - position)
    return Windows(position, position, 1)
