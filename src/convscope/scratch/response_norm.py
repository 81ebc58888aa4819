"""Local response normalisation: strong values reduce those of neighbouring maps (Krizhevsky 2012, section 3.3).

x, y   N x C x H x W     at each pixel by itself, over the maps c - size // 2 ... c + size // 2 that exist
"""

from __future__ import annotations

import numpy as np

from .windows import Array


def local_response_norm(
    x: Array, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0
) -> tuple[Array, Array]:
    """Return y and the base of its power, `s`.

    s[c] = k + alpha * sum over the neighbours m of c of  x[m]^2
    y[c] = x[c] * s[c]^-beta

    It is a sum, as in the paper. (PyTorch and Caffe take the mean: their alpha is `size` times this one.)
    """
    s = k + alpha * _sum_of_neighbours(x * x, size)
    return x * s**-beta, s


def local_response_norm_backward(
    dy: Array, x: Array, s: Array, size: int = 5, alpha: float = 1e-4, beta: float = 0.75
) -> Array:
    """Return dx. x[c] changes its own y[c] through the product, and each neighbour y[m] through s[m]:

    dy[m]/dx[c] = s[m]^-beta (only if m = c)  -  x[m] * beta * s[m]^(-beta - 1) * 2 alpha x[c] (if m is a neighbour)

    dx[c] = dy[c] * s[c]^-beta  -  2 alpha beta x[c] * sum over m of  dy[m] * x[m] * s[m]^(-beta - 1)

    m runs over the neighbours of c, as in the forward pass: if m is a neighbour of c, then c is one of m.
    """
    return dy * s**-beta - 2 * alpha * beta * x * _sum_of_neighbours(dy * x * s ** (-beta - 1), size)


def _sum_of_neighbours(x: Array, size: int) -> Array:
    """Return for each map the sum over the `size` maps around it, of those that exist."""
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size must be odd, got {size}: the map itself and as many on either side")
    reach, maps = size // 2, x.shape[1]
    total = np.zeros_like(x)
    for c in range(maps):
        total[:, c] = x[:, max(c - reach, 0) : c + reach + 1].sum(1)
    return total
