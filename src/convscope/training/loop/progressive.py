"""Progressive resizing (`--progressive`): small images first, whose convolutions cost less, the full size at the end.

J. Howard (fast.ai, DAWNBench 2018) trained ImageNet this way. On a CPU, where convolutions take nearly all the time, a
step saves nearly as large a share of its time as of its pixels.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

# Until the first share of the training, the second share of the full side.
SCALES = ((0.5, 0.75), (0.8, 0.875), (float("inf"), 1.0))


def progressive_scale(share: float) -> float:
    """Return the factor of the image's side at this share (0 to 1) of the training."""
    return next(scale for until, scale in SCALES if share < until)


def shrink(images: Tensor, scale: float) -> Tensor:
    """Scale the sides of a batch N x C x H x W, smoothed as Pillow does when it shrinks an image."""
    if scale == 1.0:
        return images
    size = tuple(max(round(side * scale), 1) for side in images.shape[2:])
    return F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
