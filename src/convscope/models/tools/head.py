"""Find the head of a network: the last layers, which classify. All the rest is its body."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from ...nested import tensors_in
from .copying import copy_network


def find_head(network: nn.Module, images: Tensor) -> list[str]:
    """Return the paths of the modules whose parameters come last before an output of `network` for `images`.

    They are found by following autograd's graph back from the outputs of a training pass, not by names, so that the
    answer is right for any network. Auxiliary classifiers have heads too. The pass runs on a copy of the network.
    """
    trial = copy_network(network).requires_grad_(True).train()
    paths_by_id = {id(p): path for path, p in trial.named_parameters()}
    order = list(dict.fromkeys(path.rpartition(".")[0] for path in paths_by_id.values()))
    with torch.enable_grad(), torch.random.fork_rng(devices=[images.device] if images.device.type == "cuda" else []):
        outputs = trial(images)
    heads = set()
    for output in tensors_in(outputs):
        if output.grad_fn is not None:
            nearest = next(_levels(output.grad_fn, paths_by_id), [])
            paths = sorted({path.rpartition(".")[0] for path in nearest}, key=order.index)
            # A norm before a layer without bias is as near to the output as the layer itself.
            layers = [path for path in paths if isinstance(trial.get_submodule(path), nn.Linear | nn.Conv2d)]
            heads.update(layers or paths[-1:])
    return sorted(heads)


def _levels(start: Node, paths_by_id: dict[int, str]) -> Iterator[list[str]]:
    """Yield the parameters that are reached from `start`: those at the same number of steps together, nearest first."""
    level, seen = [start], {start}
    while level:
        reached = [paths_by_id[id(v)] for node in level if id(v := getattr(node, "variable", None)) in paths_by_id]
        if reached:
            yield reached
        following = dict.fromkeys(node for parent in level for node, _ in parent.next_functions if node is not None)
        level = [node for node in following if node not in seen]
        seen.update(level)
