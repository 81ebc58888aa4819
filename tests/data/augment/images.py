"""Images and random generators that the tests of the augmentations share."""

from __future__ import annotations

import torch
from torch import Tensor

from convscope.data.augment import BatchContext, parse_augment


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def context(n: int, seed: int = 0, epoch: int = 0) -> BatchContext:
    return BatchContext(generator(seed), epoch, torch.arange(n), seed)


def noise(shape: tuple[int, ...], seed: int = 7) -> Tensor:
    """Return random uint8 images."""
    return torch.randint(256, shape, dtype=torch.uint8, generator=generator(seed))


def photos(n: int, c: int, h: int, w: int) -> Tensor:
    """Return uint8 images as smooth as photos: tiny differences of position hardly change interpolated values."""
    small = torch.rand(n, c, 4, 5, generator=generator(3)) * 255
    return torch.nn.functional.interpolate(small, (h, w), mode="bicubic").clamp(0, 255).byte()


def channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)


def apply(name: str, images: Tensor, seed: int = 0) -> Tensor:
    augment = parse_augment(name)
    assert augment is not None
    return augment(images, context(len(images), seed))
