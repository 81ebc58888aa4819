"""Start from the weights of an earlier run or bundle (`--from-run`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ...bundle import read_bundle
from ...bundle_config import find_bundle
from ...data.preprocess import Preprocess
from ...errors import ModelFileError, printable
from ...models import Card
from ...models.tools.head import find_head
from ..recipe.recipe import Recipe


class EarlierRun:
    """The network of a run or bundle from which another training starts; ModelFileError if there is none.

    `own` is the card of a person's own network.
    """

    def __init__(self, source: str, own: Card | None = None):
        self.bundle = find_bundle(source)
        self.network, config = read_bundle(self.bundle, model=own)
        self.architecture: str = config["architecture"]
        self.class_names: list[str] = config["label_names"]
        self.model_args: dict[str, Any] = config["model_args"]
        self.preprocess = Preprocess.from_dict(config["preprocessing"])

    def with_its_network(self, recipe: Recipe, given: Mapping[str, Any]) -> Recipe:
        """Return the recipe with this run's network and input, except for the fields that were `given`.

        ModelFileError if another network was given.
        """
        model = given.get("model", self.architecture)
        if model != self.architecture:
            raise ModelFileError(
                f"{printable(self.bundle)} is a {self.architecture}, not a {printable(model)}: leave --model out"
            )
        channels, height, _ = self.preprocess.input_size
        fields = {
            "model": self.architecture,
            "model_args": {k: v for k, v in self.model_args.items() if k not in ("num_classes", "in_channels")},
            "img_size": height,
            "in_channels": channels,
            "crop_mode": self.preprocess.crop_mode,
        }
        # The path instead of `last`, which will stand for another run when this one is resumed.
        return recipe.changed(from_run=str(self.bundle), **{k: v for k, v in fields.items() if k not in given})

    def copy_weights(self, network: nn.Module, class_names: list[str]) -> None:
        """Copy the weights into `network`; its head keeps its own where the classes are others.

        ModelFileError if `network` was built in another way.
        """
        parameters, wanted = dict(network.named_parameters()), network.state_dict()
        head = set() if class_names == self.class_names else self._head()
        state = {}
        for key, tensor in self.network.state_dict().items():
            own = wanted.get(key)
            fits = own is not None and own.shape == tensor.shape
            # Constants behind the head (the targets of LeNet-5) depend on the classes as well.
            fresh = own is not None and (key.rpartition(".")[0] in head or (not fits and key not in parameters))
            if not fits and not fresh:
                raise ModelFileError(
                    f"{printable(self.bundle)} does not fit this network ('{key}' differs): leave --img-size, "
                    "--in-channels and --model-arg as that run had them"
                )
            state[key] = own if fresh else tensor
        network.load_state_dict(state)

    def _head(self) -> set[str]:
        return set(find_head(self.network, torch.zeros(2, *self.preprocess.input_size)))
