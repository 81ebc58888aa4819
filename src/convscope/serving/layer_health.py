"""The health of every layer for one image: maps that are dead, values that are saturated or no numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..insight import Trace
from .layer_maps import in_maps, layer_maps

# Functions that level off, with the lowest and the highest value: close to either, hardly any gradient passes.
BOUNDS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "scaledtanh": (-1.7159, 1.7159)}
NEAR = 0.01


def layer_health(traced: Trace) -> list[dict[str, Any]]:
    """Return for each layer, as JSON: `channels`, how many of them are `dead` (0 everywhere), `not_finite` values, and
    the share of its values that is `saturated` (None for functions that do not level off)."""
    maps, health = layer_maps(traced.nodes), []
    for node in traced.nodes:
        output = in_maps(maps, node.name, traced.output(node.name))
        health.append({"layer": node.name, **_health(output, _bounds(node.attributes.get("function"), node.type))})
    return health


def _bounds(function: object, type: str) -> tuple[float, float] | None:
    return BOUNDS.get(str(function).lower()) or BOUNDS.get(type.lower())


def _health(output: Tensor, bounds: tuple[float, float] | None) -> dict[str, Any]:
    values = output.detach().float().reshape(output.shape[0], -1)
    saturated = None
    if bounds is not None:
        low, high = bounds
        near = NEAR * (high - low)
        saturated = round(float(((values < low + near) | (values > high - near)).float().mean()), 6)
    return {
        "channels": len(values),
        "dead": int((values == 0).all(1).sum()),
        "not_finite": int((~torch.isfinite(values)).sum()),
        "saturated": saturated,
    }
