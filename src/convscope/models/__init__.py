"""The networks, one file per paper, and the catalogue of all of them."""

from __future__ import annotations

import fnmatch
import inspect
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..errors import ModelFileError, UsageError
from ..suggest import did_you_mean
from .own.input_size import on_meta, refusal
from .own.network import OwnNetwork, own_card
from .own.source import is_own, is_source, needs_class
from .tools.card import Card
from .tools.classical_head import WithClassicalHead
from .tools.pretrained import WEIGHTS, Weights, find_weights, load_pretrained
from .tools.shapes import shapes_only
from .tools.timm_networks import is_timm, list_timm, load_timm_weights, timm_card, timm_weights
from .tools.variations import VARIATIONS

# From this input size on, a network for colour images is taken to be one for photos, scaled as ImageNet's usually are.
PHOTOS = 200
# One file per paper, oldest family first.
PAPERS = (
    "mlp", "lenet", "mnist_cnn", "alexnet_2012", "alexnet", "zfnet", "nin", "vgg", "googlenet", "googlenet_tutorials",
    "bn_inception", "inception_v3", "inception_v4", "inception_resnet", "resnet", "cifar_resnet", "preact_resnet",
    "densenet", "efficientnet", "mnist_fast", "cifar_fast",
)  # fmt: skip
CATALOGUE: dict[str, Card] = {
    card.name: card for paper in PAPERS for card in import_module(f".{paper}", __name__).CARDS
}


def list_models(pattern: str = "*") -> list[str]:
    """Return the names that `create_model` takes, oldest family first: all that match a pattern such as `resnet*`.

    timm's networks are listed only for a pattern that begins with `timm:`.

    >>> list_models("lenet*")
    ['lenet5', 'lenet_relu', 'lenet_sigmoid']
    """
    if is_timm(pattern):
        return list_timm(pattern)
    return [name for name in CATALOGUE if fnmatch.fnmatchcase(name, pattern)]


def find_card(name: str | Card) -> Card:
    """Return the card of a network, also of a `timm:NAME`; ModelFileError with the nearest names if there is none.

    A person's own network has no name that can be looked up: its card, which `own_card` makes, is returned as it is.
    """
    if isinstance(name, Card):
        return name
    if is_timm(name):
        return timm_card(name)
    if is_source(name) or is_own(name):
        raise needs_class(name, "the model")
    if name not in CATALOGUE:
        hint = did_you_mean(name, CATALOGUE, "`convscope models` lists them")
        raise ModelFileError(f"unknown network '{name}': {hint}")
    return CATALOGUE[name]


def find_preparation(name: str | Card, pretrained: bool) -> Weights | None:
    """Return the preprocessing of a network's publishers; None where the training images decide.

    That is the preprocessing of the public weights if the network is `pretrained`, and timm's for a network of timm.
    UsageError if there are no public weights.
    """
    name = find_card(name).name
    if is_timm(name):
        return timm_weights(name)
    return find_weights(name) if pretrained else None


def preparation_of_file(card: Card, input_size: tuple[int, int, int]) -> Weights | None:
    """Return the preprocessing that weights from a file are taken to expect; None where the training images decide.

    It is the public weights' and timm's where there are such; else ImageNet's for colour images of a photo's size.
    """
    if is_timm(card.name):
        return timm_weights(card.name)
    if card.name in WEIGHTS:
        return WEIGHTS[card.name]
    size = input_size[1]
    return Weights("", (), None, size, size) if card.mean is None and input_size[0] == 3 and size >= PHOTOS else None


