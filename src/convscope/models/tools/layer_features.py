"""What a network knows of an image at chosen depths, as one vector: the input of classical classifiers."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

# The depth that is meant when none is named: what goes into the last layer.
PENULTIMATE = "penultimate"


class Depths:
    """The features of `network` behind the layers `names` (paths of modules, or `penultimate`), joined.

    Maps are averaged over their places, so that every channel is one number; `images` (N x C x H x W) are a few of the
    network's inputs, by which the last layer is found. ValueError, with the nearest names, for a layer that is not
    there.
    """

    def __init__(self, network: nn.Module, names: Sequence[str], head: Sequence[str]):
        paths = {path: module for path, module in network.named_modules() if path}
        for name in names:
            if name != PENULTIMATE and name not in paths:
                near = difflib.get_close_matches(name, paths, n=3, cutoff=0.3)
                hint = f"try {', '.join(near)}" if near else f"`{PENULTIMATE}` is always there"
                raise ValueError(f"no layer '{name}' to take features of: {hint}")
        if PENULTIMATE in names and (not head or head[-1] not in paths):
            raise ValueError("the network has no last layer to take the features in front of")
        self.network, self.names = network, tuple(names)
        self.taken = {name: paths[name] for name in names if name != PENULTIMATE}
        self.last = paths[head[-1]] if PENULTIMATE in names else None

    def __call__(self, images: Tensor) -> Tensor:
        """Normalised images N x C x H x W -> features N x width, float32."""
        found: dict[str, Tensor] = {}

        def into(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            found[PENULTIMATE] = flat(inputs[0])

        handles = [] if self.last is None else [self.last.register_forward_pre_hook(into)]
        for name, module in self.taken.items():

            def behind(module: nn.Module, inputs: Any, output: Any, name: str = name) -> None:
                found[name] = flat(next(t for t in tree_leaves(output) if isinstance(t, Tensor)))

            handles.append(module.register_forward_hook(behind))
        try:
            self.network(images)
        finally:
            for handle in handles:
                handle.remove()
        return torch.cat([found[name] for name in self.names], dim=1)


def flat(output: Tensor) -> Tensor:
    """N x C x H x W -> the mean of each map, N x C; anything else N x all of it."""
    return (output.mean((2, 3)) if output.ndim == 4 else output.flatten(1)).float()
