"""Pooling, forward and backward: one number for each window of each map.

    x   N x C x H x W     y   N x C x oh x ow     every map by itself, so C stays

Pooling has no weights, so nothing in it is learned. But it passes the gradient on to the layers before it, which do
learn: dy is dE/dy, from the next layer, and `..._backward` returns dx. Windows may overlap (stride < kernel) or leave
gaps (stride > kernel); `scatter` adds up the gradients of all windows of a pixel, and a pixel in none gets 0. `stride`
is that of the windows, by default the kernel, so that they lie side by side.
"""

from __future__ import annotations

import numpy as np

from .windows import Array, Padding, Pair, Windows


def max_pool(
    x: Array, kernel: int | Pair, stride: int | Pair | None = None, padding: Padding = 0
) -> tuple[Array, Array]:
    """Return the largest number of each window, y, and which of the kh * kw it was, `winner` (of equal ones the first).

    y[n, c, i, j] = max over u, v of  x[n, c, s i + u, s j + v]

    The padding is minus infinity, so that it is never the largest.
    """
    windows = _pooling_windows(kernel, stride, padding)
    for before_after, k in zip(windows.padding, windows.kernel, strict=True):
        if max(before_after) >= k:
            raise ValueError(f"padding {padding!r} must be smaller than the kernel of {k}, or a window has no pixel")
    gathered = _flat(windows.gather(x, fill=-np.inf))  # N x C x kh kw x oh x ow
    winner = gathered.argmax(2)[:, :, None]
    return np.take_along_axis(gathered, winner, 2)[:, :, 0], winner[:, :, 0]


def max_pool_backward(
    dy: Array, winner: Array, size: Pair, kernel: int | Pair, stride: int | Pair | None = None, padding: Padding = 0
) -> Array:
    """Return dx, N x C x `size`: all of dy goes to the winner, because no other pixel changes the output.

    dx[n, c, p, q] = sum of  dy[n, c, i, j]  over the windows (i, j) in which the pixel (p, q) was the winner
    """
    windows = _pooling_windows(kernel, stride, padding)
    kh, kw = windows.kernel
    dwindows = np.zeros((*dy.shape[:2], kh * kw, *dy.shape[2:]), dy.dtype)
    np.put_along_axis(dwindows, winner[:, :, None], dy[:, :, None], 2)
    return windows.scatter(dwindows.reshape(*dy.shape[:2], kh, kw, *dy.shape[2:]), size)


def sum_pool(x: Array, kernel: int | Pair, stride: int | Pair | None = None, padding: Padding = 0) -> Array:
    """Return the sum of each window: y[n, c, i, j] = sum over u, v of  x[n, c, s i + u, s j + v]."""
    return _pooling_windows(kernel, stride, padding).gather(x).sum((2, 3))


def sum_pool_backward(
    dy: Array, size: Pair, kernel: int | Pair, stride: int | Pair | None = None, padding: Padding = 0
) -> Array:
    """Return dx: every pixel of a window gets all of its dy, because the sum grows as much as any pixel.

    dx[n, c, p, q] = sum of  dy[n, c, i, j]  over the windows (i, j) in which the pixel (p, q) lies
    """
    windows = _pooling_windows(kernel, stride, padding)
    shape = (*dy.shape[:2], *windows.kernel, *dy.shape[2:])
    return windows.scatter(np.broadcast_to(dy[:, :, None, None], shape), size)


def average_pool(x: Array, kernel: int | Pair, stride: int | Pair | None = None, padding: Padding = 0) -> Array:
    """Return the mean of each window, the sum divided by kh * kw. Zeros of the padding count as pixels."""
    kh, kw = _pooling_windows(kernel, stride, padding).kernel
    return sum_pool(x, kernel, stride, padding) / (kh * kw)


def average_pool_backward(
    dy: Array, size: Pair, kernel: int | Pair, stride: int | Pair | None = None, padding: Padding = 0
) -> Array:
    """Return dx: the kh * kw pixels of a window share its dy equally."""
    kh, kw = _pooling_windows(kernel, stride, padding).kernel
    return sum_pool_backward(dy, size, kernel, stride, padding) / (kh * kw)


def _pooling_windows(kernel: int | Pair, stride: int | Pair | None, padding: Padding) -> Windows:
    return Windows(kernel, kernel if stride is None else stride, padding)


def _flat(gathered: Array) -> Array:
    """Return N x C x kh x kw x oh x ow as N x C x kh kw x oh x ow."""
    return gathered.reshape(*gathered.shape[:2], -1, *gathered.shape[4:])