def create_model(
    name: str | Card,
    num_classes: int | None = None,
    in_channels: int | None = None,
    pretrained: bool = False,
    weights_dir: str | Path | None = None,
    **options: Any,
) -> nn.Module:
    """Return a network: a plain `nn.Module` that returns logits, N x `num_classes`, initialised as in its paper.

    `num_classes` and `in_channels` are the paper's unless given. `timm:NAME` is any network of timm, if that is
    installed. `pretrained` loads the public ImageNet weights; with another number of classes the last layer is fresh.
    They are looked for in `weights_dir` (or the folder that CONVSCOPE_WEIGHTS names) before they are downloaded.
    `options` are further arguments of the network's own constructor, or what can be varied in any network:
    `activation` (sigmoid, tanh, relu, leaky_relu, prelu, elu, silu, gelu), `pooling` (max, avg, sum), `init` (kaiming,
    xavier, lecun, normal), `first_kernels` (gabor, haar, gabor-fixed, haar-fixed), `head` (a classical classifier in
    the place of the last layer, see `WithClassicalHead`). Raises ModelFileError for an unknown name, UsageError for an
    argument that does not fit, DataError if the public weights cannot be downloaded.
    >>> create_model("resnet20", num_classes=4).linear
    Linear(in_features=64, out_features=4, bias=True)
    """
    name = (card := find_card(name)).name
    given = {"num_classes": num_classes, "in_channels": in_channels}
    arguments = {key: value for key, value in given.items() if value is not None} | options
    allowed = inspect.signature(card.build).parameters
    _require_whole_numbers(name, arguments, allowed)
    varied = {key: arguments.pop(key) for key in VARIATIONS if key in arguments and key not in allowed}
    head = arguments.pop("head", None)
    if unknown := sorted(set(arguments) - set(allowed)):
        raise UsageError(f"{name} has no option '{unknown[0]}'; it takes {', '.join([*allowed, *VARIATIONS])}")
    try:
        network = card.build(**arguments)
        for key, vary in VARIATIONS.items():
            if key in varied:
                vary(network, varied[key])
        if head is not None:
            network = WithClassicalHead(network, arguments["num_classes"], head)
    except (ValueError, TypeError) as problem:
        raise UsageError(f"{name}: {problem}") from problem
    if pretrained and is_timm(name):
        load_timm_weights(network, name, arguments, weights_dir)
    elif pretrained:
        load_pretrained(network, name, options, weights_dir)
    # For who gets the network alone: what it is, and which preprocessing its weights want.
    network.built_as = (name, given | options)  # type: ignore[assignment]
    network.is_pretrained = pretrained  # type: ignore[assignment]
    return network


def _require_whole_numbers(name: str, arguments: dict[str, Any], allowed: Mapping[str, inspect.Parameter]) -> None:
    """Raise UsageError for a size that is no positive whole number, and a word or a fraction where one is counted."""
    for key, value in arguments.items():
        is_size = key in ("num_classes", "in_channels", "img_size")
        if is_size and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise UsageError(f"{name}: {key} must be a positive whole number, not {value!r}")
        if key in allowed and allowed[key].annotation in (int, "int") and isinstance(value, str | float):
            raise UsageError(f"{name}: {key} must be a whole number, not {value!r}")


def arguments_for(name: str | Card, input_size: tuple[int, int, int], **options: Any) -> dict[str, Any]:
    """Return the arguments with which `create_model` builds a network for images of `input_size` (channels, H, W).

    Networks whose weights depend on the image size get it as an argument. Unless it is the size that the network was
    made for, a trial run on shapes alone checks that it fits. Raises UsageError, in one line, if it does not.
    """
    card = find_card(name)
    channels, height, width = input_size
    arguments = {"in_channels": channels, **options}
    if "img_size" in inspect.signature(card.build).parameters:
        arguments["img_size"] = height
    if isinstance(card.build, OwnNetwork):
        # Some code does not run on shapes alone: it looks at values.
        made = create_model(card, **arguments)
        if refusal(on_meta(made), input_size) and (reason := refusal(made, input_size)):
            raise UsageError(f"{card.name} cannot take {channels} x {height} x {width}: {reason}")
        return arguments
    if input_size == card.input_size and set(options) <= {"num_classes"}:
        return arguments  # no trial run: PyTorch's first one imports for more than a second
    trial = shapes_alone(card, **arguments)
    try:
        trial(torch.empty(2, channels, height, width, device="meta"))
    except (ValueError, RuntimeError) as problem:
        reason = str(problem).splitlines()[0]
        raise UsageError(f"{card.name} cannot take images of {height} x {width}: {reason}") from problem
    return arguments


def shapes_alone(name: str | Card, **arguments: Any) -> nn.Module:
    """Return what `create_model` does, but on the meta device: it computes shapes and has no memory for weights."""
    card = find_card(name)
    if isinstance(card.build, OwnNetwork):  # somebody's code need not run there
        return on_meta(create_model(card, **arguments)).train()
    with shapes_only():
        return create_model(card, **arguments)


__all__ = [
    "CATALOGUE", "Card", "arguments_for", "create_model", "find_card", "find_preparation", "is_source", "list_models",
    "own_card", "preparation_of_file", "shapes_alone",
]  # fmt: skip
