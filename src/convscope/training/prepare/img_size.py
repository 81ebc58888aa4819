"""The input size where `--img-size` does not give it: by the network, the images, and the time there is.

Something small in a large photo (a logo, a bird) is lost at 32 pixels, but twice the side is four times the work.
"""

from __future__ import annotations

import io
import os
import statistics
import warnings
from typing import Any

import numpy as np
from PIL import Image

from ...data.image_file import UnreadableImage, read_bytes
from ...data.split import Data, Split
from ...errors import UsageError
from ...models import Card, arguments_for, create_model
from ..hardware.precision import seconds_per_image
from ..hardware.runtime import Runtime
from ..recipe.recipe import Recipe
from ..time_budget import Clock

# Photos up to this size keep it.
SMALL = 64
# Larger ones get a network with stride 2 in its first layer, and one of these sizes.
SIZES = (160, 128, 96, 64)
LARGE: dict[str, Any] = {"stride": 2, "blocks": 4}
# Without a time budget: the size for at most so many images.
SIZE_BY_COUNT = {2_000: 128, 20_000: 96}
# With one: a size must leave time for so many epochs, or for showing so many images.
EPOCHS, SHOWN = 60, 300_000
# Seconds of a core to read and decode a photo; the cost of evaluating an image, and that of a training with progressive
# resizing, both relative to the plain training.
DECODING, EVALUATING, PROGRESSIVE = 0.01, 0.35, 0.72
TRIAL_IMAGES = 16
# Photos whose header is read to find their typical size.
SAMPLE = 16


def default_size(card: Card, data: Data, channels: int, options: dict[str, Any]) -> int:
    """Return the input size of the network's paper, or the images' own if that is smaller and the network takes it.

    A network for photos that takes any size need not see digits of 28 pixels scaled up to 224. `options` are arguments
    of the network; the size is at least 32.
    """
    paper = card.input_size[1]
    images = data.splits["train"].images
    own = max(*images.shape[1:3], 32) if isinstance(images, np.ndarray) else paper
    if own >= paper:
        return paper
    try:
        arguments_for(card, (channels, own, own), **options)
    except UsageError:
        return paper
    return own


def choose_for_photos(recipe: Recipe, data: Data, runtime: Runtime, clock: Clock) -> tuple[Recipe, str]:
    """Return the recipe with input size and network arguments for these photos, and a line that says what and why."""
    images = data.splits["train"]
    side = typical_side(images)
    if side <= SMALL:
        chosen = recipe.changed(img_size=max(side, 32))
    else:
        chosen = recipe.changed(model_args={**LARGE, **recipe.model_args})
        sizes = [size for size in SIZES if size <= side]
        if recipe.time_budget:
            size = _largest_in_time(chosen, data, sizes, runtime, clock)
        else:
            size = next((size for most, size in SIZE_BY_COUNT.items() if len(images) <= most), SIZES[-1])
        chosen = chosen.changed(img_size=min(size, sizes[0]))
    return chosen, f"{chosen.model} at {chosen.img_size} pixels: {len(images):,} photos of about {side} to train on"


def typical_side(split: Split) -> int:
    """Return the median of the shorter sides, in pixels, of a sample of the images; 32 if none can be read."""
    sides = [min(size) for size in sample_sizes(split)]
    return int(statistics.median(sides)) if sides else 32


def sample_sizes(split: Split) -> list[tuple[int, int]]:
    """Return width and height of a sample of the images, without those that cannot be read."""
    if isinstance(split.images, np.ndarray):
        return [(split.images.shape[2], split.images.shape[1])]
    sizes = []
    for item in split.images[:: max(len(split) // SAMPLE, 1)]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                sizes.append(Image.open(io.BytesIO(read_bytes(item))).size)
        except (UnreadableImage, OSError, ValueError, Image.DecompressionBombError):
            continue  # decoding will name it
    return sizes


def _largest_in_time(recipe: Recipe, data: Data, sizes: list[int], runtime: Runtime, clock: Clock) -> int:
    """Return the largest of the descending `sizes` with time for enough epochs; the smallest if there is none."""
    smallest, enough = sizes[-1], min(EPOCHS * len(data.splits["train"]), SHOWN)
    seconds = training_seconds_per_image(recipe, data, smallest, runtime)
    in_time = (size for size in sizes if shown_in_time(recipe, data, seconds * (size / smallest) ** 2, clock) >= enough)
    return next(in_time, smallest)


def shown_in_time(recipe: Recipe, data: Data, seconds: float, clock: Clock) -> float:
    """Return how many images can be shown in the time that is left, if a training step takes `seconds` per image."""
    assert clock.budget is not None
    images = sum(len(split) for split in data.splits.values())
    others = images - len(data.splits["train"])
    left = 0.9 * (clock.budget - clock.elapsed()) - images * DECODING / (os.cpu_count() or 1)
    return (left - others * seconds * EVALUATING) / (seconds * (PROGRESSIVE if recipe.progressive else 1))


def training_seconds_per_image(recipe: Recipe, data: Data, size: int, runtime: Runtime) -> float:
    """Measure a training step with random pixels of this size."""
    network = create_model(
        recipe.model, num_classes=len(data.class_names), in_channels=data.channels, **recipe.model_args
    ).to(runtime.device)
    return seconds_per_image(runtime, network, (data.channels, size, size), TRIAL_IMAGES)
