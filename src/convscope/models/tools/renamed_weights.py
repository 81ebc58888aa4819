"""Take weights that another program stored under other names, when they are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


def rename_weights(network: nn.Module, state: dict[str, Any], prefix: str, layers: Mapping[str, str]) -> None:
    """Rename the weights in `state` below `prefix`: `layers` says for the name of each layer there what it is here.

    The weights must be those of the whole network, no more and no less, in its shapes: ValueError in one line if not.
    """
    own, kind = network.state_dict(), type(network).__name__
    names = {
        prefix + f"{theirs}.{part}".lstrip("."): f"{ours}.{part}"
        for theirs, ours in layers.items()
        for part in ("weight", "bias")
        if f"{ours}.{part}" in own
    }
    given = [key for key in state if key.startswith(prefix)]
    for key in given:
        if key not in names:
            raise ValueError(f"these weights do not fit {kind}: '{key}' has no counterpart in it")
    for key, name in names.items():
        if key not in state:
            raise ValueError(f"these weights do not fit {kind}: '{key}' is missing")
        if state[key].shape != own[name].shape:
            raise ValueError(
                f"these weights do not fit {kind}: '{key}' is {_shape(state[key])}, not {_shape(own[name])} (see "
                "num_classes, in_channels and img_size)"
            )
    if missing := sorted(set(own) - set(names.values())):
        raise ValueError(f"these weights do not fit {kind}: they have nothing for '{missing[0]}'")
    renamed = [(names[key], state.pop(key)) for key in given]
    state.update({prefix + name: value for name, value in renamed})


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape))
