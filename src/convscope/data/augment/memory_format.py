"""Copy images fast whatever their memory format: as one row of values per image.

Indexing a channels-last batch of uint8 images copies it value by value; copying rows is ten to twenty times as fast.
"""

from __future__ import annotations

import torch
from torch import Tensor


def is_channels_last(images: Tensor) -> bool:
    """Whether images N x C x H x W lie in memory as N x H x W x C. With one channel, both formats are the same."""
    return images.is_contiguous(memory_format=torch.channels_last)


def rows(images: Tensor) -> Tensor:
    """Turn N x C x H x W into N x (C H W) in the order of memory: a view if the images are dense."""
    return (images.permute(0, 2, 3, 1) if is_channels_last(images) else images).flatten(1)


def from_rows(flat: Tensor, like: Tensor) -> Tensor:
    """Turn rows, of any number, back into images with the shape and memory format of those in `like`."""
    _, c, h, w = like.shape
    if is_channels_last(like):
        return flat.view(len(flat), h, w, c).permute(0, 3, 1, 2)
    return flat.view(len(flat), c, h, w)


def take(images: Tensor, indices: Tensor) -> Tensor:
    """Return `images[indices]` in the same memory format, fast; int64 indices M on the images' device."""
    return from_rows(rows(images).index_select(0, indices), images)


def in_format_of(other: Tensor, images: Tensor) -> Tensor:
    """Return `images` in the memory format of `other`; a copy only if theirs is another."""
    return images.contiguous(memory_format=_format(other))


def per_image(values: Tensor, images: Tensor) -> Tensor:
    """Turn one number per image, N on the CPU, into N x 1 x 1 x 1 float32 on the images' device."""
    return values.to(images.device, torch.float32).view(-1, 1, 1, 1)


def float_copy(images: Tensor) -> Tensor:
    """Return a float32 copy in the same memory format."""
    return images.to(torch.float32, copy=True, memory_format=_format(images))


def _format(images: Tensor) -> torch.memory_format:
    return torch.channels_last if is_channels_last(images) else torch.contiguous_format
