"""The input size where a training starts from public weights and has little time: smaller, if that shows all photos.

The weights' own size gives the best features, but photos that are not seen cost more than a size: with 50 photos per
class of CIFAR-10 a last layer on EfficientNet-Lite0's features is right in 69.2 % at 224 pixels, in 67.5 % at 160.
Small photos need not be enlarged to the weights' size either: in three minutes of one core the same network reaches
75.6 % after 12 epochs at 160 pixels, and at 224 there is time for 6.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...data.decoding.ahead import available_cores
from ...data.split import Data
from ...errors import UsageError
from ...models import Card, arguments_for, create_model, find_card
from ..hardware.precision import seconds_per_image
from ..hardware.runtime import Runtime
from ..recipe.recipe import Recipe
from ..time_budget import Clock
from ..transfer.linear_probe import TRAIN_SHARE
from .img_size import DECODING, default_size, typical_side

# Sizes that are tried, by the weights' own; most networks halve their maps five times.
SCALES, STEP = (5 / 7, 4 / 7, 3 / 7), 32
# Images of a trial step, on a processor and on another device.
FEW, MANY = 2, 32
# Seconds for what does not depend on the images, and passes over those that are evaluated at the end.
OVERHEAD, EVALUATIONS = 4.0, 2
# The share of the time that the features may take by this estimate, so that they do in fact.
CAREFUL = 0.9
# Epochs for which there should be time where the photos are small, fewer than which are worth no smaller size, and the
# cost of a training step by that of a pass.
EPOCHS, FEWEST, STEP_COST = 12, 3, 3.5


def settle_size(
    recipe: Recipe, data: Data, runtime: Runtime, clock: Clock, own: Card | None = None
) -> tuple[Recipe, str]:
    """Return the recipe with the largest size at which the time budget allows the body's features of all photos.

    Photos smaller than that are enlarged only as far as there is time for some epochs, too. With a line about it, where
    that is not the size of the public weights.
    """
    left, public = clock.left(), recipe.pretrained or recipe.weights
    if left is None or recipe.img_size or not public or isinstance(data.splits["train"].images, np.ndarray):
        return recipe, ""
    card = own or find_card(recipe.model)
    channels = recipe.in_channels or card.fixed_channels or data.channels
    options = {"num_classes": len(data.class_names), **recipe.model_args}
    usual = default_size(card, data, channels, options)
    counts = {name: len(split) for name, split in data.splits.items()}
    everything, learned = sum(counts.values()), counts["train"] + counts.get("val", 0)
    # Images that go through the network: those whose features are needed, and what is evaluated at the end.
    passes = learned / TRAIN_SHARE + EVALUATIONS * (everything - counts["train"])
    left = CAREFUL * (left - OVERHEAD) - everything * DECODING / available_cores()
    each = _seconds_per_image(card, runtime, (channels, usual, usual), options)
    sizes = [size for size in (STEP * round(usual * scale / STEP) for scale in SCALES) if STEP <= size < usual]
    sizes = [size for size in sizes if _takes(card, (channels, size, size), options)]
    sizes = [usual, *sizes]
    seen = next((size for size in sizes if passes * each * (size / usual) ** 2 <= left), sizes[-1])
    side = usual if recipe.freeze else typical_side(data.splits["train"])

    def epochs_at(size: int) -> float:
        return (left / each / (size / usual) ** 2 - passes) / (STEP_COST * counts["train"])

    chosen = _with_epochs([size for size in sizes if side <= size <= seen], epochs_at) or seen
    if chosen == usual:
        return recipe, ""
    if chosen == seen:
        reason = f"the features of {learned:,} photos at the weights' {usual} would take about {learned * each:.0f} s"
    else:
        reason = f"photos of about {side} enlarged to the weights' {usual} would leave time for few epochs"
    return recipe.changed(img_size=chosen), f"images at {chosen} pixels: {reason} (--img-size)"


def _with_epochs(sizes: list[int], epochs_at: Callable[[int], float]) -> int | None:
    """Return the first of the descending sizes with time for enough epochs; without one the last, if there are some."""
    enough = next((size for size in sizes if epochs_at(size) >= EPOCHS), None)
    return enough or (sizes[-1] if sizes and epochs_at(sizes[-1]) >= FEWEST else None)


def _takes(card: Card, input_size: tuple[int, int, int], options: dict[str, object]) -> bool:
    """Return whether a network takes images of this size, with the same weights as at its own."""
    try:
        return "img_size" not in arguments_for(card, input_size, **options)
    except UsageError:
        return False


def _seconds_per_image(
    card: Card, runtime: Runtime, input_size: tuple[int, int, int], options: dict[str, object]
) -> float:
    """Measure a pass without a way back, in the fastest precision and layout."""
    network = create_model(card, **arguments_for(card, input_size, **options)).to(runtime.device)
    count = FEW if runtime.device.type == "cpu" else MANY
    return seconds_per_image(runtime, network, input_size, count, learning=False)
