"""What every augmentation is: a function of a batch and of where its randomness comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Draw:
    """What a random change may know: its source of randomness, and which images of which epoch these are.

    `coin` is a CPU generator: draws are made on the CPU and moved, so that every device gets the same. `indices`
    (int64 N, on the CPU) are the images' places in their split, `seed` is the run's.
    """

    coin: torch.Generator
    epoch: int
    indices: Tensor
    seed: int


Augment = Callable[[Tensor, Draw], Tensor]
"""Images N x C x H x W, pixel values 0..255, uint8 or float32 -> the same, or float32. The input is not written."""


def uniform(coin: torch.Generator, *shape: int) -> Tensor:
    """Float64 on the CPU, evenly from -1 to 1."""
    return torch.rand(shape, generator=coin, dtype=torch.float64).mul_(2).sub_(1)


def pixels_of(amount: float, side: int) -> int:
    """An amount that is a number of pixels, or, below 1, a share of the side; rounded down."""
    return int(amount if amount >= 1 else amount * side + 1e-6)
