"""Gabor kernels: plane waves under a Gaussian window.

D. Gabor, *Theory of Communication*, 1946; in two dimensions J. Daugman, *Uncertainty Relation for Resolution in Space,
Spatial Frequency, and Orientation Optimized by Two-Dimensional Visual Cortical Filters*, JOSA A 2(7), 1985.
"""

from __future__ import annotations

from math import pi, sqrt

import torch
from torch import Tensor

ORIENTATIONS = 8


def gabor_bank(out_channels: int, in_channels: int, size: int) -> Tensor:
    """Return kernels out x in x size x size, each with mean 0 and norm 1, the same for every input channel.

    Kernels 2i and 2i + 1 are one wave, even (cosine) and odd (sine). The waves take up to eight orientations in equal
    steps through half a circle, then start again with the next shorter wavelength: the longest nearly fills the window,
    the shortest is a quarter of it, or 2.5 pixels. ValueError for kernels below 3 x 3.
    """
    if size < 3:
        raise ValueError(f"Gabor kernels need at least 3 x 3 pixels, not {size} x {size}")
    waves = -(-out_channels // 2)
    turns = min(waves, ORIENTATIONS)
    scales = -(-waves // turns)
    longest, shortest = max(3.0, 0.75 * size), max(2.5, 0.25 * size)
    across = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    y, x = torch.meshgrid(across, across, indexing="ij")
    kernels = []
    for wave in range(waves):
        scale, angle = (wave // turns + 0.5) / scales, torch.tensor(pi * (wave % turns) / turns, dtype=torch.float64)
        wavelength = longest * (shortest / longest) ** scale
        window = torch.exp(-(x**2 + y**2) / (2 * min(wavelength / 2, size / 4) ** 2))
        phase = 2 * pi / wavelength * (x * angle.cos() + y * angle.sin())
        # A cosine under the window has a mean; subtracting a constant under the same window removes it.
        even = window * (phase.cos() - (window * phase.cos()).sum() / window.sum())
        kernels += [even / even.norm(), window * phase.sin() / (window * phase.sin()).norm()]
    bank = torch.stack(kernels[:out_channels])[:, None].expand(-1, in_channels, -1, -1)
    return (bank / sqrt(in_channels)).float()
