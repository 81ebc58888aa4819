"""A first layer whose kernels are designed, not drawn: Gabor functions or Haar wavelets, as a start or for good.

Trained networks grow such kernels by themselves (Krizhevsky 2012, Fig. 3), which raises the question of what is left to
learn if they are given. `set_first_kernels(network, "gabor", frozen=True)` asks it of any network.

- D. Gabor, *Theory of Communication*, 1946; in two dimensions J. Daugman, JOSA A 2(7), 1985.
- A. Haar, *Zur Theorie der orthogonalen Funktionensysteme*, Mathematische Annalen 69, 1910.
"""

from __future__ import annotations

from math import pi, sqrt

import torch
from torch import Tensor, nn

ORIENTATIONS = 8


def gabor_bank(out_channels: int, in_channels: int, size: int) -> Tensor:
    """Plane waves under a Gaussian window, out x in x size x size, each with mean 0 and norm 1; they ignore colour.

    Kernels 2i and 2i + 1 are one wave, even (cosine) and odd (sine). Waves turn in up to eight equal steps through half
    a circle, then start again with the next shorter wavelength: the longest nearly fills the window, the shortest is a
    quarter of it, or 2.5 pixels.
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
        # The window lets a cosine keep a mean; a constant under the same window takes it away.
        even = window * (phase.cos() - (window * phase.cos()).sum() / window.sum())
        kernels += [even / even.norm(), window * phase.sin() / (window * phase.sin()).norm()]
    bank = torch.stack(kernels[:out_channels])[:, None].expand(-1, in_channels, -1, -1)
    return (bank / sqrt(in_channels)).float()


def haar_bank(out_channels: int, in_channels: int, size: int) -> Tensor:
    """Haar wavelets, out x in x size x size, each with mean 0 and norm 1, all at right angles to each other.

    From coarse to fine (left minus right, top minus bottom, the diagonals, then the same in halves and quarters), first
    in grey, then in differences of colours. There are in * size^2 - 1 of them; after those come their negatives (behind
    a rectifier, the other half of what they see), and then all again.
    """
    line, colours = haar_basis(size), haar_basis(in_channels)
    places = sorted(((i, j) for i in range(size) for j in range(size)), key=lambda place: (max(place), place))
    terms = [(c, i, j) for c in range(in_channels) for i, j in places][1:]  # the first is the constant
    if not terms:
        raise ValueError("Haar kernels need more than one pixel or channel")
    kernels = []
    for number in range(out_channels):
        c, i, j = terms[number % len(terms)]
        sign = -1 if number // len(terms) % 2 else 1
        kernels.append(sign * torch.einsum("c,y,x->cyx", colours[c], line[i], line[j]))
    return torch.stack(kernels).float()


def haar_basis(length: int) -> Tensor:
    """An orthonormal basis of `length` numbers, a row each: the constant, then halves against each other, coarse first.

    Where a part does not split evenly, its longer half weighs less, so that the wavelet still has mean 0 and norm 1.
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


BANKS = {"gabor": gabor_bank, "haar": haar_bank}


def set_first_kernels(network: nn.Module, kind: str, frozen: bool = False) -> str:
    """Put `kind` (gabor or haar) kernels into the first convolution of `network`; the path of that layer.

    They get the norm that its kernels had on average, so that the layers behind it see signals of the size for which
    they were initialised, and biases of 0. With `frozen`, training leaves the layer as it is. ValueError if there is no
    such kind, or nothing to put them into.
    """
    if kind not in BANKS:
        raise ValueError(f"unknown kernels '{kind}'; choose {' or '.join(BANKS)}")
    found = ((path, module) for path, module in network.named_modules() if isinstance(module, nn.Conv2d))
    path, layer = next(found, ("", None))
    if layer is None:
        raise ValueError(f"{type(network).__name__} has no convolution")
    if f"{path}.weight".lstrip(".") not in network.state_dict():
        raise ValueError(f"{type(network).__name__} has its first layer in parts; set the kernels before it is divided")
    out, inputs, height, width = layer.weight.shape
    if height != width:
        raise ValueError(f"kernels must be square; those of {path} are {height} x {width}")
    with torch.no_grad():
        layer.weight.copy_(BANKS[kind](out, inputs, height) * layer.weight.flatten(1).norm(dim=1).mean())
        if layer.bias is not None:
            layer.bias.zero_()
    if frozen:
        layer.requires_grad_(False)
    return path
