"""The windows of a convolution or a pooling: copy them out of an image (`gather`), add them back (`scatter`).

As a matrix, gather is a table of zeros and ones, and scatter is its transpose. So the backward pass needs no other code
for strides, padding, dilation and overlap: scatter adds each gradient to the pixel from which gather read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray
Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = int | Pair | tuple[Pair, Pair] | str


class Windows:
    """Windows of `kernel` pixels, `dilation` apart, that move by `stride` over an image with `padding` around it.

    Every setting is one number or (rows, columns). `padding` may also be ((top, bottom), (left, right)), or
    "valid": none, the kernel stays inside the image (narrow convolution), H - k + 1 rows come out;
    "same":  H rows come out (at stride 1; with a larger one H / stride, rounded up);
    "full":  every position at which kernel and image touch (wide convolution), H + k - 1 rows come out.
    """

    def __init__(self, kernel: int | Pair, stride: int | Pair = 1, padding: Padding = 0, dilation: int | Pair = 1):
        self.kernel = _pair("kernel", kernel, "a window needs at least one pixel")
        self.stride = _pair("stride", stride, "windows that do not move never reach the end of the image")
        self.dilation = _pair("dilation", dilation, "1 means that the pixels of a window are neighbours")
        # Rows and columns from the first pixel of a window to its last one.
        self.span = tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        self.padding = self._padding(padding)

    def _padding(self, padding: Padding) -> tuple[Pair, Pair]:
        if isinstance(padding, str):
            rows, columns = (span - 1 for span in self.span)
            if padding == "valid":
                return (0, 0), (0, 0)
            if padding == "same":  # an even kernel has no centre: the odd row or column goes to the end
                return (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)
            if padding == "full":
                return (rows, rows), (columns, columns)
            raise ValueError(f"unknown padding '{padding}': give numbers of pixels, or valid, same or full")
        why = "padding adds pixels, it cannot remove any"
        if isinstance(padding, tuple) and len(padding) == 2 and all(isinstance(side, tuple) for side in padding):
            top_bottom, left_right = (_pair("padding", side, why, least=0) for side in padding)
            return top_bottom, left_right
        rows, columns = _pair("padding", padding, why, least=0)  # type: ignore[arg-type]
        return (rows, rows), (columns, columns)

    def padded_size(self, size: Pair) -> Pair:
        """Return rows and columns of an image of `size` with its padding."""
        (top, bottom), (left, right) = self.padding
        return size[0] + top + bottom, size[1] + left + right

    def output_size(self, size: Pair) -> Pair:
        """Return how many windows fit, down and across: floor((H + padding - span) / stride) + 1."""
        padded = self.padded_size(size)
        for have, need in zip(padded, self.span, strict=True):
            if need > have:
                raise ValueError(
                    f"a window that spans {self.span[0]} x {self.span[1]} pixels does not fit into an image of "
                    f"{padded[0]} x {padded[1]} (padding included): take a smaller kernel or dilation, or more padding"
                )
        rows, columns = ((have - need) // s + 1 for have, need, s in zip(padded, self.span, self.stride, strict=True))
        return rows, columns

    def pad(self, x: Array, fill: float = 0.0) -> Array:
        """Return `x` (N x C x H x W) with its padding around it; whole numbers become floating-point numbers."""
        if x.ndim != 4:
            raise ValueError(f"images come as N x C x H x W; got {x.ndim} dimensions: {' x '.join(map(str, x.shape))}")
        padded = np.full((*x.shape[:2], *self.padded_size(x.shape[2:])), fill, np.result_type(x, np.float32))
        self.crop(padded, x.shape[2:])[:] = x
        return padded

    def crop(self, padded: Array, size: Pair) -> Array:
        """Return the part of a padded image that is the image itself (a view)."""
        (top, _), (left, _) = self.padding
        return padded[:, :, top : top + size[0], left : left + size[1]]

    def patch(self, i: int, j: int) -> tuple[slice, slice]:
        """Return the rows and the columns of the padded image that lie in window (i, j)."""
        (sh, sw), (dh, dw), (height, width) = self.stride, self.dilation, self.span
        return slice(sh * i, sh * i + height, dh), slice(sw * j, sw * j + width, dw)

    def gather(self, x: Array, fill: float = 0.0) -> Array:
        """Return all windows of `x`: N x C x H x W -> N x C x kh x kw x oh x ow.

        windows[n, c, u, v, i, j] = X[n, c, stride * i + dilation * u, stride * j + dilation * v], X being `x` padded.
        """
        padded = self.pad(x, fill)
        windows = np.empty((*x.shape[:2], *self.kernel, *self.output_size(x.shape[2:])), padded.dtype)
        for u, v, rows, columns in self._positions(x.shape[2:]):
            windows[:, :, u, v] = padded[:, :, rows, columns]
        return windows

    def scatter(self, windows: Array, size: Pair) -> Array:
        """Add each number of the windows to the pixel that `gather` read it from; return images of `size`.

        N x C x kh x kw x oh x ow -> N x C x H x W. A pixel in several windows gets the sum of their numbers.
        """
        padded = np.zeros((*windows.shape[:2], *self.padded_size(size)), np.result_type(windows, np.float32))
        for u, v, rows, columns in self._positions(size):
            padded[:, :, rows, columns] += windows[:, :, u, v]
        return self.crop(padded, size)

    def _positions(self, size: Pair) -> Iterator[tuple[int, int, slice, slice]]:
        """Yield for each pixel (u, v) of the kernel the rows and columns of the padded image at which it lies."""
        oh, ow = self.output_size(size)
        for u, v in np.ndindex(*self.kernel):
            top, left = self.dilation[0] * u, self.dilation[1] * v
            rows = slice(top, top + self.stride[0] * (oh - 1) + 1, self.stride[0])
            columns = slice(left, left + self.stride[1] * (ow - 1) + 1, self.stride[1])
            yield u, v, rows, columns


def _pair(name: str, value: int | Pair, why: str, least: int = 1) -> Pair:
    """Return (rows, columns) of a setting that is one number for both or one each; whole numbers from `least`."""
    pair = value if isinstance(value, tuple) else (value, value)
    if len(pair) != 2 or not all(isinstance(number, int | np.integer) for number in pair):
        raise ValueError(f"{name} must be a whole number, or two for (rows, columns); got {value!r}")
    if min(pair) < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r}: {why}")
    return int(pair[0]), int(pair[1])
