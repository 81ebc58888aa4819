"""Random resized crops: a part of each image, enlarged to the whole (Szegedy et al. 2014, section 6)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .memory_format import laid_out_like
from .context import Draw

_TRIES = 10
# The sides of a cut, width over height, as everywhere since the paper.
_RATIOS = (3 / 4, 4 / 3)


def resized_crop(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Cut a part of `amount` to all of each image's area out of it, and enlarge it to the image's size."""
    return enlarge(images, draw_cuts(len(images), images.shape[2:], amount, draw.coin))


def draw_cuts(n: int, size: tuple[int, ...], least: float, coin: torch.Generator) -> Tensor:
    """Cuts wholly inside: top, left, height, width, int64 4 x N, by torchvision's procedure.

    Area and proportions are drawn ten times and the first that fit are taken; if none do, it is the middle, as much of
    it as the proportions allow.
    """
    h, w = size
    area = (least + (1 - least) * torch.rand(_TRIES, n, generator=coin, dtype=torch.float64)) * h * w
    low, high = map(math.log, _RATIOS)
    ratio = (low + (high - low) * torch.rand(_TRIES, n, generator=coin, dtype=torch.float64)).exp()
    tall, wide = (area / ratio).sqrt().round().long(), (area * ratio).sqrt().round().long()
    fits = (tall >= 1) & (tall <= h) & (wide >= 1) & (wide <= w)
    first = fits.long().argmax(0, keepdim=True)  # the first of equal ones
    fits, tall, wide = (choice.gather(0, first)[0] for choice in (fits, tall, wide))
    middle = min(h, round(w / _RATIOS[0])), min(w, round(h * _RATIOS[1]))
    tall, wide = torch.where(fits, tall, middle[0]), torch.where(fits, wide, middle[1])
    corner = torch.rand(2, n, generator=coin, dtype=torch.float64)
    top, left = (corner[0] * (h - tall + 1)).long(), (corner[1] * (w - wide + 1)).long()
    top, left = torch.where(fits, top, (h - tall) // 2), torch.where(fits, left, (w - wide) // 2)
    return torch.stack([top, left, tall, wide])


def enlarge(images: Tensor, cuts: Tensor) -> Tensor:
    """Each image's cut (4 x N, on the CPU: top, left, height, width), read bilinearly at the image's size; float32.

    Nothing of what lies beside a cut comes into it, as if it had been cut out first.
    """
    h, w = images.shape[2:]
    top, left, tall, wide = cuts.to(images.device, torch.float32)
    y, x = _places(h, top, tall), _places(w, left, wide)
    grid = torch.stack([x[:, None, :].expand(-1, h, -1), y[:, :, None].expand(-1, -1, w)], 3)
    pixels = images.to(torch.float32, memory_format=torch.contiguous_format)
    return laid_out_like(F.grid_sample(pixels, grid, padding_mode="border", align_corners=False), images)


def _places(side: int, start: Tensor, length: Tensor) -> Tensor:
    """Where the `side` pixels of each result are read, N x side, from -1 to 1 over the whole image's edge to edge."""
    middle = (torch.arange(side, dtype=torch.float32, device=start.device) + 0.5) / side
    places = start[:, None] + (middle * length[:, None]).clamp(min=0.5).minimum(length[:, None] - 0.5)
    return places * (2 / side) - 1
