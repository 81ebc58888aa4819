"""The features of an image at chosen layers of a network, as one vector: the input of classical classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...nested import tensors_in
from ...suggest import did_you_mean

# The default: the input of the last layer.
PENULTIMATE = "penultimate"


class LayerFeatures:
    """The outputs of the layers `names` of a network (paths of modules, or `penultimate`), concatenated.

    Maps are averaged over their positions, so that every channel is one number. `head` are the paths of the network's
    last layers, of which `penultimate` is the input. ValueError, with the nearest names, for an unknown layer.
    """

    def __init__(self, network: nn.Module, names: Sequence[str], head: Sequence[str]):
        paths = {path: module for path, module in network.named_modules() if path}
        for name in names:
            if name != PENULTIMATE and name not in paths:
                hint = did_you_mean(name, paths, f"choose `{PENULTIMATE}`", cutoff=0.3)
                raise ValueError(f"the network has no layer '{name}' to take features from: {hint}")
        if PENULTIMATE in names and (not head or head[-1] not in paths):
            raise ValueError(f"the network has no last layer, so it has no `{PENULTIMATE}` features; name a layer")
        self.network, self.names = network, tuple(names)
        self.taken = {name: paths[name] for name in names if name != PENULTIMATE}
        self.last = paths[head[-1]] if PENULTIMATE in names else None

    def __call__(self, images: Tensor) -> Tensor:
        """Return features N x width, float32, of normalised images N x C x H x W."""
        features: dict[str, Tensor] = {}

        def before(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            features[PENULTIMATE] = flat(inputs[0])

        handles = [] if self.last is None else [self.last.register_forward_pre_hook(before)]
        for name, module in self.taken.items():

            def behind(module: nn.Module, inputs: Any, output: Any, name: str = name) -> None:
                features[name] = flat(tensors_in(output)[0])

            handles.append(module.register_forward_hook(behind))
        try:
            self.network(images)
        finally:
            for handle in handles:
                handle.remove()
        return torch.cat([features[name] for name in self.names], dim=1)


def flat(output: Tensor) -> Tensor:
    """Return the mean of each map, N x C x H x W -> N x C; anything else as N x all of it."""
    return (output.mean((2, 3)) if output.ndim == 4 else output.flatten(1)).float()
