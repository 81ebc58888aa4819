"""In which order the training images of an epoch come."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Order = Callable[[Tensor, torch.Generator], Tensor]
"""Labels N (int64, on the CPU) and a CPU generator -> int64 indices, as many as an epoch shows."""


def shuffled(labels: Tensor, coin: torch.Generator) -> Tensor:
    """Every image once."""
    return torch.randperm(len(labels), generator=coin)


def balanced(labels: Tensor, coin: torch.Generator) -> Tensor:
    """As many images of every class, N in all: of a large class some, of a small one all as often as another.

    Within an epoch no image of a class comes again before all others of it have come.
    """
    classes, counts = labels.unique(return_counts=True)
    share, rest = divmod(len(labels), len(classes))
    # The images that are left over go to classes that are drawn anew each epoch.
    extra = torch.randperm(len(classes), generator=coin) < rest
    chosen = []
    for label, count, more in zip(classes.tolist(), counts.tolist(), extra.tolist(), strict=True):
        members = (labels == label).nonzero()[:, 0]
        wanted = share + more
        rounds = [members[torch.randperm(count, generator=coin)] for _ in range(-(-wanted // count))]
        chosen.append(torch.cat([*rounds, members[:0]])[:wanted])
    together = torch.cat(chosen)
    return together[torch.randperm(len(together), generator=coin)]


ORDERS: dict[str, Order] = {"shuffle": shuffled, "balanced": balanced}
