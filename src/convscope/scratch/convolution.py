"""Convolution, forwards and backwards: as loops that can be read aloud, then as one matrix product that is fast.

    x   N x C x H x W     N images of C channels
    w   F x C x kh x kw   F kernels, each as deep as the image
    b   F                 one bias a kernel
    y   N x F x oh x ow   one map a kernel

In the formulas n counts images, c channels, f kernels; (i, j) is a place in the output, (u, v) a place in the kernel;
s is the stride, d the dilation, and X is x with its padding. E is the error at the end of the network, and dy stands
for dE/dy: by how much E grows if that output grows by one. It comes from the layer above. `..._backward` answers with
dx, which goes to the layer below, and with dw and db, by which the layer itself learns.

What deep learning calls a convolution is a *correlation*: the kernel lies on the image as it is. The convolution of
mathematics turns the kernel by 180 degrees first: `convolve`, at the end. It also turns up by itself in the gradient:
`input_gradient_by_convolution`.
"""

from __future__ import annotations

import numpy as np

from .windows import Array, Padding, Pair, Windows


def correlate_loops(
    x: Array, w: Array, b: Array | None = None,
    stride: int | Pair = 1, padding: Padding = 0, dilation: int | Pair = 1,
) -> Array:  # fmt: skip
    """Lay each kernel on each place of the image, multiply what lies on top of each other, and add it all up.

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
    """Each output hands its gradient back to all that made it. Returns dx, dw, db, of the shapes of x, w, b.

    An output is a sum of products pixel * weight. If the pixel grows by one, the product grows by the weight; if the
    weight grows by one, it grows by the pixel. So for each output (n, f, i, j), and for every c, u, v:

    dX[n, c, s i + d u, s j + d v]  +=  dy[n, f, i, j] * w[f, c, u, v]
    dw[f, c, u, v]                  +=  dy[n, f, i, j] * X[n, c, s i + d u, s j + d v]
    db[f]                           +=  dy[n, f, i, j]

    Added, not set: a pixel lies under several windows, a weight serves at every place, and each time counts.
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
    """The same numbers as `correlate_loops`, as one matrix product ("im2col").

    The pixels of a window become a column, the weights of a kernel a row. All places and all kernels at once:

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
    """The same numbers as `correlate_loops_backward`, as two matrix products. Returns dx, dw, db.

    The same sums, seen from those who receive:

    db[f]          = sum over n, i, j of  dy[n, f, i, j]
    dw[f, c, u, v] = sum over n, i, j of  dy[n, f, i, j] * X[n, c, s i + d u, s j + d v]
    dX[n, c, p, q] = sum over f and all i, j, u, v that meet in (p, q) of  dy[n, f, i, j] * w[f, c, u, v]
                     (they meet where s i + d u = p and s j + d v = q)

    In matrices, for one image: dw = dy @ columns^T (F x P @ P x K) and dcolumns = w^T @ dy (K x F @ F x P). `scatter`
    then brings dcolumns back to the pixels from which `gather` took them, and the padding is cut off.
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
    """dx once more, as the textbooks write it: the *full convolution* of dy with the kernels.

    Backwards, the pixel (p, q) meets the weight (u, v) in the window (p - u, q - v): the minus turns the kernel round.
    So pad dy with zeros until the turned kernel touches it with one corner only, and correlate. A stride of s left out
    s - 1 of s places: put zeros there first. What the padding received is cut off.
    """
    windows = _windows(x, w, stride, padding, dilation)
    (oh, ow), (sh, sw) = dy.shape[2:], windows.stride
    spread = np.zeros((*dy.shape[:2], sh * (oh - 1) + 1, sw * (ow - 1) + 1), dy.dtype)
    spread[:, :, ::sh, ::sw] = dy
    turned = turn(w).swapaxes(0, 1)  # C x F x kh x kw: what were outputs are inputs now
    reached = correlate(spread, turned, padding="full", dilation=dilation)
    # With a stride, the last rows and columns may have been under no window: their gradient is 0.
    dpadded = np.zeros((*x.shape[:2], *windows.padded_size(x.shape[2:])), reached.dtype)
    dpadded[:, :, : reached.shape[2], : reached.shape[3]] = reached
    return windows.crop(dpadded, x.shape[2:])


def convolve(
    x: Array, w: Array, b: Array | None = None,
    stride: int | Pair = 1, padding: Padding = 0, dilation: int | Pair = 1,
) -> Array:  # fmt: skip
    """The convolution of mathematics: the kernel is turned by 180 degrees, then correlated.

    (x * w)[i, j] = sum over u, v of  x[i - u, j - v] * w[u, v]

    It makes x * w equal to w * x. A network does not care: if the kernels are learned, it just learns them turned.
    """
    return correlate(x, turn(w), b, stride, _turned(padding, w, dilation), dilation)


def convolve_backward(
    dy: Array, x: Array, w: Array, stride: int | Pair = 1, padding: Padding = 0, dilation: int | Pair = 1
) -> tuple[Array, Array, Array]:
    """The gradient of the turned kernel, turned back. Returns dx, dw, db."""
    dx, dw, db = correlate_backward(dy, x, turn(w), stride, _turned(padding, w, dilation), dilation)
    return dx, turn(dw), db


def turn(w: Array) -> Array:
    """Each kernel turned by 180 degrees: upside down and left to right."""
    return w[..., ::-1, ::-1]


def _windows(x: Array, w: Array, stride: int | Pair, padding: Padding, dilation: int | Pair) -> Windows:
    """Where the kernels `w` go on the images `x`; in one line what does not fit."""
    if w.ndim != 4:
        raise ValueError(f"kernels come as F x C x kh x kw; got {w.ndim} dimensions: {' x '.join(map(str, w.shape))}")
    if x.ndim == 4 and x.shape[1] != w.shape[1]:
        raise ValueError(f"a kernel is as deep as the image: kernels of {w.shape[1]} channels, images of {x.shape[1]}")
    return Windows(w.shape[2:], stride, padding, dilation)


def _columns(windows: Windows, x: Array) -> Array:
    """Each window of an image as a column: N x K x P, with K = C kh kw and P = oh ow."""
    gathered = windows.gather(x)  # N x C x kh x kw x oh x ow
    return gathered.reshape(len(x), -1, gathered.shape[4] * gathered.shape[5])


def _turned(padding: Padding, w: Array, dilation: int | Pair) -> Padding:
    """The padding for the turned kernel: what "same" adds for an even one is more at the beginning now, not the end."""
    if padding != "same":
        return padding
    (top, bottom), (left, right) = Windows(w.shape[2:], padding=padding, dilation=dilation).padding
    return (bottom, top), (right, left)
