"""Whole photos or their centre (`--crop-mode auto`): which gives public weights the better features of these photos.

A centre crop keeps proportions but cuts off the ends of long photos, and with them objects that lie there; squashing
shows all of a photo in other proportions. The last layer is fitted to the features of one half of a sample of the
training photos and measured on the other, both ways; no validation or test image is looked at.
"""

from __future__ import annotations

import logging
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.augment import frame_side
from ..data.split import Data
from ..messages.translate import translated
from ..models import Card, create_model
from ..weights_file import fit_weights
from .img_size import sample_sizes
from .linear_probe import Features, features_of, fit_layer, last_layer
from .prepare_data import prepare_data
from .recipe import Recipe
from .runtime import Runtime
from .time_budget import Clock

# Photos whose longer side is less than so many times the shorter lose little.
LONG = 1.15
# Photos of the sample at most and at least, and the share of the time left that they may take.
MOST, LEAST, SHARE = 800, 100, 0.08
TRIAL = 16
STRENGTHS = (10.0, 1.0, 0.1)


def settle_crop(
    recipe: Recipe, data: Data, runtime: Runtime, clock: Clock, own: Card | None = None, show: bool = False
) -> tuple[Recipe, str]:
    """Return the recipe with a crop mode in place of `auto`, and a line about it where there was a choice."""
    if recipe.crop_mode != "auto":
        return recipe, ""
    centre = recipe.changed(crop_mode="center")
    train = data.splits["train"]
    sizes = [] if isinstance(train.images, np.ndarray) else sample_sizes(train)
    long = bool(sizes) and statistics.median(max(size) / min(size) for size in sizes) >= LONG
    public = recipe.pretrained or recipe.weights
    if not long or not public or data.multi_label or recipe.superpixels or frame_side(recipe.augment):
        return centre, ""
    sample = _sample(data, MOST)
    if len(sample.splits["train"]) < LEAST:
        return centre, ""
    if show:
        print(translated("comparing the centre of photos with the whole, squashed"), file=sys.stderr, flush=True)
    with _without_warnings():  # of the photos, which follow when all are decoded
        losses = _losses(centre, sample, runtime, clock, own)
    if losses is None:
        return centre, ""
    gain = losses[0] - losses[1]
    error = float(gain.std()) / len(gain) ** 0.5
    squashed = float(gain.mean()) > error
    figures = ", ".join(f"{name} {loss.mean():.3f}" for name, loss in zip(("centre", "squashed"), losses, strict=True))
    chosen = "photos are squashed" if squashed else "the centre of photos is cut out"
    note = f"{chosen}: loss of a fitted last layer on held-out photos, {figures} (n = {len(gain)}; --crop-mode)"
    return recipe.changed(crop_mode="squash") if squashed else centre, note


def _sample(data: Data, most: int) -> Data:
    """Return the data with training photos alone, at most so many, evenly over the classes."""
    train = data.splits["train"]
    order = np.argsort(train.labels, kind="stable")
    step = max(len(order) / most, 1.0)
    return replace(data, splits={"train": train.take(order[np.arange(0, len(order), step).astype(int)])})


def _losses(
    recipe: Recipe, sample: Data, runtime: Runtime, clock: Clock, own: Card | None
) -> tuple[Tensor, Tensor] | None:
    """Return the loss on each held-out photo, from the centre and squashed; None without time or a layer to fit."""
    open_precision, open_layout = runtime.precision == "auto", runtime.layout == "auto"
    runtime = replace(
        runtime,
        precision="float32" if open_precision else runtime.precision,
        layout="channels-last" if open_layout else runtime.layout,
    )
    found: list[Tensor] = []
    for mode in ("center", "squash"):
        prepared = prepare_data(sample, recipe.changed(crop_mode=mode, cache="off"), own=own)
        network = create_model(
            own or recipe.model, pretrained=recipe.pretrained, weights_dir=recipe.weights_dir, **prepared.model_args
        )
        if recipe.weights:
            fit_weights(network, recipe.weights, recipe.model, prepared.preprocess.input_size)
        network = runtime.to_device(network)
        layer, extract = last_layer(network, prepared.preprocess, runtime)
        if layer is None or extract is None:
            return None
        if not found and clock.budget is not None:
            count = _affordable(network, prepared.preprocess.input_size, runtime, clock.budget - clock.elapsed())
            if count < LEAST:
                return None
            if count < len(sample.splits["train"]):
                sample = _sample(sample, count)
                prepared = prepare_data(sample, recipe.changed(crop_mode=mode, cache="off"), own=own)
        features = features_of(extract, prepared.parts["train"], prepared.preprocess, runtime)
        found.append(_held_out(features, layer))
    return (found[0], found[1]) if len(found[0]) == len(found[1]) else None


@torch.no_grad()
def _affordable(network: torch.nn.Module, size: tuple[int, int, int], runtime: Runtime, left: float) -> int:
    """Return the number of photos whose features, both ways, take their share of the time that is left."""
    images = runtime.lay_out(torch.zeros(TRIAL, *size, device=runtime.device))
    for _ in range(2):
        started = time.perf_counter()
        network(images)
        taken = time.perf_counter() - started
    return int(SHARE * left / 2 / taken * TRIAL)


def _held_out(features: Features, layer: torch.nn.Linear) -> Tensor:
    """Return the loss of each photo by a layer that was fitted to the other half of them."""
    even = torch.arange(len(features.labels), device=features.labels.device) % 2 == 0
    losses = torch.zeros(len(even), device=even.device)
    for half in (even, ~even):
        _, weight, bias = fit_layer(features[~half], features[half], layer, False, STRENGTHS)
        logits = F.linear(features.values[half], weight, bias)
        losses[half] = F.cross_entropy(logits, features.labels[half], reduction="none")
    return losses


@contextmanager
def _without_warnings() -> Iterator[None]:
    log = logging.getLogger("convscope")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before
