"""Mixup and CutMix: mix normalised images with others of the batch, and their labels too, just before the network.

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
"""Images N x C x H x W (float), labels N and a CPU generator -> mixed images and their labels."""


def mixer(mixup_alpha: float, cutmix_alpha: float) -> Mix | None:
    """Return the function that mixes batches as a recipe's alphas say, or None if both are 0.

    With both above 0, it chooses one of the two at random for each batch.
    """
    choices: list[Mix] = []
    if mixup_alpha:
        choices.append(lambda images, labels, generator: mixup(images, labels, generator, mixup_alpha))
    if cutmix_alpha:
        choices.append(lambda images, labels, generator: cutmix(images, labels, generator, cutmix_alpha))
    if not choices:
        return None

    def mix(images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Mixed]:
        chosen = choices[int(torch.randint(len(choices), (), generator=generator))]
        return chosen(images, labels, generator)

    return mix


def mixup(images: Tensor, labels: Tensor, generator: torch.Generator, alpha: float) -> tuple[Tensor, Mixed]:
    """Return share x image + (1 - share) x another image of the batch (Zhang et al. 2017, arXiv 1710.09412).

    Images N x C x H x W float, labels N, a CPU generator; the batch's one share is sampled from Beta(alpha, alpha).
    """
    share, partners = random_share(generator, alpha), random_partners(images, generator)
    return torch.lerp(take(images, partners), images, share), Mixed(labels, labels[partners], share)


def cutmix(images: Tensor, labels: Tensor, generator: torch.Generator, alpha: float) -> tuple[Tensor, Mixed]:
    """Paste a box of another image of the batch into each image (Yun et al. 2019, arXiv 1905.04899).

    Images N x C x H x W float, labels N, a CPU generator; one box for the batch, of about the area 1 - Beta(alpha,
    alpha). The share is the part of the first image that is actually left, since the box is cut off at the edge.
    """
    share, partners = random_share(generator, alpha), random_partners(images, generator)
    h, w = images.shape[2:]
    top, bottom, left, right = random_box(h, w, share, generator)
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = take(images, partners)[:, :, top:bottom, left:right]
    return mixed, Mixed(labels, labels[partners], 1 - (bottom - top) * (right - left) / (h * w))


def random_share(generator: torch.Generator, alpha: float) -> float:
    """Sample from Beta(alpha, alpha); 1 (nothing is mixed) for alpha 0."""
    # PyTorch's beta distribution takes no generator, so NumPy samples, with a seed that the generator gives.
    seed = int(torch.randint(2**62, (), generator=generator))
    return float(np.random.default_rng(seed).beta(alpha, alpha)) if alpha > 0 else 1.0


def random_partners(images: Tensor, generator: torch.Generator) -> Tensor:
    """Sample each image's partner: a permutation, int64 N, on the images' device."""
    return torch.randperm(len(images), generator=generator).to(images.device)


def random_box(h: int, w: int, share: float, generator: torch.Generator) -> tuple[int, int, int, int]:
    """Sample a box with the image's proportions and 1 - share of its area: top, bottom, left, right (ends exclusive).

    Its centre is anywhere in the image; what lies outside is cut off.
    """
    edges: list[int] = []
    for side in (h, w):
        centre = int(torch.randint(side, (), generator=generator))
        half = int(side * math.sqrt(1 - share)) // 2
        edges += [max(centre - half, 0), min(centre + half, side)]
    return edges[0], edges[1], edges[2], edges[3]
