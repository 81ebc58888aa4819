"""Learning on top of what a network has learned before: whose weights it starts from, and what of it stands still."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..bundle import find_bundle, read_bundle
from ..data.preprocess import Preprocess
from ..errors import ModelFileError, printable
from ..models.tools.head import find_head
from .recipe import Recipe


class Body:
    """All of a network but its head, held still or let go. A frozen body keeps its weights and its norms' statistics.

    `head` are paths of modules, as `find_head` gives them. What learned nothing before (fixed first kernels) learns
    nothing after.
    """

    def __init__(self, network: nn.Module, head: Collection[str]):
        def outside(path: str) -> bool:
            return not any(path == part or path.startswith(f"{part}.") for part in head)

        # In the order of the network, so that what sees the image first is let go last.
        self.modules = [module for path, module in network.named_modules() if outside(path)]
        found = (p for module in self.modules for p in module.parameters(recurse=False) if p.requires_grad)
        self.parameters = list(dict.fromkeys(found))
        learning = set(self.parameters)
        norm = nn.modules.batchnorm._BatchNorm
        self.modules = [m for m in self.modules if isinstance(m, norm) or learning & set(m.parameters(recurse=False))]

    def freeze(self, share: float) -> None:
        """Hold the first `share` (0 to 1) of the body's layers still and let go of the others.

        To be called once the network has been put into training mode.
        """
        held = round(share * len(self.modules))
        learning = set(self.parameters)
        for number, module in enumerate(self.modules):
            for parameter in learning & set(module.parameters(recurse=False)):
                parameter.requires_grad_(number >= held)
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.train(number >= held)


def body_of(network: nn.Module, images: Tensor, recipe: Recipe) -> Body | None:
    """The body, for a recipe that treats it in a way of its own; None for any other. `images` are a few of the data."""
    frozen = recipe.freeze or recipe.freeze_epochs or recipe.unfreeze_epochs
    if not frozen and recipe.body_lr_factor == 1:
        return None
    return Body(network, find_head(network, images))


def frozen_share(recipe: Recipe, epoch: int) -> float:
    """How much of the body is held still in this epoch (from 0): 1 is all of it, so that only the head learns.

    Gradual unfreezing lets go of the last layers first (Howard and Ruder 2018, arXiv 1801.06146).
    """
    if recipe.freeze or epoch < recipe.freeze_epochs:
        return 1.0
    return max(1 - (epoch - recipe.freeze_epochs + 1) / (recipe.unfreeze_epochs + 1), 0.0)


class EarlierRun:
    """A run or bundle whose network another training starts from; ModelFileError if there is none."""

    def __init__(self, source: str):
        self.bundle = find_bundle(source)
        self.network, config = read_bundle(self.bundle)
        self.architecture: str = config["architecture"]
        self.class_names: list[str] = config["label_names"]
        self.model_args: dict[str, Any] = config["model_args"]
        self.preprocess = Preprocess.from_dict(config["preprocessing"])

    def suit(self, recipe: Recipe, given: Mapping[str, Any]) -> Recipe:
        """The recipe for the network and the pictures of this run, but for the fields that were `given` otherwise.

        ModelFileError if another network was given.
        """
        model = given.get("model", self.architecture)
        if model != self.architecture:
            raise ModelFileError(
                f"{printable(self.bundle)} is a {self.architecture}, not a {printable(model)}: leave --model out"
            )
        channels, height, _ = self.preprocess.input_size
        its = {
            "model": self.architecture,
            "model_args": {k: v for k, v in self.model_args.items() if k not in ("num_classes", "in_channels")},
            "img_size": height,
            "in_channels": channels,
            "crop_mode": self.preprocess.crop_mode,
        }
        # A path, since `last` will be another run when this one goes on.
        return recipe.changed(from_run=str(self.bundle), **{k: v for k, v in its.items() if k not in given})

    def give(self, network: nn.Module, class_names: list[str]) -> None:
        """Copy the weights into `network`, whose head stays fresh where the classes are others.

        ModelFileError if it was built in another way.
        """
        parameters, wanted = dict(network.named_parameters()), network.state_dict()
        head = set() if class_names == self.class_names else self._head()
        state = {}
        for key, tensor in self.network.state_dict().items():
            own = wanted.get(key)
            fits = own is not None and own.shape == tensor.shape
            # Fixed values behind the head (the targets of LeNet-5) go by the classes as well.
            fresh = own is not None and (key.rpartition(".")[0] in head or (not fits and key not in parameters))
            if not fits and not fresh:
                raise ModelFileError(
                    f"{printable(self.bundle)} does not fit this network ('{key}' differs): leave --img-size, "
                    "--in-channels and --model-arg as that run had them"
                )
            state[key] = own if fresh else tensor
        network.load_state_dict(state)

    def _head(self) -> set[str]:
        size = self.preprocess.input_size
        return set(find_head(self.network, torch.zeros(2, *size)))
