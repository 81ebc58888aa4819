"""Pure moves of pixels, which keep their values and their type: mirroring and shifting."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .memory_format import from_rows, is_channels_last, rows
from .context import Draw, pixels_of


def flip(images: Tensor, draw: Draw) -> Tensor:
    """Mirror half of the images, drawn anew each time, left to right."""
    return mirror(images, torch.rand(len(images), generator=draw.coin) < 0.5)


def alternating_flip(images: Tensor, draw: Draw) -> Tensor:
    """Mirror every image in every other epoch (Jordan 2024, arXiv 2404.00498).

    Two epochs on end then show both sides of every image, where drawing anew shows half of them the same side twice.
    """
    return mirror(images, starts_mirrored(draw.seed, draw.indices) ^ bool(draw.epoch % 2))


def starts_mirrored(seed: int, indices: Tensor) -> Tensor:
    """Which images are mirrored in even epochs: bool N, even odds, from the seed and each image's place alone."""
    # Steele, Lea and Flood's SplitMix64: one well-scrambled number an image, whatever batch it comes in.
    seeded = (seed * 0xD1342543DE82EF95 + 0x9E3779B97F4A7C15) % 2**64
    x = indices.numpy().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seeded)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return torch.from_numpy((x >> np.uint64(63)).astype(bool))


def mirror(images: Tensor, mirrored: Tensor) -> Tensor:
    """Mirror left to right those images whose `mirrored` (bool N, on the CPU) is true."""
    n = len(images)
    both = torch.cat([rows(images), rows(images.flip(3))])
    return from_rows(both.index_select(0, (torch.arange(n) + n * mirrored).to(images.device)), images)


def shift(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Shift each image by up to `amount` pixels (below 1: a share of the side) each way; what comes in is mirrored."""
    return shifted(images, draw_offsets(images, draw.coin, amount), "reflect")


def crop(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Pad each side with `amount` black pixels (below 1: a share of the side) and cut the size out at random.

    The classic of the CIFAR papers (He et al. 2016, section 4.2: 4 pixels).
    """
    return shifted(images, draw_offsets(images, draw.coin, amount), "zeros")


def draw_offsets(images: Tensor, coin: torch.Generator, amount: float) -> Tensor:
    """Down and to the right from where each image is read: int64 2 x N, every offset as likely as another.

    At most a side less one pixel, so that something of every image stays.
    """
    limits = [min(pixels_of(amount, side), side - 1) for side in images.shape[2:]]
    return torch.stack([torch.randint(-m, m + 1, (len(images),), generator=coin) for m in limits])


def shifted(images: Tensor, offsets: Tensor, outside: str) -> Tensor:
    """Each image read `offsets` (2 x N, on the CPU) pixels further down and to the right.

    Pixel y, x of image i becomes what was at y + offsets[0, i], x + offsets[1, i]; `outside` the image is "zeros" or
    its mirror image about the edge pixels ("reflect"; offsets must be smaller than the side).
    """
    n, c, h, w = images.shape
    if is_channels_last(images):
        planes = images.permute(0, 2, 3, 1)  # N x H x W x C
    else:
        planes, offsets = images.reshape(n * c, h, w, 1), offsets.repeat_interleave(c, 1)
    down, right = offsets[0], offsets[1]
    margin = int(right.abs().max()) if n else 0
    lines = _widened(planes, margin, outside)
    y = down[:, None] + torch.arange(h)
    line = torch.arange(len(planes))[:, None] * h
    if outside == "reflect":
        line = line + (h - 1 - (h - 1 - y.abs()).abs())
    else:
        line = torch.where((y >= 0) & (y < h), line + y, len(lines) - 1)
    # Every line of the result is a piece of a widened line: copied whole, from the place where it starts.
    unit = planes.shape[3]
    starts = (line * lines.shape[1] + (right[:, None] + margin) * unit).flatten()
    pieces = lines.as_strided((lines.numel() - w * unit + 1, w * unit), (1, 1))
    return from_rows(pieces.index_select(0, starts.to(images.device)).view(n, c * h * w), images)


def _widened(planes: Tensor, margin: int, outside: str) -> Tensor:
    """P x H x W x U -> (P H + 1) x (W + 2 margin) U: the lines with a margin on both sides, and a line of zeros."""
    p, h, w, unit = planes.shape
    lines = planes.new_empty(p * h + 1, w + 2 * margin, unit)
    lines[-1] = 0
    wide = lines[:-1].view(p, h, w + 2 * margin, unit)
    wide[:, :, margin : margin + w] = planes
    if margin and outside == "reflect":
        wide[:, :, :margin] = planes[:, :, 1 : margin + 1].flip(2)
        wide[:, :, margin + w :] = planes[:, :, w - 1 - margin : w - 1].flip(2)
    elif margin:
        wide[:, :, :margin] = 0
        wide[:, :, margin + w :] = 0
    return lines.view(p * h + 1, -1)
