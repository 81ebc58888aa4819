"""Convolution, forward and backward: as loops that are easy to follow, then as one fast matrix product.

    x   N x C x H x W     N images of C channels
    w   F x C x kh x kw   F kernels, each as deep as the image
    b   F                 one bias per kernel
    y   N x F x oh x ow   one map per kernel

In the formulas n counts images, c channels, f kernels; (i, j) is a position in the output, (u, v) a position in the
kernel; s is the stride, d the dilation, and X is x with its padding. E is the error at the end of the network, and dy
stands for dE/dy: by how much E grows if that output grows by one. It comes from the next layer. `..._backward` returns
dx, which goes to the layer before, and dw and db, by which the layer itself learns.

What deep learning calls a convolution is a *correlation*: the kernel is not turned. The convolution of mathematics
turns the kernel by 180 degrees first: `convolve`, at the end. It also appears in the gradient of a correlation:
`input_gradient_by_convolution`.
"""

from __future__ import annotations

import numpy as np

from .windows import Array, Padding, Pair, Windows


def correlate_loops(
    x: Array, w: Array, b: Array | None = None,
    stride: int | Pair = 1, padding: Padding = 0, dilation: int | Pair = 1,
) -> Array:  # fmt: skip
    """Return, for each position of each kernel on the image, the sum of the products of pixels and weights.

    y[n, f, i, j] = b[f] + sum over c, u, v of  X[n, c, s i + d u, s j + d v] * w[f, c, u, v]
    """
    windows = _windows(x, w, stride, padding, dilation)
    padded = windows.pad(x)
    y = np.zeros((len(x), len(w), *windows.output_size(x.shape[2:])), padded.dtype)
    for n, f, i, j in np.ndindex(*y.shape):
        rows, columns = windows.patch(i, j)
        patch = padded[n, :, rows, columns]  # C x kh x kw
        y[n, f, i, j] = np.sum(patch * w[f]) + (0 if b is None else b[f])
    return y


def correlate_loops_backward(
    dy: Array, x: Array, w: Array, stride: int | Pair = 1, padding: Padding = 0, dilation: int | Pair = 1
) -> tuple[Array, Array, Array]:
    """Return dx, dw, db, of the shapes of x, w, b: each output passes its gradient to everything that made it.

    An output is a sum of products pixel * weight. If the pixel grows by one, the product grows by the weight; if the
    weight grows by one, it grows by the pixel. So for each output (n, f, i, j), and for every c, u, v:

    dX[n, c, s i + d u, s j + d v]  +=  dy[n, f, i, j] * w[f, c, u, v]
    dw[f, c, u, v]                  +=  dy[n, f, i, j] * X[n, c, s i + d u, s j + d v]
    db[f]                           +=  dy[n, f, i, j]

    They are added, not set: a pixel lies in several windows, a weight is used at every position, and each use counts.
    """
    windows = _windows(x, w, stride, padding, dilation)
    padded = windows.pad(x)
    dpadded = np.zeros_like(padded)
    dw = np.zeros(w.shape, padded.dtype)
    db = np.zeros(len(w), padded.dtype)
    for n, f, i, j in np.ndindex(*dy.shape):
        rows, columns = windows.patch(i, j)
        dpadded[n, :, rows, columns] += dy[n, f, i, j] * w[f]
        dw[f] += dy[n, f, i, j] * padded[n, :, rows, columns]
        db[f] += dy[n, f, i, j]
    return windows.crop(dpadded, x.shape[2:]), dw, db


def correlate(
    x: Array, w: Array, b: Array | None = None,
    stride: int | Pair = 1, padding: Padding = 0, dilation: int | Pair = 1,
) -> Array:  # fmt: skip
    """Return the same numbers as `correlate_loops`, as one matrix product ("im2col").

    The pixels of a window become a column, the weights of a kernel a row. All positions and all kernels at once:

        y  =  w  @  columns  +  b        F x P  =  F x K  @  K x P  +  F,   with K = C kh kw and P = oh ow
    """
    windows = _windows(x, w, stride, padding, dilation)
    columns = _columns(windows, x)  # N x K x P
    y = w.reshape(len(w), -1) @ columns
    if b is not None:
        y += b[:, None]
    return y.reshape(len(x), len(w), *windows.output_size(x.shape[2:]))


