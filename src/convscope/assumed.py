"""What is assumed of a network that is given without the names of its classes or its preprocessing, and said."""

from __future__ import annotations

import logging
from typing import Any

from torch import nn

from .data.preprocess import Preprocess
from .errors import UsageError, printable
from .models import PHOTOS, find_card, find_preparation
from .models.own import is_own, read_logits, source_name
from .models.own.input_size import Size, as_row, find_input, refusal, takes_rows
from .models.own.network import fill_lazy, is_lazy
from .models.tools.copying import copy_network
from .models.tools.pretrained import Weights

log = logging.getLogger("convscope")
IMAGENET_CLASSES = 1000


def origin_of(network: nn.Module) -> tuple[str, dict[str, Any]]:
    """Return the name and the arguments with which `create_model` built a network, or the name of somebody's own."""
    made: tuple[str, dict[str, Any]] = getattr(network, "built_as", None) or (source_name(network), {})
    return made


def with_logits(network: nn.Module, size: Size, name: str) -> tuple[nn.Module, int]:
    """Return a network that returns logits, and their number; a copy over the same weights where it returns others."""
    copied = share_weights(network)
    outputs, notes = read_logits(copied, size, name)
    for note in notes:
        log.warning("%s", note)
    hooks = [len(each._forward_hooks) + len(each._forward_pre_hooks) for each in (copied, network)]
    return (copied if hooks[0] > hooks[1] else network), outputs


def taking_images(network: nn.Module) -> nn.Module:
    """Return a network that takes images: itself, or a copy over the same weights if it takes their pixels as a row.

    Layers that wait for a first image to get their weights get them, in the network itself.
    """
    if is_lazy(network):
        fill_lazy(network)
    if not takes_rows(network):
        return network
    copied = share_weights(network)
    copied.register_forward_pre_hook(as_row)
    return copied


def share_weights(network: nn.Module) -> nn.Module:
    """Copy the modules and hooks of a network; parameters and buffers are those of the original."""
    shared = {id(tensor): tensor for tensor in [*network.parameters(), *network.buffers()]}
    try:
        return copy_network(network, shared)
    except Exception as problem:  # it is anybody's code
        raise UsageError(f"{source_name(network)} cannot be copied ({printable(problem)[:150]})") from problem


def assumed_preprocess(network: nn.Module, name: str) -> Preprocess:
    """Return the preprocessing that suits a network, as far as one can tell; UsageError if it takes no images."""
    if not is_own(name):
        card, weights = find_card(name), None
        if getattr(network, "is_pretrained", False) or name.startswith("timm:"):
            weights = find_preparation(name, pretrained=True)
        channels = origin_of(network)[1].get("in_channels") or card.input_size[0]
        size = (channels, *card.input_size[1:])
        if refusal(network, size) is None:
            if weights is not None:
                return of_weights(weights, size)
            if card.mean is not None and card.std is not None:
                mean, std = (card.mean,) * channels, (card.std,) * channels
                return Preprocess(size, mean, std, border=card.border)
            return usual_preprocess(name, size, card.border)
    settings = getattr(network, "pretrained_cfg", None)
    if isinstance(settings, dict) and {"mean", "std", "input_size", "crop_pct"} <= set(settings):  # of timm
        known = tuple(settings["input_size"])
        if refusal(network, known) is None:
            filter = settings.get("interpolation")
            filter = filter if filter in ("bilinear", "bicubic") else "bicubic"
            mean, std = tuple(settings["mean"]), tuple(settings["std"])
            return Preprocess(known, mean, std, interpolation=filter, crop_pct=settings["crop_pct"])
    found = find_input(network)
    if found is None:
        raise UsageError(f"{name} takes no square image of 1 to 512 pixels: give preprocess=Preprocess(input_size=...)")
    if found[0] not in (1, 3):
        raise UsageError(f"{name} takes images of {found[0]} channels; only those of 1 (gray) or 3 (colour) are known")
    return usual_preprocess(name, found)


def assumed_names(network: nn.Module, outputs: int) -> list[str]:
    """Return names for the classes of a network: ImageNet's where it comes with its 1,000, else their numbers."""
    module = type(network).__module__.split(".")[0]
    if outputs == IMAGENET_CLASSES and (module in ("torchvision", "timm") or getattr(network, "is_pretrained", False)):
        return imagenet_names()
    return [str(number) for number in range(outputs)]


def imagenet_names() -> list[str]:
    """Return the names of ImageNet's 1,000 classes in the usual order, as torchvision has them."""
    from torchvision.models import ResNet18_Weights

    return list(ResNet18_Weights.IMAGENET1K_V1.meta["categories"])


def of_weights(weights: Weights, size: Size) -> Preprocess:
    """Return the preprocessing that public weights expect, for images of `size`."""
    mean, std = weights.scaling(size[0])
    kept = weights.crop / weights.resize if size[1] == weights.crop else 1.0
    return Preprocess(size, mean, std, interpolation=weights.interpolation, crop_pct=kept)


def _scaling(size: Size) -> tuple[tuple[float, ...], tuple[float, ...]]:
    usual = Weights("", (), None)
    return (usual.mean, usual.std) if size[0] == 3 and size[1] >= PHOTOS else ((0.0,) * size[0], (1.0,) * size[0])


def usual_preprocess(name: str, size: Size, border: int = 0, say: bool = True) -> Preprocess:
    """Return the preprocessing that most networks for images of `size` expect, and say so."""
    preprocess = Preprocess(size, *_scaling(size), border=border)
    if not say:
        return preprocess
    channels, height, width = size
    scaling = "pixels from 0 to 1" if max(preprocess.std) == 1 else "scaled by ImageNet's mean and deviation"
    colour = "gray" if channels == 1 else "colour"
    log.warning(
        "%s: no preprocessing is known: %s images of %d x %d, %s, are assumed (if it was trained otherwise, give "
        "--mean and --std, in Python preprocess=cs.Preprocess(...))", name, colour, height, width, scaling,
    )  # fmt: skip
    return preprocess
