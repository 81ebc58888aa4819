"""Random resized crops: a part of each image, enlarged to the image's size (Szegedy et al. 2014, section 6)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .context import BatchContext
from .memory_format import in_format_of

# Sizes that are sampled, of which the first that fits is used.
_TRIES = 10
# Smallest and largest ratio of width to height, as in the paper and everywhere since.
_RATIOS = (3 / 4, 4 / 3)


def resized_crop(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Crop each image to a share of its area from `amount` to 1, and enlarge the crop to the image's size."""
    return enlarge(images, random_crops(len(images), images.shape[2:], amount, context.generator))


def random_crops(n: int, size: tuple[int, ...], least: float, generator: torch.Generator) -> Tensor:
    """Sample crops inside images of height x width: top, left, height, width, int64 4 x N, as torchvision does.

    Area (at least `least` of the image's) and ratio are sampled ten times and the first that fit are used; if none do,
    the largest centred crop with an allowed ratio is.
    """
    h, w = size
    area = (least + (1 - least) * torch.rand(_TRIES, n, generator=generator, dtype=torch.float64)) * h * w
    low, high = map(math.log, _RATIOS)
    ratio = (low + (high - low) * torch.rand(_TRIES, n, generator=generator, dtype=torch.float64)).exp()
    heights, widths = (area / ratio).sqrt().round().long(), (area * ratio).sqrt().round().long()
    fits = (heights >= 1) & (heights <= h) & (widths >= 1) & (widths <= w)
    first = fits.long().argmax(0, keepdim=True)  # argmax returns the first of equal values
    fits, height, width = (choice.gather(0, first)[0] for choice in (fits, heights, widths))
    centred = min(h, round(w / _RATIOS[0])), min(w, round(h * _RATIOS[1]))
    height, width = torch.where(fits, height, centred[0]), torch.where(fits, width, centred[1])
    corner = torch.rand(2, n, generator=generator, dtype=torch.float64)
    top, left = (corner[0] * (h - height + 1)).long(), (corner[1] * (w - width + 1)).long()
    top, left = torch.where(fits, top, (h - height) // 2), torch.where(fits, left, (w - width) // 2)
    return torch.stack([top, left, height, width])


def enlarge(images: Tensor, crops: Tensor) -> Tensor:
    """Enlarge each image's crop (4 x N, on the CPU: top, left, height, width) bilinearly to the image's size; float32.

    Pixels outside the crop have no influence, as if it had been cut out first.
    """
    h, w = images.shape[2:]
    top, left, height, width = crops.to(images.device, torch.float32)
    y, x = _positions(h, top, height), _positions(w, left, width)
    grid = torch.stack([x[:, None, :].expand(-1, h, -1), y[:, :, None].expand(-1, -1, w)], 3)
    pixels = images.to(torch.float32, memory_format=torch.contiguous_format)
    return in_format_of(images, F.grid_sample(pixels, grid, padding_mode="border", align_corners=False))


def _positions(side: int, start: Tensor, length: Tensor) -> Tensor:
    """Return where the `side` pixels of each result are read: N x side, from -1 to 1 for the image's edge to edge."""
    centres = (torch.arange(side, dtype=torch.float32, device=start.device) + 0.5) / side
    positions = start[:, None] + (centres * length[:, None]).clamp(min=0.5).minimum(length[:, None] - 0.5)
    return positions * (2 / side) - 1
