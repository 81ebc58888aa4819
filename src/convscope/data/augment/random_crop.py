"""Random crops of a larger frame: no padding and no rescaling (Krizhevsky et al. 2012, sections 2 and 4.1).

There, and in the tutorials, training pixels are the central 256 x 256 of a photo whose shorter side was resized to 256,
and the network gets 224 x 224 of them. So the ends of the longer side are never seen, as in evaluation; torchvision's
`Resize(256), RandomCrop(224)` of a photo that is no square shows them too.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .context import BatchContext
from .memory_format import is_channels_last


def random_crop(images: Tensor, context: BatchContext, frame: float) -> Tensor:
    """Cut the network's input (`context.size`) out of each image at a random place.

    The images are decoded as squares of `frame` pixels; without a size in the context they stay whole.
    """
    size = context.size or (images.shape[2], images.shape[3])
    return cut_out(images, random_corners(images, size, context.generator), size)


def random_corners(images: Tensor, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Sample where crops of `size` (height, width) begin: top and left, int64 2 x N, uniform over all that fit."""
    room = [side - part for side, part in zip(images.shape[2:], size, strict=True)]
    return torch.stack([torch.randint(0, most + 1, (len(images),), generator=generator) for most in room])


def cut_out(images: Tensor, corners: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut a part of `size` (height, width) out of each image from its corner (2 x N, on the CPU: top, left) on."""
    n, c, h, w = images.shape
    high, wide = size
    if n == 0:
        return images[:, :, :high, :wide]
    last = is_channels_last(images)
    planes = images.permute(0, 2, 3, 1) if last else images.reshape(n * c, h, w, 1)
    top, left = corners if last else corners.repeat_interleave(c, 1)
    # Every line of the result is a contiguous piece of the images in memory, and copied as such.
    unit, flat = planes.shape[3], planes.reshape(-1).contiguous()
    lines = torch.arange(len(planes))[:, None] * h + top[:, None] + torch.arange(high)
    starts = (lines * (w * unit) + left[:, None] * unit).flatten()
    pieces = flat.as_strided((flat.numel() - wide * unit + 1, wide * unit), (1, 1))
    cut = pieces.index_select(0, starts.to(images.device))
    return cut.view(n, high, wide, c).permute(0, 3, 1, 2) if last else cut.view(n, c, high, wide)
