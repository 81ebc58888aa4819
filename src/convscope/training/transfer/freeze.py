"""Freeze and unfreeze the body, which is all of a network but its head (`--freeze`, `--freeze-epochs`, ...)."""

from __future__ import annotations

from collections.abc import Collection

from torch import Tensor, nn

from ...models.tools.head import find_head
from ..recipe.recipe import Recipe


class Body:
    """The layers of a network outside its head. While frozen they keep their weights and their running statistics.

    `head` are the paths of modules that `find_head` gives. Parameters that never learn, such as fixed first kernels,
    stay as they are. With `keep_statistics`, batch norms keep their running statistics even while they learn: those of
    many other images are better than those of a few small batches.
    """

    def __init__(self, network: nn.Module, head: Collection[str], keep_statistics: bool = False):
        self.keep_statistics = keep_statistics

        def outside(path: str) -> bool:
            return not any(path == part or path.startswith(f"{part}.") for part in head)

        # In the order of the network, so that the layers next to the image are unfrozen last.
        modules = [module for path, module in network.named_modules() if outside(path)]
        learning = (p for module in modules for p in module.parameters(recurse=False) if p.requires_grad)
        self.parameters = list(dict.fromkeys(learning))
        members = set(self.parameters)
        self.layers = [m for m in modules if _has_statistics(m) or members & set(m.parameters(recurse=False))]

    def freeze(self, share: float) -> None:
        """Freeze the first `share` (0 to 1) of the body's layers and unfreeze the others.

        To be called after the network was put into training mode.
        """
        frozen = round(share * len(self.layers))
        members = set(self.parameters)
        for number, layer in enumerate(self.layers):
            for parameter in members & set(layer.parameters(recurse=False)):
                parameter.requires_grad_(number >= frozen)
            if _has_statistics(layer):
                layer.train(number >= frozen and not self.keep_statistics)


def find_body(network: nn.Module, images: Tensor, recipe: Recipe, keep_statistics: bool = False) -> Body | None:
    """Return the body if it is treated in another way than the head: frozen, slower, or with its statistics kept.

    `images` are a few of the data.
    """
    frozen = recipe.freeze or recipe.freeze_epochs or recipe.unfreeze_epochs
    if not frozen and recipe.body_lr_factor == 1 and not keep_statistics:
        return None
    return Body(network, find_head(network, images), keep_statistics)


def frozen_share(recipe: Recipe, epoch: int) -> float:
    """Return the share of the body that is frozen in this epoch, counted from 0; at 1 only the head learns.

    Gradual unfreezing begins with the last layers (Howard and Ruder 2018, arXiv 1801.06146).
    """
    if recipe.freeze or epoch < recipe.freeze_epochs:
        return 1.0
    return max(1 - (epoch - recipe.freeze_epochs + 1) / (recipe.unfreeze_epochs + 1), 0.0)


def keeps_statistics(body: Body | None) -> bool:
    """Return whether the batch norms of a network with this body keep their statistics."""
    return body is not None and body.keep_statistics


def _has_statistics(module: nn.Module) -> bool:
    """Return whether a module keeps running statistics, as batch norm does."""
    return getattr(module, "running_mean", None) is not None
