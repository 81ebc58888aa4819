"""The layer table of whatever is given: a name, a network of one's own, or a classifier."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from .assumed import assumed_preprocess, origin_of, taking_images
from .bundle_config import bundled_names
from .classifier import Classifier, load
from .errors import UsageError
from .insight import LayerTable
from .insight import summary as layer_table
from .models import find_card, is_source, own_card, shapes_alone
from .models.own.network import is_lazy
from .models.tools.copying import copy_network


def summary(
    network: nn.Module | Classifier | str | Any,
    input_size: Sequence[int] | int | str | None = None,
    name: str | None = None,
) -> LayerTable:
    """Return the layer table of a network for one image of `input_size`: channels, height and width, or fewer of them.

    A side alone, height and width, a batch of one, and a text such as "3x224x224" are understood as well.

    `network` is a module, a classifier, a name from `list_models` or of a bundled classifier, `mynet.py:CNN`, or the
    class of a network. Without `input_size` it is the size of the classifier or of the paper; of another network one
    that it takes, which a warning says. Rows stand in the order in which the layers ran. A layer that runs twice has
    two rows, and its parameters count once; only trainable parameters count. The pass runs on shapes alone, so that it
    takes no memory and leaves the network as it is. `name` is the heading. ModelFileError for an unknown name,
    UsageError for a size that the network does not take.

    >>> table = summary("lenet5")
    >>> table.parameters, table.macs
    (60000, 325680)
    >>> table.layers[0].name, table.layers[0].output_shape, table.layers[0].receptive_field
    ('C1', (6, 28, 28), 5)
    """
    if isinstance(network, Classifier):
        size = _size(input_size, network.network) or network.preprocess.input_size
        return _table(network.network, size, name or network.architecture)
    if isinstance(network, nn.Module):
        called = name or origin_of(network)[0]
        # Lazy layers get their weights in a copy: looking at a network leaves it as it is.
        network = taking_images(copy_network(network) if is_lazy(network) else network)
        size = _size(input_size, network) or assumed_preprocess(network, called).input_size
        return _table(network, size, name)
    text = str(network) if isinstance(network, str | Path) else None
    if text in bundled_names():
        return summary(load(text), input_size, name)
    card = own_card(network) if text is None or is_source(text) else find_card(text)
    alone = shapes_alone(card)
    return _table(alone, _size(input_size, alone) or card.input_size, name or card.name)


def _table(network: nn.Module, size: Any, name: str | None) -> LayerTable:
    try:
        return layer_table(network, size, name)
    except RuntimeError as problem:
        shown = " x ".join(map(str, size))
        reason = str(problem).strip().split("\n")[0]
        raise UsageError(f"{name or type(network).__name__} does not take an image of {shown}: {reason}") from problem


def _size(given: Any, network: nn.Module) -> Any:
    """Return channels, height and width from what people write for them; sizes of several images as they are."""
    if given is None or (isinstance(given, list | tuple) and any(isinstance(part, list | tuple) for part in given)):
        return given
    parts = re.split(r"[\s,x×*]+", given.strip("()[] ")) if isinstance(given, str) else given
    try:
        sides = [operator.index(int(part) if isinstance(part, str) else part) for part in _as_list(parts)]
    except (TypeError, ValueError):
        sides = []
    if len(sides) == 4 and sides[0] == 1:
        sides = sides[1:]
    if len(sides) in (1, 2):
        sides = [_channels(network), sides[0], sides[-1]]
    if len(sides) != 3 or min(sides) < 1:
        raise UsageError(
            f"input_size {given!r} is no size of an image: give channels, height and width, as in (3, 224, 224)"
        )
    return tuple(sides)


def _as_list(parts: Any) -> list[Any]:
    return [parts] if isinstance(parts, int) else list(parts)


def _channels(network: nn.Module) -> int:
    """Return the input channels of a network's first convolution; 3 if it has none."""
    return next((int(module.in_channels) for module in network.modules() if isinstance(module, nn.Conv2d)), 3)
