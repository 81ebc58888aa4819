"""The loss that a network of the catalogue brings with it, as LeNet-5 and GoogLeNet do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

# The package that this file belongs to, with a dot behind it.
CATALOGUE_MODULES = f"{__name__.partition('.models.')[0]}."


def own_loss(network: nn.Module) -> Callable[..., Tensor] | None:
    """Return a network's method `loss` if the catalogue defines it, else None.

    In other people's modules, an attribute of this name can be a criterion for probabilities, a number, or a step of a
    training.
    """
    loss: Any = getattr(network, "loss", None)
    return loss if callable(loss) and str(getattr(loss, "__module__", "")).startswith(CATALOGUE_MODULES) else None
