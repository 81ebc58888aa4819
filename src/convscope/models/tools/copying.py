"""Copies of networks, also of those that `copy.deepcopy` refuses."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer


def copy_network(network: nn.Module, tensors: Mapping[int, Any] | None = None) -> nn.Module:
    """Copy a network with its hooks; `tensors` has what takes the place of its own tensors, by their `id`.

    Also copied are what torch itself does not copy: statistics that wait for a first image (`LazyBatchNorm2d`), weights
    that a hook computes from others (`nn.utils.weight_norm`), and maps that a network keeps of its last image.
    """
    copies, waiting = dict(tensors or {}), cast(Any, UninitializedBuffer)  # torch's stub lacks its arguments
    for module in network.modules():
        for value in [*vars(module).values(), *module._buffers.values()]:
            if isinstance(value, UninitializedBuffer):
                copies.setdefault(id(value), waiting(device=value.device, dtype=value.dtype))
            elif isinstance(value, Tensor) and not value.is_leaf:
                copies.setdefault(id(value), value.detach().clone())
    return copy.deepcopy(network, copies)
