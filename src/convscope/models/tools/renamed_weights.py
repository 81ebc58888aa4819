"""Take weights that another program stored under other names, when they are loaded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn


class TakesOtherNames(nn.Module, ABC):
    """A network that also takes its weights under the names of another program."""

    def __init__(self) -> None:
        super().__init__()
        self.register_load_state_dict_pre_hook(_rename_weights)

    @abstractmethod
    def layers_by_other_names(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return, for the layers of another program with weights of these `names`, what they are called here.

        Empty if the names are the network's own.
        """

    def weights_by_other_names(self, names: Sequence[str]) -> dict[str, str]:
        """Return the network's own name of each weight that another program calls by one of `names`."""
        own = self.state_dict()
        return {
            f"{theirs}.{part}".lstrip("."): f"{ours}.{part}"
            for theirs, ours in self.layers_by_other_names(names).items()
            for part in ("weight", "bias")
            if f"{ours}.{part}" in own
        }


def _rename_weights(network: TakesOtherNames, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Give the weights in `state` below `prefix` the names that they have in the network.

    They must be those of the whole network, no more and no less, in its shapes: ValueError in one line if not.
    """
    given = [key for key in state if key.startswith(prefix)]
    found = network.weights_by_other_names([key.removeprefix(prefix) for key in given])
    if not found:
        return
    own, kind = network.state_dict(), type(network).__name__
    names = {prefix + theirs: ours for theirs, ours in found.items()}
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
