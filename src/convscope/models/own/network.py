"""The card of a person's own network: it is built again with the number of classes, if its code takes that."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...errors import ModelFileError, UsageError, printable
from ..tools.card import Card
from ..tools.copying import copy_network
from .input_size import PHOTO_SHRINKS, Size, as_row, find_input, on_meta, refusal, shrinks, takes_rows
from .outputs import ONE_OUTPUT, read_logits
from .source import is_source, load_source, source_name

# What the code of others calls the number of classes and that of the input's channels.
CLASSES = ("num_classes", "n_classes", "num_class", "n_class", "classes", "num_labels")
CHANNELS = ("in_channels", "in_chans", "input_channels", "in_channel", "in_ch", "channels")


class OwnNetwork:
    """Builds a person's own network; `Card.build` of its card.

    A class or function is called with the number of classes and of channels by whatever name its signature has for
    them, and with `options` of its own. An instance is copied, so that each training begins with its weights.
    """

    def __init__(self, model: nn.Module | Callable[..., nn.Module], name: str):
        self.model, self.name = model, name
        self.notes: list[str] = []
        own = {} if isinstance(model, nn.Module) else _parameters(model)
        self.classes, self.channels = (next((n for n in names if n in own), None) for names in (CLASSES, CHANNELS))
        self.takes_more = any(p.kind is p.VAR_KEYWORD for p in own.values())
        further = [p.replace(kind=p.KEYWORD_ONLY) for n, p in own.items() if p.kind in (1, 3)]
        further = [p for p in further if p.name not in (self.classes, self.channels)]
        usual = [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY) for key in ("num_classes", "in_channels")]
        # What `create_model` takes for the names of this network's options.
        self.__signature__ = inspect.Signature([*usual, *further])
        self.needed = [p.name for p in further if p.default is p.empty]
        self.input_size: Size | None = None

    def __call__(self, num_classes: int | None = None, in_channels: int | None = None, **options: Any) -> nn.Module:
        """Return a network that returns logits; UsageError if it cannot be built or has another number of outputs."""
        network = self.raw(num_classes, in_channels, options)
        size = self.size_of(network, in_channels, options)
        outputs, self.notes = read_logits(network, size, self.name)
        if num_classes is not None and outputs != num_classes:
            advice = (
                "let its code take num_classes" if self.classes is None else f"its {self.classes} is not the number"
            )
            if outputs == 1:
                raise UsageError(f"{self.name} {ONE_OUTPUT}")
            if isinstance(self.model, nn.Module):
                advice = "give it as many outputs, or give its class in place of the instance"
            raise UsageError(f"{self.name} has {outputs} outputs, but there are {num_classes} classes: {advice}")
        return network

    def raw(self, num_classes: int | None, in_channels: int | None, options: Mapping[str, Any]) -> nn.Module:
        """Return the network as its code makes it."""
        if isinstance(self.model, nn.Module):
            network = _copied(self.model, self.name)
        else:
            if missing := [name for name in self.needed if name not in options]:
                raise UsageError(
                    f"{self.name} needs a value for {missing[0]}: give it with --model-arg {missing[0]}=VALUE, in "
                    f"Python model_args={{'{missing[0]}': ...}}"
                )
            network = self._called(num_classes, in_channels, options)
        if not isinstance(network, nn.Module):
            raise UsageError(f"{self.name} makes a {type(network).__name__}, not a torch.nn.Module")
        if is_lazy(network):
            fill_lazy(network, in_channels)
        if takes_rows(network):
            network.register_forward_pre_hook(as_row)
        return network

    def size_of(self, network: nn.Module, in_channels: int | None, options: Mapping[str, Any]) -> Size:
        """Return an input size that a network takes; UsageError if there is none."""
        img_size = options.get("img_size")
        fixed = (in_channels or 3, img_size, img_size) if isinstance(img_size, int) else self.input_size
        if fixed is not None and (in_channels in (None, fixed[0])) and refusal(network, fixed) is None:
            return fixed
        size = find_input(network, in_channels) or find_input(network)
        if size is None:
            reason = refusal(network, (in_channels or 3, 224, 224))
            first = next((m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)), None)
            advice = "; rows of pixels need nn.Flatten() at its beginning" if isinstance(first, nn.Linear) else ""
            raise UsageError(
                f"{self.name} takes no square image of 1 to 512 pixels (at 224: {printable(reason)[:200]}){advice}"
            )
        return size

    def _called(self, num_classes: int | None, in_channels: int | None, options: Mapping[str, Any]) -> nn.Module:
        assert not isinstance(self.model, nn.Module)
        pairs = ((self.classes, num_classes), (self.channels, in_channels))
        given = {name: value for name, value in pairs if name is not None and value is not None} | dict(options)
        further = {"num_classes": num_classes} if self.takes_more and self.classes is None and num_classes else {}
        try:
            if further:
                try:
                    return self.model(**given, **further)
                except TypeError:  # it hands on what it is given to something that does not know it
                    pass
            return self.model(**given)
        except Exception as problem:  # it is anybody's code
            reason = f"{type(problem).__name__}: {' '.join(printable(problem).split())[:200]}"
            raise UsageError(f"{self.name} cannot be built: {reason}") from problem


def own_card(
    model: str | Path | nn.Module | Callable[..., nn.Module], options: Mapping[str, Any] | None = None
) -> Card:
    """Return the card of a network given as `mynet.py:CNN`, a class, a function or an instance.

    The file is run. `options` are arguments of its code. UsageError if there is no network, or it takes no images.
    """
    if isinstance(model, str | Path):
        if not is_source(str(model)):
            raise UsageError(f"{printable(model)}: give a network of your own as FILE.py:CLASS")
        name = f"{Path(str(model).rpartition(':')[0]).name}:{str(model).rpartition(':')[2]}"
        model = load_source(str(model))
    else:
        name = source_name(model)
    if not callable(model):
        raise UsageError(f"{name} is a {type(model).__name__}: give a torch.nn.Module, its class, or a function")
    build = OwnNetwork(model, name)
    try:
        network = build.raw(None, None, options or {})
    except UsageError:
        if build.classes is None and build.channels is None:
            raise
        # It has no number of classes or channels of its own.
        network = build.raw(10, 3, options or {})
    size = build.input_size = build.size_of(network, None, options or {})
    channels = None if build.channels is not None else size[0]
    return Card(name, build, None, "", "(own)", "", "own", size, fixed_channels=channels)


def _parameters(model: Callable[..., nn.Module]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(model).parameters)
    except (TypeError, ValueError):
        return {}


def _copied(network: nn.Module, name: str) -> nn.Module:
    try:
        return copy_network(network)
    except ModelFileError:  # it has no code that could be trained
        raise
    except Exception as problem:  # weights that were computed from others cannot be copied
        raise UsageError(f"{name} cannot be copied ({printable(problem)[:150]}): give its class instead") from problem


def fill_lazy(network: nn.Module, in_channels: int | None = None) -> None:
    """Give layers that learn their input's size from the first image (`LazyLinear`) their weights.

    That is a photo of 224 if the network shrinks it as networks for photos do, else a small image.
    """
    for channels in [in_channels] if in_channels else [3, 1]:
        small = 28 if channels == 1 else 32
        trial = copy_network(network)
        is_for_photos = _filled(trial, channels, 224) and shrinks(on_meta(trial), channels) >= PHOTO_SHRINKS
        for side in (224, small) if is_for_photos else (small, 224):
            # First a copy: an image that does not fit leaves some layers with weights for it.
            if _filled(copy_network(network), channels, side) and _filled(network, channels, side):
                network.train()
                return


def is_lazy(network: nn.Module) -> bool:
    """Tell whether a network has layers that get their weights with the first image."""
    return any(map(nn.parameter.is_lazy, [*network.parameters(), *network.buffers()]))


def _filled(network: nn.Module, channels: int, side: int) -> bool:
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(2, channels, side, side))
    except Exception:  # it is anybody's code
        return False
    return True
