"""Progressive resizing: small images first, whose convolutions cost less, and the full size in the end.

J. Howard (fast.ai, DAWNBench 2018) trained ImageNet so; on a processor, where convolutions are nearly all of the time,
the gain is nearly that of the area.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

# Share of the training until which the side is this share of the full one.
SCALES = ((0.5, 0.75), (0.8, 0.875), (float("inf"), 1.0))


def progressive_scale(share: float) -> float:
    """The share of the full side for this share of the training."""
    return next(scale for until, scale in SCALES if share < until)


def shrink(images: Tensor, scale: float) -> Tensor:
    """A batch N x C x H x W with sides of `scale` times the length, smoothed as Pillow does when it shrinks."""
    if scale == 1.0:
        return images
    size = tuple(max(round(side * scale), 1) for side in images.shape[2:])
    return F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
