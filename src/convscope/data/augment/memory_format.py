"""How a batch lies in memory: an image as one row of bytes is what can be copied fast.

Indexing a channels-last batch of uint8 images copies it value by value; copying rows is ten to twenty times as fast.
"""

from __future__ import annotations

import torch
from torch import Tensor


def is_channels_last(images: Tensor) -> bool:
    """Whether images N x C x H x W lie in memory as N x H x W x C. With one channel they lie both ways."""
    return images.is_contiguous(memory_format=torch.channels_last)


def rows(images: Tensor) -> Tensor:
    """N x C x H x W -> N x (C H W) in the order of memory: a view, where the images lie densely."""
    return (images.permute(0, 2, 3, 1) if is_channels_last(images) else images).flatten(1)


def from_rows(flat: Tensor, like: Tensor) -> Tensor:
    """The way back from `rows`, for any number of images that are laid out like those."""
    _, c, h, w = like.shape
    if is_channels_last(like):
        return flat.view(len(flat), h, w, c).permute(0, 3, 1, 2)
    return flat.view(len(flat), c, h, w)


def take(images: Tensor, places: Tensor) -> Tensor:
    """`images[places]` for int64 places M on the images' device, in the images' memory format, and quickly."""
    return from_rows(rows(images).index_select(0, places), images)


def laid_out_like(images: Tensor, other: Tensor) -> Tensor:
    """The images in the memory format of `other`; a copy only where they are not."""
    return images.contiguous(memory_format=_format(other))


def an_image(values: Tensor, images: Tensor) -> Tensor:
    """One number an image, N on the CPU -> N x 1 x 1 x 1 float32 where the images are."""
    return values.to(images.device, torch.float32).view(-1, 1, 1, 1)


def own(images: Tensor) -> Tensor:
    """A float32 copy in the same memory format that may be written."""
    return images.to(torch.float32, copy=True, memory_format=_format(images))


def _format(images: Tensor) -> torch.memory_format:
    return torch.channels_last if is_channels_last(images) else torch.contiguous_format
