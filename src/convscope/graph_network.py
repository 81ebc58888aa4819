"""A bundle's graph in the place of a person's own network whose code is not there: it answers, and nothing else."""

from __future__ import annotations

import logging
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from .abstention import Abstention, Familiar
from .bundle_config import read_config
from .errors import printable
from .models.own.source import is_own, needs_class
from .onnx_graph import graph_of
from .predictor import Predictor, open_predictor

log = logging.getLogger("convscope")
# How far a pixel that was normalised and is computed back may be from a whole number.
ROUNDING = 0.01


class MeasuredDistance(Familiar):
    """Familiar pictures whose distances the graph has measured: they stand where features would."""

    def distances(self, features: Tensor) -> Tensor:
        """Return the distances N of "features" N x 1 that are distances already."""
        return features[:, 0].double()


class GraphNetwork(nn.Module):
    """The logits N x classes of normalised images N x C x H x W, computed by the graph, whose input is their pixels.

    `distance`, a module, is given the distances N x 1 to familiar pictures, where the bundle has those. Whoever asks
    for what only the code can give, such as layers, gradients or weights, gets the ModelFileError that says how to give
    it. Several threads may use one.
    """

    def __init__(self, predictor: Predictor):
        super().__init__()
        self.predictor = predictor
        self.distance = nn.Identity()
        self.register_buffer("place", torch.empty(0), persistent=False)
        self.is_said = False

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits; ModelFileError for images that are no pixels, or of which gradients are asked."""
        if images.requires_grad or images.device.type == "meta":
            self.need_code()
        scale, shift = self.predictor.preprocess._scale_and_shift(images.device)
        values = (images - shift) / scale
        pixels = values.round()
        if not bool(((values - pixels).abs() < ROUNDING).all()) or pixels.min() < 0 or pixels.max() > 255:
            self.need_code()
        if not self.is_said:
            self._say()
        batches = pixels.to("cpu", torch.uint8).permute(0, 2, 3, 1).split(self.predictor.batch_size)
        parts = [self.predictor.run(list(batch.numpy())) for batch in batches]
        if parts[0].distances is not None:
            self.distance(torch.from_numpy(np.concatenate([part.distances for part in parts]))[:, None])
        return torch.from_numpy(np.concatenate([part.logits for part in parts])).to(images.device)

    def _say(self) -> None:
        self.is_said = True
        log.warning(
            "%s: its graph answers, since the code of its network, %s, was not given (--model); that is enough to "
            "predict, to evaluate and for serve --api",
            printable(self.predictor.bundle), printable(self.predictor.config["architecture"]),
        )  # fmt: skip

    def need_code(self) -> NoReturn:
        """Raise the ModelFileError that says that the code of the network is missing, and how to give it."""
        predictor = self.predictor
        raise needs_class(predictor.config["architecture"], printable(predictor.bundle))

    def train(self, mode: bool = True) -> GraphNetwork:
        """Refuse to be trained."""
        return super().train(mode) if not mode else self.need_code()

    def state_dict(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to give weights."""
        self.need_code()

    def register_forward_hook(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to be watched."""
        self.need_code()

    register_forward_pre_hook = register_forward_hook

    def __deepcopy__(self, memo: Any) -> NoReturn:
        self.need_code()


def read_graph(bundle: Path) -> tuple[GraphNetwork, dict[str, Any], Abstention] | None:
    """Return what answers for a person's own network without its code, and what the bundle says; None without graph.

    ModelFileError if the graph was not made from the weights beside it.
    """
    config = read_config(bundle)
    if not is_own(config["architecture"]) or graph_of(bundle) is None or find_spec("onnxruntime") is None:
        return None
    predictor = open_predictor(bundle)
    abstention = predictor.abstention
    if (stored := abstention.familiar) is not None:
        known = MeasuredDistance("distance", None, stored.farthest, stored.kept)
        abstention = replace(abstention, familiar=known)
    return GraphNetwork(predictor), config, abstention
