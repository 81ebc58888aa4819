"""Mixing images with each other, and their labels with them; on normalised batches, just before the network.

The loss of a mixed batch is share x loss(first) + (1 - share) x loss(second).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .memory_format import take


@dataclass(frozen=True)
class Mixed:
    """The labels of a mixed batch: `first` and `second` (int64 N), and the weight from 0 to 1 of the first."""

    first: Tensor
    second: Tensor
    share: float


Mix = Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Mixed]]


def mixer(mixup_alpha: float, cutmix_alpha: float) -> Mix | None:
    """What mixes a batch by the alphas of a recipe, 0 for not at all; with both, one of the two for each batch."""
    ways: list[Mix] = []
    if mixup_alpha:
        ways.append(lambda images, labels, coin: mixup(images, labels, coin, mixup_alpha))
    if cutmix_alpha:
        ways.append(lambda images, labels, coin: cutmix(images, labels, coin, cutmix_alpha))
    if not ways:
        return None
    return lambda images, labels, coin: ways[int(torch.randint(len(ways), (), generator=coin))](images, labels, coin)


def mixup(images: Tensor, labels: Tensor, coin: torch.Generator, alpha: float) -> tuple[Tensor, Mixed]:
    """share x image + (1 - share) x another image of the batch (Zhang et al. 2017, arXiv 1710.09412).

    Images N x C x H x W float, labels N, a CPU generator; the share, one for the batch, is drawn from
    Beta(alpha, alpha).
    """
    share, partners = draw_share(coin, alpha), draw_partners(images, coin)
    return torch.lerp(take(images, partners), images, share), Mixed(labels, labels[partners], share)


def cutmix(images: Tensor, labels: Tensor, coin: torch.Generator, alpha: float) -> tuple[Tensor, Mixed]:
    """Paste a box of another image of the batch into each (Yun et al. 2019, arXiv 1905.04899).

    Images N x C x H x W float, labels N, a CPU generator; one box for the batch, of about the area 1 - Beta(alpha,
    alpha). The share is what of the first image is really left, since the box may reach over the edge.
    """
    share, partners = draw_share(coin, alpha), draw_partners(images, coin)
    h, w = images.shape[2:]
    top, bottom, left, right = draw_box(h, w, share, coin)
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = take(images, partners)[:, :, top:bottom, left:right]
    return mixed, Mixed(labels, labels[partners], 1 - (bottom - top) * (right - left) / (h * w))


def draw_share(coin: torch.Generator, alpha: float) -> float:
    """From Beta(alpha, alpha); 1 (nothing is mixed) for alpha 0."""
    # PyTorch's own beta distribution takes no generator, so NumPy draws, from a seed that the generator gives.
    seed = int(torch.randint(2**62, (), generator=coin))
    return float(np.random.default_rng(seed).beta(alpha, alpha)) if alpha > 0 else 1.0


def draw_partners(images: Tensor, coin: torch.Generator) -> Tensor:
    """Each image's partner: int64 N, a permutation, where the images are."""
    return torch.randperm(len(images), generator=coin).to(images.device)


def draw_box(h: int, w: int, share: float, coin: torch.Generator) -> tuple[int, int, int, int]:
    """Top, bottom, left, right (the end not in it) of a box of the image's proportions and 1 - share of its area.

    Its centre is anywhere in the image; what is outside is cut off.
    """
    edges: list[int] = []
    for side in (h, w):
        centre = int(torch.randint(side, (), generator=coin))
        half = int(side * math.sqrt(1 - share)) // 2
        edges += [max(centre - half, 0), min(centre + half, side)]
    return edges[0], edges[1], edges[2], edges[3]
