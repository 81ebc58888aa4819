"""Samplers: which training images an epoch shows, and in which order."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Sampler = Callable[[Tensor, torch.Generator], Tensor]
"""Labels N (int64, on the CPU) and a CPU generator -> int64 indices, as many as an epoch shows images."""


def shuffled(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Return every index once, in random order."""
    return torch.randperm(len(labels), generator=generator)


def balanced(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Return N indices with equally many of every class: large classes are undersampled, small ones oversampled.

    Within an epoch, no image of a class is repeated before all others of the class have been shown.
    """
    classes, counts = labels.unique(return_counts=True)
    share, rest = divmod(len(labels), len(classes))
    # Random classes, others in each epoch, get the remaining images.
    extra = torch.randperm(len(classes), generator=generator) < rest
    chosen = []
    for label, count, more in zip(classes.tolist(), counts.tolist(), extra.tolist(), strict=True):
        members = (labels == label).nonzero()[:, 0]
        wanted = share + more
        rounds = [members[torch.randperm(count, generator=generator)] for _ in range(-(-wanted // count))]
        chosen.append(torch.cat([*rounds, members[:0]])[:wanted])
    together = torch.cat(chosen)
    return together[torch.randperm(len(together), generator=generator)]


SAMPLERS: dict[str, Sampler] = {"shuffle": shuffled, "balanced": balanced}
