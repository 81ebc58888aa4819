"""Which public weights there are, and which suit so many photos and so many minutes (`convscope models --pretrained`).

All of it works without a network: torchvision carries size, multiply-accumulates and ImageNet accuracy of each of its
files, timm's registry a licence for each of its own. The choice is measured on this machine: the network that is most
accurate on ImageNet of those that can work through the photos in the time. Accuracy there goes with accuracy after
transfer (Kornblith et al., 2019, arXiv 1805.08974: correlation 0.99 for fitted last layers, 0.96 for fine-tuning).
"""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch

from ...models import create_model
from ...models.tools.pretrained import WEIGHTS
from ...models.tools.timm_networks import is_timm, list_timm, timm_settings
from ..hardware.runtime import Runtime, choose_runtime

# The licence of torchvision's library, and that of timm's registry for the files that torchvision took from elsewhere.
TORCHVISION_LICENCE, TIMM_LICENCE = "BSD-3-Clause", "Apache-2.0"
# What of the time may go into the features of the photos and their mirror images, and the passes of a fine-tuning, each
# of which costs as much as so many passes without a way back.
SHARE, VIEWS = 0.5, 2
EPOCHS, COST = 5, 4
TRIAL_IMAGES = 4
# Tried first: network, input size and multiply-accumulates.
DENSE, DENSE_GMACS = ("resnet18", 224), 1.814


@dataclass(frozen=True)
class PublicWeights:
    """The public weights of a network.

    `megabytes` is the size of the file, `gmacs` are 10^9 multiply-accumulates per image of `size` x `size` pixels;
    `top1` is the publisher's accuracy on ImageNet in per cent. What the source does not say is None.
    """

    name: str
    source: str
    licence: str
    parameters: int | None
    megabytes: float | None
    size: int
    gmacs: float | None
    top1: float | None


def list_public_weights(pattern: str = "*") -> list[PublicWeights]:
    """Return the networks with public weights whose names match a pattern; timm's for one that begins with `timm:`."""
    return list(_of_timm(pattern) if is_timm(pattern) else _own(pattern))


def _own(pattern: str) -> Iterator[PublicWeights]:
    files = _files_of_torchvision()
    for name, weights in WEIGHTS.items():
        if not fnmatch.fnmatchcase(name, pattern):
            continue
        top1 = None if weights.top1_error is None else round(100 - weights.top1_error, 3)
        about = files.get(weights.file)
        if about is None:
            yield PublicWeights(name, "timm", TIMM_LICENCE, *_size(name), weights.crop, None, top1)
        else:
            megabytes = about["_file_size"] * 2**20 / 1e6
            figures = (about["num_params"], megabytes, weights.crop, about["_ops"], top1)
            yield PublicWeights(name, "torchvision", TORCHVISION_LICENCE, *figures)


def _files_of_torchvision() -> dict[str, dict[str, Any]]:
    """What torchvision knows of each of its files of weights for classification, by the file's name."""
    from torchvision import models

    classification = models.list_models(module=models)
    files = [weights for name in classification for weights in models.get_model_weights(name)]
    return {Path(urlparse(weights.url).path).stem: weights.meta for weights in files}


def _of_timm(pattern: str) -> Iterator[PublicWeights]:
    for name in list_timm(pattern):
        settings = timm_settings(name)
        if settings.has_weights:
            licence = settings.license or ""
            yield PublicWeights(name, "timm", licence, None, None, settings.input_size[1], None, None)


def _size(name: str) -> tuple[int, float]:
    """Parameters and megabytes of a network's weights in float32."""
    with torch.device("meta"):
        parameters = sum(p.numel() for p in create_model(name).parameters())
    return parameters, 4 * parameters / 1e6


@dataclass(frozen=True)
class Choice:
    """The most accurate network for a way of training, and the minutes that its passes take.

    If none `fits` into the time, that with the least work.
    """

    way: str
    name: str
    minutes: float
    fits: bool


def choose_weights(
    entries: Sequence[PublicWeights], photos: int, minutes: float, seconds_of: Callable[[str, int], float] | None = None
) -> list[Choice]:
    """Choose for `--freeze` (the last layer alone) and for fine-tuning, by the time of a trial pass on this machine.

    `seconds_of` gives the seconds per image of a network at an input size; by default it is measured.
    """
    candidates = sorted((e for e in entries if e.top1 and e.gmacs), key=lambda entry: -(entry.top1 or 0))
    if not candidates:
        return []
    measured = cache(seconds_of or seconds_per_image)
    # Dense convolutions are the quickest work: what is out of reach at their rate need not be tried.
    rate = measured(*DENSE) / DENSE_GMACS
    choices = []
    for way, passes in (("--freeze", VIEWS), ("all layers", VIEWS + EPOCHS * COST)):
        allowed = SHARE * 60 * minutes / (photos * passes)  # seconds per image and pass
        tried = (e for e in candidates if (e.gmacs or 0) * rate <= allowed)
        found = next((e for e in tried if measured(e.name, e.size) <= allowed), None)
        entry = found or min(candidates, key=lambda e: e.gmacs or 0)
        needed = measured(entry.name, entry.size) * photos * passes / 60
        choices.append(Choice(way, entry.name, needed, found is not None))
    return choices


@torch.inference_mode()
def seconds_per_image(name: str, size: int, runtime: Runtime | None = None) -> float:
    """Return the time of a pass without a way back, per image, of a network with random weights on this machine."""
    runtime = runtime or choose_runtime(layout="channels-last", precision="float32")
    network = runtime.to_device(create_model(name)).eval()
    images = runtime.lay_out(torch.zeros(TRIAL_IMAGES, 3, size, size, device=runtime.device))
    best = float("inf")
    for _ in range(2):
        started = time.perf_counter()
        network(images).sum().item()
        best = min(best, time.perf_counter() - started)
    return best / TRIAL_IMAGES
