"""Flip and shift images: pixels are only moved, so values and type stay."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .context import BatchContext, in_pixels
from .memory_format import from_rows, is_channels_last, rows


def flip(images: Tensor, context: BatchContext) -> Tensor:
    """Mirror a random half of the images left to right."""
    return mirror(images, torch.rand(len(images), generator=context.generator) < 0.5)


def alternating_flip(images: Tensor, context: BatchContext) -> Tensor:
    """Mirror every image in every second epoch (Jordan 2024, arXiv 2404.00498).

    Any two consecutive epochs then show both sides of every image; random flips would show half of them the same side
    twice.
    """
    return mirror(images, starts_mirrored(context.seed, context.indices) ^ bool(context.epoch % 2))


def starts_mirrored(seed: int, indices: Tensor) -> Tensor:
    """Return which images are mirrored in even epochs: bool N, about half, determined by seed and index alone."""
    # SplitMix64 (Steele, Lea and Flood 2014): one well-scrambled number per image, whichever batch it is in.
    seeded = (seed * 0xD1342543DE82EF95 + 0x9E3779B97F4A7C15) % 2**64
    x = indices.numpy().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seeded)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return torch.from_numpy((x >> np.uint64(63)).astype(bool))


def mirror(images: Tensor, mirrored: Tensor) -> Tensor:
    """Mirror left to right the images for which `mirrored` (bool N, on the CPU) is true."""
    n = len(images)
    both = torch.cat([rows(images), rows(images.flip(3))])
    return from_rows(both.index_select(0, (torch.arange(n) + n * mirrored).to(images.device)), images)


def shift(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Shift each image by up to `amount` pixels in each direction, and fill in the mirror image at the edges.

    Below 1, `amount` is a share of the side.
    """
    return shifted(images, random_offsets(images, context.generator, amount), "reflect")


def crop(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Pad each side with `amount` black pixels and crop to the original size at a random position.

    As in the CIFAR papers (He et al. 2016, section 4.2: 4 pixels). Below 1, `amount` is a share of the side.
    """
    return shifted(images, random_offsets(images, context.generator, amount), "zeros")


def random_offsets(images: Tensor, generator: torch.Generator, amount: float) -> Tensor:
    """Sample by how many pixels to shift each image, down and to the right: int64 2 x N, uniform.

    At most a side less one pixel, so that a part of every image stays.
    """
    limits = [min(in_pixels(amount, side), side - 1) for side in images.shape[2:]]
    return torch.stack([torch.randint(-m, m + 1, (len(images),), generator=generator) for m in limits])


def shifted(images: Tensor, offsets: Tensor, outside: str) -> Tensor:
    """Read each image `offsets` (2 x N, on the CPU) pixels further down and to the right.

    Pixel y, x of image i becomes what was at y + offsets[0, i], x + offsets[1, i]. `outside` is what lies outside the
    image: "zeros", or its reflection about the edge pixels ("reflect"; offsets must be smaller than the side).
    """
    n, c, h, w = images.shape
    if is_channels_last(images):
        planes = images.permute(0, 2, 3, 1)  # N x H x W x C
    else:
        planes, offsets = images.reshape(n * c, h, w, 1), offsets.repeat_interleave(c, 1)
    down, right = offsets[0], offsets[1]
    margin = int(right.abs().max()) if n else 0
    lines = _padded_lines(planes, margin, outside)
    y = down[:, None] + torch.arange(h)
    line = torch.arange(len(planes))[:, None] * h
    if outside == "reflect":
        line = line + (h - 1 - (h - 1 - y.abs()).abs())
    else:
        line = torch.where((y >= 0) & (y < h), line + y, len(lines) - 1)
    # Every line of the result is a contiguous piece of a padded line, and copied as such.
    unit = planes.shape[3]
    starts = (line * lines.shape[1] + (right[:, None] + margin) * unit).flatten()
    pieces = lines.as_strided((lines.numel() - w * unit + 1, w * unit), (1, 1))
    return from_rows(pieces.index_select(0, starts.to(images.device)).view(n, c * h * w), images)


def _padded_lines(planes: Tensor, margin: int, outside: str) -> Tensor:
    """Turn P x H x W x U into (P H + 1) x (W + 2 margin) U: lines with a margin on both sides, and one of zeros."""
    p, h, w, unit = planes.shape
    lines = planes.new_empty(p * h + 1, w + 2 * margin, unit)
    lines[-1] = 0
    padded = lines[:-1].view(p, h, w + 2 * margin, unit)
    padded[:, :, margin : margin + w] = planes
    if margin and outside == "reflect":
        padded[:, :, :margin] = planes[:, :, 1 : margin + 1].flip(2)
        padded[:, :, margin + w :] = planes[:, :, w - 1 - margin : w - 1].flip(2)
    elif margin:
        padded[:, :, :margin] = 0
        padded[:, :, margin + w :] = 0
    return lines.view(p * h + 1, -1)
