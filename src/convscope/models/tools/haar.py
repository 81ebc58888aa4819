"""Haar kernels: orthogonal wavelets of plus and minus one half.

A. Haar, *Zur Theorie der orthogonalen Funktionensysteme*, Mathematische Annalen 69, 1910.
"""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor


def haar_bank(out_channels: int, in_channels: int, size: int) -> Tensor:
    """Return kernels out x in x size x size, each with mean 0 and norm 1, all orthogonal to each other.

    They come from coarse to fine (left minus right, top minus bottom, the diagonals, then the same in halves and
    quarters), first in grey, then in differences of colours. There are in * size^2 - 1 of them; after those come their
    negatives (behind a ReLU, the other half of what they detect), and then all of them again. ValueError for one pixel
    of one channel.
    """
    line, colours = haar_basis(size), haar_basis(in_channels)
    pixels = sorted(((i, j) for i in range(size) for j in range(size)), key=lambda pixel: (max(pixel), pixel))
    terms = [(c, i, j) for c in range(in_channels) for i, j in pixels][1:]  # the first is the constant
    if not terms:
        raise ValueError("Haar kernels need more than one pixel or channel")
    kernels = []
    for number in range(out_channels):
        c, i, j = terms[number % len(terms)]
        sign = -1 if number // len(terms) % 2 else 1
        kernels.append(sign * torch.einsum("c,y,x->cyx", colours[c], line[i], line[j]))
    return torch.stack(kernels).float()


def haar_basis(length: int) -> Tensor:
    """Return an orthonormal basis of `length` numbers, one per row: the constant, then half minus half, coarse first.

    Where a part does not divide evenly, its longer half weighs less, so that the wavelet still has mean 0 and norm 1.
    """
    rows = [torch.full((length,), 1 / sqrt(length), dtype=torch.float64)]
    parts = [(0, length)]
    while parts:
        start, end = parts.pop(0)
        if end - start < 2:
            continue
        middle = (start + end) // 2
        left, right = middle - start, end - middle
        row = torch.zeros(length, dtype=torch.float64)
        row[start:middle] = sqrt(right / (left * (left + right)))
        row[middle:end] = -sqrt(left / (right * (left + right)))
        rows.append(row)
        parts += [(start, middle), (middle, end)]
    return torch.stack(rows)
