"""Network and input size for photos that nobody has chosen them for: by their size, their number and the time there is.

What is small in a large photo (a logo, a bird) is lost at 32 pixels, and what there is no time to train at is lost as
well: twice the side is four times the work.
"""

from __future__ import annotations

import io
import os
import statistics
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from ..data.image_file import UnreadableImage, read_bytes
from ..data.split import Data, Split
from ..models import create_model
from .time_budget import Clock
from .precision import measure
from .recipe import Recipe
from .runtime import Runtime

# Photos up to this size are shown as they are.
SMALL = 64
# For larger ones: a network that looks at them in steps of two pixels, at the first of these sizes that suits.
SIZES = (160, 128, 96, 64)
LARGE: dict[str, Any] = {"stride": 2, "blocks": 4}
# Without a time: up to so many images at this size.
USUAL = {2_000: 128, 20_000: 96}
# With one: a size has to leave time for so many epochs, or for showing so many images.
EPOCHS, SHOWN = 60, 300_000
# Seconds of a core to read and decode a photo; what evaluating an image costs by training on it; what progressive
# resizing saves.
DECODING, EVALUATING, PROGRESSIVE = 0.01, 0.35, 0.72
TRIAL_IMAGES = 16


def suit_photos(recipe: Recipe, data: Data, runtime: Runtime, clock: Clock) -> tuple[Recipe, str]:
    """The recipe with an input size and a network for these photos, and a line that says what and why."""
    images = data.splits["train"]
    side = typical_side(images)
    if side <= SMALL:
        chosen = recipe.changed(img_size=max(side, 32))
    else:
        chosen = recipe.changed(model_args=LARGE)
        fitting = [size for size in SIZES if size <= side]
        if recipe.time_budget:
            size = _size_for_time(chosen, data, fitting, runtime, clock)
        else:
            size = next((size for most, size in USUAL.items() if len(images) <= most), SIZES[-1])
        chosen = chosen.changed(img_size=min(size, fitting[0]))
    return chosen, f"{chosen.model} at {chosen.img_size} pixels: {len(images):,} photos of about {side} to train on"


def typical_side(split: Split) -> int:
    """The median of the shorter sides of some images, in pixels."""
    if isinstance(split.images, np.ndarray):
        return min(split.images.shape[1:3])
    sides = []
    for item in split.images[:: max(len(split) // 16, 1)]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                sides.append(min(Image.open(io.BytesIO(read_bytes(item))).size))
        except (UnreadableImage, OSError, ValueError, Image.DecompressionBombError):
            continue  # it is named when the images are decoded
    return int(statistics.median(sides)) if sides else 32


def _size_for_time(recipe: Recipe, data: Data, sizes: list[int], runtime: Runtime, clock: Clock) -> int:
    """The first size at which the time suffices for enough epochs; the last if it does for none."""
    assert clock.budget is not None
    smallest, images = sizes[-1], len(data.splits["train"])
    others = sum(len(split) for name, split in data.splits.items() if name != "train")
    a_step = _seconds_an_image(recipe, data, smallest, runtime)
    left = 0.9 * (clock.budget - clock.elapsed()) - (images + others) * DECODING / (os.cpu_count() or 1)
    for size in sizes:
        cost = a_step * (size / smallest) ** 2
        shown = (left - others * cost * EVALUATING) / (cost * (PROGRESSIVE if recipe.progressive else 1))
        if shown >= min(EPOCHS * images, SHOWN):
            return size
    return smallest


def _seconds_an_image(recipe: Recipe, data: Data, size: int, runtime: Runtime) -> float:
    """What a training step takes here for an image of this size, with random pixels."""
    network = create_model(
        recipe.model, num_classes=len(data.class_names), in_channels=data.channels, **recipe.model_args
    ).to(runtime.device)
    images = torch.rand(TRIAL_IMAGES, data.channels, size, size, device=runtime.device)
    labels = torch.zeros(TRIAL_IMAGES, dtype=torch.int64, device=runtime.device)
    measured = measure(replace(runtime, layout="auto"), network, images, labels).measured
    return min(measured.values()) / 1000 / TRIAL_IMAGES