def correlate_backward(
    dy: Array, x: Array, w: Array, stride: int | Pair = 1, padding: Padding = 0, dilation: int | Pair = 1
) -> tuple[Array, Array, Array]:
    """Return the same dx, dw, db as `correlate_loops_backward`, by two matrix products.

    The same sums, written for each number that receives them:

    db[f]          = sum over n, i, j of  dy[n, f, i, j]
    dw[f, c, u, v] = sum over n, i, j of  dy[n, f, i, j] * X[n, c, s i + d u, s j + d v]
    dX[n, c, p, q] = sum over f and those i, j, u, v for which s i + d u = p and s j + d v = q
                     of  dy[n, f, i, j] * w[f, c, u, v]

    In matrices, for one image: dw = dy @ columns^T (F x P @ P x K) and dcolumns = w^T @ dy (K x F @ F x P). `scatter`
    then adds dcolumns to the pixels from which `gather` took them, and the padding is cut off.
    """
    windows = _windows(x, w, stride, padding, dilation)
    columns = _columns(windows, x)  # N x K x P
    dy = dy.reshape(len(x), len(w), -1)  # N x F x P
    db = dy.sum((0, 2))
    dw = (dy @ columns.swapaxes(1, 2)).sum(0).reshape(w.shape)
    dcolumns = w.reshape(len(w), -1).T @ dy  # N x K x P
    dwindows = dcolumns.reshape(*x.shape[:2], *windows.kernel, *windows.output_size(x.shape[2:]))
    return windows.scatter(dwindows, x.shape[2:]), dw, db


def input_gradient_by_convolution(
    dy: Array, x: Array, w: Array, stride: int | Pair = 1, padding: Padding = 0, dilation: int | Pair = 1
) -> Array:
    """Return the same dx as the textbooks write it: the *full convolution* of dy with the kernels.

    The pixel (p, q) is multiplied by the weight (u, v) in the window (p - u, q - v): the minus turns the kernel. So pad
    dy with zeros until the turned kernel touches it with one corner only, and correlate. A stride of s skips s - 1 of s
    positions: put zeros there first. What the padding received is cut off.
    """
    windows = _windows(x, w, stride, padding, dilation)
    (oh, ow), (sh, sw) = dy.shape[2:], windows.stride
    spread = np.zeros((*dy.shape[:2], sh * (oh - 1) + 1, sw * (ow - 1) + 1), dy.dtype)
    spread[:, :, ::sh, ::sw] = dy
    turned = turn(w).swapaxes(0, 1)  # C x F x kh x kw: outputs become inputs
    reached = correlate(spread, turned, padding="full", dilation=dilation)
    # With a stride, the last rows and columns may lie in no window: their gradient is 0.
    dpadded = np.zeros((*x.shape[:2], *windows.padded_size(x.shape[2:])), reached.dtype)
    dpadded[:, :, : reached.shape[2], : reached.shape[3]] = reached
    return windows.crop(dpadded, x.shape[2:])


def convolve(
    x: Array, w: Array, b: Array | None = None,
    stride: int | Pair = 1, padding: Padding = 0, dilation: int | Pair = 1,
) -> Array:  # fmt: skip
    """Return the convolution of mathematics: the correlation with the kernel turned by 180 degrees.

    (x * w)[i, j] = sum over u, v of  x[i - u, j - v] * w[u, v]

    With it, x * w equals w * x. For a network it makes no difference: it learns the kernels turned.
    """
    return correlate(x, turn(w), b, stride, _turned(padding, w, dilation), dilation)


def convolve_backward(
    dy: Array, x: Array, w: Array, stride: int | Pair = 1, padding: Padding = 0, dilation: int | Pair = 1
) -> tuple[Array, Array, Array]:
    """Return dx, dw, db: the gradient of the turned kernel, turned back."""
    dx, dw, db = correlate_backward(dy, x, turn(w), stride, _turned(padding, w, dilation), dilation)
    return dx, turn(dw), db


def turn(w: Array) -> Array:
    """Return each kernel turned by 180 degrees: upside down and left to right."""
    return w[..., ::-1, ::-1]


def _windows(x: Array, w: Array, stride: int | Pair, padding: Padding, dilation: int | Pair) -> Windows:
    """Return the windows of the kernels `w` on the images `x`; ValueError says in one line what does not fit."""
    if w.ndim != 4:
        raise ValueError(f"kernels come as F x C x kh x kw; got {w.ndim} dimensions: {' x '.join(map(str, w.shape))}")
    if x.ndim == 4 and x.shape[1] != w.shape[1]:
        raise ValueError(f"kernels and images need the same channels: kernels of {w.shape[1]}, images of {x.shape[1]}")
    return Windows(w.shape[2:], stride, padding, dilation)


def _columns(windows: Windows, x: Array) -> Array:
    """Return each window of an image as a column: N x K x P, with K = C kh kw and P = oh ow."""
    gathered = windows.gather(x)  # N x C x kh x kw x oh x ow
    return gathered.reshape(len(x), -1, gathered.shape[4] * gathered.shape[5])


def _turned(padding: Padding, w: Array, dilation: int | Pair) -> Padding:
    """Return the padding for the turned kernel: "same" then has the odd row of an even kernel before the image."""
    if padding != "same":
        return padding
    (top, bottom), (left, right) = Windows(w.shape[2:], padding=padding, dilation=dilation).padding
    return (bottom, top), (right, left)
