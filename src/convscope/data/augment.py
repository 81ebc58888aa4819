"""Random changes that do not change what the picture shows, on whole batches.

Each takes normalised images N x C x H x W and a CPU generator, and gives the same on every device.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .batches import Augment


def affine(images: Tensor, coin: torch.Generator) -> Tensor:
    """Rotate by up to 12 degrees, scale by up to 12 %, shear by up to 0.15 and shift by up to 8 %: for digits.

    What comes in from outside is the colour of the image's own corner: on a digit, the background.
    """
    n = len(images)
    draw = torch.rand(5, n, generator=coin, dtype=torch.float64).mul(2).sub(1)
    angle, scale, shear = draw[0] * math.radians(12), 1 + 0.12 * draw[1], 0.15 * draw[2]
    cos, sin = angle.cos() * scale, angle.sin() * scale
    rows = torch.stack(
        [
            torch.stack([cos, shear * cos - sin, 0.16 * draw[3]], 1),
            torch.stack([sin, shear * sin + cos, 0.16 * draw[4]], 1),
        ],
        1,
    )
    grid = F.affine_grid(rows.to(images.device, images.dtype), list(images.shape), align_corners=False)
    corner = images[:, :, :1, :1]
    return F.grid_sample(images - corner, grid, padding_mode="zeros", align_corners=False) + corner


def flip_crop(images: Tensor, coin: torch.Generator) -> Tensor:
    """Mirror half of the images and shift each by up to an eighth of its side, edges repeated: for photos."""
    n, _, height, width = images.shape
    mirrored = torch.rand(n, generator=coin) < 0.5
    margin = max(height, width) // 8
    shift = torch.randint(-margin, margin + 1, (2, n, 1), generator=coin)
    rows = (torch.arange(height) + shift[0]).clamp(0, height - 1)
    columns = (torch.arange(width) + shift[1]).clamp(0, width - 1)
    columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    index = (torch.arange(n)[:, None, None], slice(None), rows[:, :, None], columns[:, None, :])
    moved = images[tuple(i.to(images.device) if isinstance(i, Tensor) else i for i in index)]
    return moved.permute(0, 3, 1, 2)


AUGMENTATIONS: dict[str, Augment | None] = {"none": None, "affine": affine, "flip-crop": flip_crop}
