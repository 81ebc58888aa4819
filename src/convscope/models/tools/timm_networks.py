"""Networks of timm (PyTorch Image Models), as `timm:NAME`, with timm's preprocessing. Needs the package timm.

    network = create_model("timm:convnext_atto", num_classes=7)

As in timm, a name without a tag means the network's first set of weights; `timm:resnet18.a1_in1k` names one set. timm
loads the weights, from its cache or over the network, and only on request.
"""

from __future__ import annotations

import fnmatch
import logging
import pickle
import socket
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import lru_cache, partial
from pathlib import Path
from sys import stderr
from types import ModuleType
from typing import Any
from urllib.parse import urlparse
from urllib.request import getproxies

import torch
from torch import nn

from ...errors import DataError, ModelFileError, UsageError, printable
from ...suggest import did_you_mean
from .card import Card
from .pretrained import Weights
from .weights_folder import find_of_timm

PREFIX = "timm:"
FILTERS = ("nearest", "bilinear", "bicubic")
# Our names of arguments and timm's.
RENAMED = {"in_channels": "in_chans"}


def is_timm(name: str) -> bool:
    """Tell whether a name means a network of timm."""
    return name.startswith(PREFIX)


def list_timm(pattern: str = "*") -> list[str]:
    """Return the names, with the prefix, that match a pattern such as `timm:resnet*`; UsageError without timm."""
    names = _timm().list_models()
    return [PREFIX + name for name in names if fnmatch.fnmatchcase(name, pattern.removeprefix(PREFIX))]


@lru_cache
def timm_card(name: str) -> Card:
    """Return the card of `timm:NAME`; ModelFileError with similar names if timm has no such network."""
    settings = timm_settings(name)
    build = _of_one_size if settings.fixed_input_size else _of_any_size
    home = f"https://huggingface.co/{settings.hf_hub_id}" if settings.hf_hub_id else "https://huggingface.co/docs/timm"
    paper = "(see its page)"
    return Card(name, partial(build, name), None, "see timm", paper, home, "timm", settings.input_size)


def _of_any_size(
    name: str, num_classes: int | None = None, in_channels: int = 3, drop_rate: float = 0.0, **more: Any
) -> nn.Module:
    given = {} if num_classes is None else {"num_classes": num_classes}
    return _timm().create_model(name.removeprefix(PREFIX), in_chans=in_channels, drop_rate=drop_rate, **given, **more)


def _of_one_size(
    name: str,
    num_classes: int | None = None,
    in_channels: int = 3,
    drop_rate: float = 0.0,
    img_size: int | None = None,
) -> nn.Module:
    size = {} if img_size is None else {"img_size": img_size}
    return _of_any_size(name, num_classes, in_channels, drop_rate, **size)


def timm_weights(name: str) -> Weights:
    """Return the preprocessing of a network of timm, whether or not it starts from public weights."""
    settings = timm_settings(name)
    size = settings.input_size[1]
    heads = settings.classifier if isinstance(settings.classifier, tuple) else (settings.classifier,)
    return Weights(
        file="",
        head=tuple(str(head) for head in heads),
        top1_error=None,
        resize=round(size / settings.crop_pct),
        crop=size,
        interpolation=settings.interpolation if settings.interpolation in FILTERS else "bicubic",
        mean=tuple(settings.mean),
        std=tuple(settings.std),
    )


def load_timm_weights(
    network: nn.Module, name: str, arguments: dict[str, Any], folder: str | Path | None = None
) -> None:
    """Load timm's public weights into a network that was built with `arguments`.

    With another number of classes the head stays fresh; with another number of channels timm adapts the first kernels.
    `folder` is searched before anything is downloaded.
    UsageError: there are no weights; DataError: they cannot be downloaded.
    """
    settings = timm_settings(name)
    if not settings.has_weights:
        raise UsageError(f"there are no public weights for {name}")
    bare, tag = settings.architecture, settings.tag or ""
    file = find_of_timm(folder, bare, tag, settings.url or "", settings.hf_hub_id or "")
    given = {RENAMED.get(key, key): value for key, value in arguments.items()}
    local = {} if file is None else {"pretrained_cfg_overlay": _source(file, name)}
    try:
        with _quietly(), redirect_stdout(stderr):
            trained = _timm().create_model(name.removeprefix(PREFIX), pretrained=True, **given, **local)
    except Exception as problem:  # timm passes on whatever its HTTP library raises
        reason = (str(problem).strip() or type(problem).__name__).splitlines()[0].split(". ")[0]
        if file is not None:
            raise DataError(f"{name}: {printable(file)} does not fit ({printable(reason)[:200]})") from problem
        raise DataError(
            f"{name}: cannot download its weights ({printable(reason)[:200]}); go online once, or copy "
            "~/.cache/huggingface (HF_HOME) from a machine that has them"
        ) from problem
    state = trained.state_dict()
    if arguments.get("num_classes", timm_settings(name).num_classes) != timm_settings(name).num_classes:
        # The network's own fresh head, not the one that was just drawn: equal seeds give equal heads.
        heads = timm_weights(name).head
        state |= {key: own for key, own in network.state_dict().items() if key.rpartition(".")[0] in heads}
    network.load_state_dict(state)


def _source(file: Path, name: str) -> dict[str, Any]:
    """Return what tells timm to take its weights from a file; a pickle is read here, without running it."""
    if file.suffix == ".safetensors":
        return {"file": str(file)}
    try:
        return {"state_dict": torch.load(file, map_location="cpu", weights_only=True)}
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as problem:
        reason = str(problem).splitlines()[0]
        raise DataError(f"{name}: {printable(file)} contains no weights ({printable(reason)[:100]})") from problem


def timm_settings(name: str) -> Any:
    """Return timm's `PretrainedCfg` of a network."""
    timm, bare = _timm(), name.removeprefix(PREFIX)
    if timm.is_model(bare):
        settings = timm.models.get_pretrained_cfg(bare)
        if settings is not None:
            return settings
    known = [PREFIX + other for other in timm.list_models()]
    hint = did_you_mean(PREFIX + bare, known, f"`convscope models '{PREFIX}*'` lists them", cutoff=0.6)
    raise ModelFileError(f"timm has no network '{printable(bare)}': {hint}")


def _timm() -> ModuleType:
    try:
        import timm
    except ImportError as problem:
        raise UsageError(
            f"networks called {PREFIX}NAME need the package timm: pip install 'convscope[timm]'"
        ) from problem
    return timm


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence the hub's messages, and spare its minute of retries where there is plainly no network."""
    from huggingface_hub import constants

    log, before = logging.getLogger("huggingface_hub"), constants.HF_HUB_OFFLINE
    level = log.level
    log.setLevel(logging.CRITICAL)
    constants.HF_HUB_OFFLINE = before or not _resolves(constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
        log.setLevel(level)


def _resolves(address: str) -> bool:
    """Tell whether the host of an address is known; behind a proxy, which resolves names itself, always."""
    if getproxies():
        return True
    try:
        socket.getaddrinfo(urlparse(address).hostname, 443)
    except OSError:
        return False
    return True
