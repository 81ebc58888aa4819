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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...activity import doing
from ...data.augment import frame_side
from ...data.decoded import Decoded
from ...data.decoding.ahead import available_cores
from ...data.decoding.cache_files import cache_root
from ...data.decoding.progress_bar import ProgressBar
from ...data.split import Data
from ...messages.translate import phrase, translated
from ...models import Card, create_model
from ...weights_file import fit_weights
from ..hardware.runtime import Runtime
from ..recipe.recipe import Recipe
from ..time_budget import Clock
from ..transfer.body_features import Extractor, Features, Keeping
from ..transfer.fit_layer import fit_layer
from ..transfer.linear_probe import last_layer
from .img_size import DECODING, sample_sizes
from .prepare_data import prepare_data

# Photos whose longer side is less than so many times the shorter lose little.
LONG = 1.15
# Of longer ones than this a centre crop leaves less than half.
HALVED = 2.0
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
    long = not isinstance(train.images, np.ndarray) and _proportion(data) >= LONG
    public = recipe.pretrained or recipe.weights
    if not long or not public or data.multi_label or recipe.superpixels or frame_side(recipe.augment):
        return centre, ""
    sample = _sample(data, MOST)
    if len(sample.splits["train"]) < LEAST:
        return centre, ""
    if show:
        print(translated("comparing the centre of photos with the whole, squashed"), file=sys.stderr, flush=True)
    doing("comparing crops")
    with _without_warnings():  # of the photos, which follow when all are decoded
        losses = _losses(centre, sample, runtime, clock, own, show)
    if losses is None:
        return centre, ""
    gain = losses[0] - losses[1]
    error = float(gain.std()) / len(gain) ** 0.5
    squashed = float(gain.mean()) > error
    cut, whole = (f"{loss.mean():.3f}" for loss in losses)
    chosen = "photos are squashed" if squashed else "the centre of photos is cut out"
    note = (
        f"{chosen}: loss of a fitted last layer on held-out photos, centre {cut}, squashed {whole} "
        f"(n = {len(gain)}; --crop-mode)"
    )
    return recipe.changed(crop_mode="squash") if squashed else centre, note


def _sample(data: Data, most: int) -> Data:
    """Return the data with training photos alone, at most so many, evenly over the classes, and with their classes."""
    train = data.splits["train"]
    order = np.argsort(train.labels, kind="stable")
    step = max(len(order) / most, 1.0)
    chosen = train.take(order[np.arange(0, len(order), step).astype(int)])
    present, labels = np.unique(chosen.labels, return_inverse=True)  # a rare class may have none
    names = [data.class_names[i] for i in present.tolist()]
    return replace(data, splits={"train": replace(chosen, labels=labels.astype(np.int64))}, class_names=names)


def _losses(
    recipe: Recipe, sample: Data, runtime: Runtime, clock: Clock, own: Card | None, show: bool
) -> tuple[Tensor, Tensor] | None:
    """Return the loss on each held-out photo, from the centre and squashed; None without time or a layer to fit."""
    runtime = replace(
        runtime,
        precision="float32" if runtime.precision == "auto" else runtime.precision,
        layout="channels-last" if runtime.layout == "auto" else runtime.layout,
    )
    if (left := clock.left()) is not None:
        extractor, few, _ = _extractor(recipe, _sample(sample, LEAST), runtime, own)
        count = 0 if extractor is None else _affordable(extractor, few, SHARE * left)
        if count < LEAST:
            return None
        sample = _sample(sample, count)
    found: list[Tensor] = []
    with ProgressBar(show, 2 * len(sample.splits["train"]), phrase("comparing crops")) as bar:
        for mode in ("center", "squash"):
            changed = recipe.changed(crop_mode=mode)
            extractor, train, layer = _extractor(changed, sample, runtime, own, bar.advance)
            if extractor is None or layer is None:
                return None
            found.append(_held_out(extractor.features_of(train)[0], layer))
    return (found[0], found[1]) if len(found[0]) == len(found[1]) else None


def _extractor(
    recipe: Recipe, sample: Data, runtime: Runtime, own: Card | None, advance: Callable[[int], object] = int
) -> tuple[Extractor | None, Decoded, torch.nn.Linear | None]:
    """Return what gives the features of the sample, its photos, and the last layer; None for a network without one."""
    prepared = prepare_data(sample, recipe, own=own)
    network = create_model(
        own or recipe.model, pretrained=recipe.pretrained, weights_dir=recipe.weights_dir, **prepared.model_args
    )
    if recipe.weights:
        fit_weights(network, recipe.weights, recipe.model, prepared.preprocess.input_size)
    layer, extract = last_layer(runtime.to_device(network), prepared.preprocess, runtime)
    if layer is None or extract is None:
        return None, prepared.parts["train"], None
    keeping = Keeping(cache_root(recipe.cache), recipe.model, advance)
    extractor = Extractor(extract, prepared.preprocess, runtime, layer.in_features, keeping)
    return extractor, prepared.parts["train"], layer


def _affordable(extractor: Extractor, photos: Decoded, seconds: float) -> int:
    """Return the number of photos that can be decoded and whose features can be computed, both ways, in this time."""
    few, without = photos.take(torch.arange(min(TRIAL, len(photos)))), replace(extractor, keeping=Keeping())
    started = time.perf_counter()
    without.features_of(few)
    each = (time.perf_counter() - started) / len(few) + DECODING / available_cores()
    return int(seconds / 2 / each)


def _held_out(features: Features, layer: torch.nn.Linear) -> Tensor:
    """Return the loss of each photo by a layer that was fitted to the other half of them."""
    even = torch.arange(len(features.labels), device=features.labels.device) % 2 == 0
    losses = torch.zeros(len(even), device=even.device)
    for half in (even, ~even):
        _, weight, bias = fit_layer(features[~half], features[half], layer, False, STRENGTHS)
        logits = F.linear(features.values[half], weight, bias)
        losses[half] = F.cross_entropy(logits, features.labels[half], reduction="none")
    return losses


def cut_off(recipe: Recipe, data: Data) -> str:
    """Return a line if the centre crop leaves less than half of the usual image; else an empty one."""
    proportion = _proportion(data)
    if recipe.crop_mode != "center" or proportion <= HALVED:
        return ""
    share = f"{1 / proportion:.0%}"
    return f"the centre of the images is cut out, {share} of the usual one: --crop-mode pad or squash shows all of it"


def _proportion(data: Data) -> float:
    """Return the median of the longer side by the shorter one, of a sample of the training images; 1 for none."""
    sizes = sample_sizes(data.splits["train"])
    return statistics.median(max(size) / min(size) for size in sizes) if sizes else 1.0


@contextmanager
def _without_warnings() -> Iterator[None]:
    log = logging.getLogger("convscope")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before
