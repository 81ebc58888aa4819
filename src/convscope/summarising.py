"""The layer table of whatever is given: a name, a network of one's own, or a classifier."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from .assumed import assumed_preprocess, origin_of, taking_images
from .classifier import Classifier
from .insight import LayerTable
from .insight import summary as layer_table
from .models import find_card, is_source, own_card, shapes_alone
from .models.own.network import is_lazy


def summary(
    network: nn.Module | Classifier | str | Any, input_size: Sequence[int] | None = None, name: str | None = None
) -> LayerTable:
    """Return the layer table of a network for one image of `input_size` (channels, height, width).

    `network` is a module, a classifier, a name from `list_models`, `mynet.py:CNN`, or the class of a network. Without
    `input_size` it is the size of the classifier or of the paper; of another network one that it takes, which a warning
    says. Rows stand in the order in which the layers ran. A layer that runs twice has two rows, and its parameters
    count once; only trainable parameters count. The pass runs on shapes alone, so that it takes no memory and leaves
    the network as it is.
    """
    if isinstance(network, Classifier):
        return layer_table(network.network, input_size or network.preprocess.input_size, name or network.architecture)
    if isinstance(network, nn.Module):
        called = name or origin_of(network)[0]
        # Lazy layers get their weights in a copy: looking at a network leaves it as it is.
        network = taking_images(copy.deepcopy(network) if is_lazy(network) else network)
        return layer_table(network, input_size or assumed_preprocess(network, called).input_size, name)
    text = str(network) if isinstance(network, str | Path) else None
    card = own_card(network) if text is None or is_source(text) else find_card(text)
    return layer_table(shapes_alone(card), input_size or card.input_size, name or card.name)
