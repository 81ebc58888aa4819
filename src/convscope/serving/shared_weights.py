"""Copies of a network that share its weights, except those that are to be changed."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..models.tools.copying import copy_network


def copy_modules(network: nn.Module, changed: tuple[str, ...] = ()) -> nn.Module:
    """Copy the modules and hooks of a network and the parameters named in `changed`; the other weights are shared."""
    own = set(changed)
    shared: dict[int, Any] = {}
    for name, parameter in network.named_parameters():
        if name not in own:
            shared[id(parameter)] = nn.Parameter(parameter.detach(), requires_grad=parameter.requires_grad)
    for buffer in network.buffers():
        shared[id(buffer)] = buffer
    return copy_network(network, shared)
