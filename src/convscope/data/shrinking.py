"""Shrink colour pictures: Pillow's antialiased filters in 8 bits, by torch or, the same to the bit, by NumPy.

torch takes a fifth of Pillow's time, so training has it; a process without torch must get the same pixels.
"""

from __future__ import annotations

import sys

import numpy as np

# The half width of each filter, in pixels of the smaller picture.
RADIUS = {"bilinear": 1.0, "bicubic": 2.0}
# Rows or columns of the result that are computed at once: few enough that few of their weights are 0.
BLOCK = 16


def shrunk(
    picture: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float], interpolation: str
) -> np.ndarray:
    """Shrink the part of a colour picture in `box` to `size` (width, height): Pillow's result within two steps of 255.

    The box (left, top, right, bottom) is rounded to whole pixels.
    """
    left, top, right, bottom = map(round, box)
    part = picture[top:bottom, left:right]
    return (by_torch if "torch.nn.functional" in sys.modules else by_numpy)(part, size, interpolation)


def by_torch(picture: np.ndarray, size: tuple[int, int], interpolation: str) -> np.ndarray:
    """Shrink uint8 H x W x 3 to `size` (width, height)."""
    import torch
    import torch.nn.functional as F

    # torch has a fast path for channels-last batches only: a contiguous copy, given its batch axis before it is
    # permuted, takes it, in half the time.
    values = torch.from_numpy(picture.copy())[None].permute(0, 3, 1, 2)
    small = F.interpolate(values, size[::-1], mode=interpolation, antialias=True)
    return small.permute(0, 2, 3, 1)[0].contiguous().numpy()


def by_numpy(picture: np.ndarray, size: tuple[int, int], interpolation: str) -> np.ndarray:
    """Return what `by_torch` returns, in about twice Pillow's time."""
    (height, width, channels), (new_width, new_height) = picture.shape, size
    rows = np.ascontiguousarray(picture.transpose(2, 0, 1)).reshape(channels * height, width)
    planes = _along(rows[None], 1, new_width, interpolation).reshape(channels, height, new_width)
    return np.ascontiguousarray(_along(planes, 0, new_height, interpolation).transpose(1, 2, 0))


def _along(planes: np.ndarray, axis: int, length: int, interpolation: str) -> np.ndarray:
    """Shrink the rows (axis 0) or the columns (1) of uint8 planes N x H x W to `length`."""
    first, last, weights, bits = _weights(planes.shape[1 + axis], length, interpolation)
    # The sums of products are exact, in whatever order, as long as the type holds every digit of the largest.
    largest = 255 * int(np.abs(weights).sum(1).max()) + (1 << bits)
    kind = np.float32 if largest < 1 << 24 else np.float64
    weights, planes = weights * 2.0**-bits, planes.astype(kind)
    n, height, width = planes.shape
    result = np.empty((n, length, width) if axis == 0 else (n, height, length), kind)
    for start in range(0, length, BLOCK):
        end = min(start + BLOCK, length)
        low, high = int(first[start]), int(last[start:end].max())
        matrix = np.zeros((end - start, high - low), kind)
        for i in range(start, end):
            matrix[i - start, first[i] - low : last[i] - low] = weights[i, : last[i] - first[i]]
        if axis == 0:
            np.matmul(matrix, planes[:, low:high], out=result[:, start:end])
        else:
            result[:, :, start:end] = planes[:, :, low:high] @ matrix.T
    result += kind(0.5)
    return result.clip(0, 255.5, out=result).astype(np.uint8)  # which cuts the decimals off


def _weights(length: int, target: int, interpolation: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Return which pixels each of the `target` results is made of (first, last), their weights, and the weights' unit.

    The weights are whole numbers of at most 15 bits, in units of 2 to the power of minus `bits`, as torch has them.
    """
    scale = length / target
    centers = scale * (np.arange(target) + 0.5)
    support = RADIUS[interpolation] * scale
    first = np.maximum((centers - support + 0.5).astype(np.int64), 0)
    last = np.minimum((centers + support + 0.5).astype(np.int64), length)
    offsets = np.arange((last - first).max())
    distance = np.abs((offsets + first[:, None] - centers[:, None] + 0.5) * (1 / scale))
    values = np.where(offsets < (last - first)[:, None], _filter(distance, interpolation), 0.0)
    values /= np.add.accumulate(values, axis=1)[:, -1:]  # added up one by one, as torch does
    bits = next((b for b in range(22) if int(0.5 + values.max() * (1 << (b + 1))) >= 1 << 15), 22)
    return first, last, np.trunc(values * (1 << bits) + np.where(values < 0, -0.5, 0.5)), bits


def _filter(x: np.ndarray, interpolation: str, a: float = -0.5) -> np.ndarray:
    """Return the triangle, or Keys's cubic convolution (1981) with Pillow's coefficient, at distances `x`."""
    if interpolation == "bilinear":
        return np.where(x < 1, 1 - x, 0.0)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
