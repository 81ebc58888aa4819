"""The networks. One paper a file; the catalogue below is the list of their cards."""

from __future__ import annotations

import difflib
import inspect
from typing import Any

import torch
from torch import nn

from ..errors import ModelFileError, UsageError
from . import lenet, mlp, mnist_cnn
from .card import Card

CATALOGUE: dict[str, Card] = {card.name: card for module in (mlp, lenet, mnist_cnn) for card in module.CARDS}


def list_models() -> list[str]:
    """The names that `create_model` takes, oldest family first."""
    return list(CATALOGUE)


def find_card(name: str) -> Card:
    """The card of a network; ModelFileError with the nearest names if there is none."""
    if name not in CATALOGUE:
        near = difflib.get_close_matches(name, CATALOGUE, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "`convscope models` lists them"
        raise ModelFileError(f"unknown network '{name}': {hint}")
    return CATALOGUE[name]


def create_model(
    name: str, num_classes: int | None = None, in_channels: int | None = None, **options: Any
) -> nn.Module:
    """A fresh network, initialised as its paper does: a plain `nn.Module` that gives logits, N x `num_classes`.

    Without `num_classes` and `in_channels` it has its paper's. `options` are the further arguments of the network's
    own constructor. Raises ModelFileError for an unknown name, UsageError for an argument that it does not take.
    """
    card = find_card(name)
    given = {"num_classes": num_classes, "in_channels": in_channels}
    arguments = {key: value for key, value in given.items() if value is not None} | options
    for key in ("num_classes", "in_channels", "img_size"):
        value = arguments.get(key, 1)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UsageError(f"{name}: {key} must be a positive whole number, not {value!r}")
    allowed = inspect.signature(card.build).parameters
    if unknown := sorted(set(arguments) - set(allowed)):
        raise UsageError(f"{name} has no option '{unknown[0]}'; it takes {', '.join(allowed)}")
    try:
        return card.build(**arguments)
    except (ValueError, TypeError) as problem:
        raise UsageError(f"{name}: {problem}") from problem


def arguments_for(name: str, input_size: tuple[int, int, int], **options: Any) -> dict[str, Any]:
    """What `create_model` needs to make a network for images of `input_size` (channels, height, width).

    Networks whose weights depend on the size of the image get it; all are tried with it, on shapes alone. Raises
    UsageError, in one line, if the network takes no such images.
    """
    channels, height, width = input_size
    arguments = {"in_channels": channels, **options}
    if "img_size" in inspect.signature(find_card(name).build).parameters:
        arguments["img_size"] = height
    with torch.device("meta"):
        trial = create_model(name, **arguments)
        try:
            trial(torch.empty(2, channels, height, width))
        except (ValueError, RuntimeError) as problem:
            reason = str(problem).splitlines()[0]
            raise UsageError(f"{name} cannot take images of {height} x {width}: {reason}") from problem
    return arguments


__all__ = ["CATALOGUE", "Card", "arguments_for", "create_model", "find_card", "list_models"]
