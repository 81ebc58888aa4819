"""What an augmentation gets besides the images: a random generator, and which images these are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class BatchContext:
    """What an augmentation may depend on besides the pixels of a batch.

    `generator` is a CPU generator: parameters are sampled on the CPU and then moved, so that every device gets the
    same. `indices` (int64 N, on the CPU) are the positions of the images in their split; `seed` is the run's. `size`
    is height and width of the network's input; None where the images have it already.
    """

    generator: torch.Generator
    epoch: int
    indices: Tensor
    seed: int
    size: tuple[int, int] | None = None


Augment = Callable[[Tensor, BatchContext], Tensor]
"""Images N x C x H x W, pixel values 0..255, uint8 or float32 -> the same or float32. The input is not changed.

Only `random-crop` changes the size.
"""


def uniform(generator: torch.Generator, *shape: int) -> Tensor:
    """Sample uniformly from -1 to 1: float64, on the CPU."""
    return torch.rand(shape, generator=generator, dtype=torch.float64).mul_(2).sub_(1)


def in_pixels(amount: float, side: int) -> int:
    """Return an amount in whole pixels, rounded down; below 1 it is a share of the side."""
    return int(amount if amount >= 1 else amount * side + 1e-6)
