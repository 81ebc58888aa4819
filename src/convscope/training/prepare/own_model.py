"""A person's own network in a training: what is said about it, and what a resumed run needs of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from ...errors import ModelFileError, printable
from ...models import Card, find_card, is_source
from ...models.own.network import OwnNetwork
from ...models.own.source import is_own, needs_class
from .prepare_data import PreparedData


def is_own_model(model: Any) -> bool:
    """Tell whether a `model` argument is a person's own network, not a name of the catalogue."""
    return model is not None and (not isinstance(model, str) or is_source(model))


def own_notes(own: Card | None, prepared: PreparedData) -> list[str]:
    """Return the lines that say how a person's own network is understood: its input, and what its outputs are."""
    if own is None or not isinstance(own.build, OwnNetwork):
        return []
    channels, height, width = prepared.preprocess.input_size
    lines = [f"{own.name} gets images of {channels} x {height} x {width}", *own.build.notes]
    if channels != prepared.data.channels:
        lines.append(f"images are converted to {'gray' if channels == 1 else 'colour'}, as this network takes them")
    return lines


def check_resumed(model: str, own: Card | None, folder: Path) -> None:
    """Raise ModelFileError if a resumed run is of a network of one's own that is not given, or is given in vain."""
    if own is None and is_own(model):
        raise needs_class(model, printable(folder))
    if own is not None and not is_own(model):
        raise ModelFileError(f"{printable(folder)} was started with {printable(model)}: leave the model out")
    if own is None:
        find_card(model)


def return_weights(trained: nn.Module, instance: nn.Module) -> None:
    """Put the trained weights into the instance that was given; not where a classical head has changed the network."""
    state, own = trained.state_dict(), instance.state_dict()
    if state.keys() == own.keys():
        instance.load_state_dict(state)
