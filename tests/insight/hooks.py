"""Count the hooks of a network, to see that none is left behind."""

from __future__ import annotations

from torch import nn


def hooks_of(network: nn.Module) -> int:
    """Return the number of hooks of all modules. PyTorch has no public way to list them."""
    kinds = (
        "_forward_hooks",
        "_forward_pre_hooks",
        "_forward_hooks_always_called",
        "_backward_hooks",
        "_backward_pre_hooks",
    )
    return sum(len(getattr(module, kind)) for module in network.modules() for kind in kinds)
