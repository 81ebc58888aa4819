"""The card of a network: its paper, its family, the input it was made for, its published error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Card:
    """A network of the catalogue.

    `input_size` is channels x height x width. `border` says how many of its outer pixels are background around the
    image (LeNet-5 takes 28 x 28 digits in 32 x 32 pixels). `mean` and `std` are in units of the pixel range 0..1;
    without them a training run computes them from its training images. `top1_error` and `top5_error` are the published
    figures in per cent on `benchmark`. `year` is None where nothing was published. `fixed_channels` is the number of
    channels of a network that takes no other.
    """

    name: str
    build: Callable[..., nn.Module]
    year: int | None
    authors: str
    paper: str
    url: str
    family: str
    input_size: tuple[int, int, int]
    border: int = 0
    mean: float | None = None
    std: float | None = None
    benchmark: str = ""
    top1_error: float | None = None
    top5_error: float | None = None
    fixed_channels: int | None = None
