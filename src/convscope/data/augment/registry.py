"""The registry of augmentations by name, and the parser of texts such as "flip,shift=4"."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from ...errors import UsageError, printable
from ...suggest import did_you_mean
from .affine_elastic import affine, elastic, rotate
from .colour import brightness, contrast, hue, lighting, saturation
from .context import Augment, BatchContext
from .flip_shift import alternating_flip, crop, flip, shift
from .rand_augment import MAX_MAGNITUDE, rand_augment
from .random_crop import random_crop
from .random_erasing import cutout, erase
from .resized_crop import resized_crop
from .trivial_augment import trivial_augment


class Augmentation(NamedTuple):
    """An augmentation that `parse_augment` knows; `amount` is its default (None: it takes none), within `limits`.

    `whole` amounts are whole numbers.
    """

    function: Callable[..., Tensor]
    amount: float | None
    limits: tuple[float, float] = (0.0, 1.0)
    whole: bool = False

    def with_amount(self, amount: float | None) -> Augment:
        """Return the function that makes this change to images by `amount`."""
        if amount is None:
            return self.function
        return lambda images, context: self.function(images, context, amount)


_PIXELS = (0.0, 10_000.0)
RANDOM_CROP = "random-crop"
AUGMENTATIONS: dict[str, Augmentation] = {
    "flip": Augmentation(flip, None),
    "alternating-flip": Augmentation(alternating_flip, None),
    "shift": Augmentation(shift, 2, _PIXELS),
    "crop": Augmentation(crop, 4, _PIXELS),
    RANDOM_CROP: Augmentation(random_crop, 256, (2, 10_000), whole=True),
    "resized-crop": Augmentation(resized_crop, 0.35, (0.01, 1)),
    "rotate": Augmentation(rotate, 15, (0, 180)),
    "affine": Augmentation(affine, 1, (0, 5)),
    "elastic": Augmentation(elastic, 1, (0, 5)),
    "brightness": Augmentation(brightness, 0.2, (0, 1)),
    "contrast": Augmentation(contrast, 0.2, (0, 1)),
    "saturation": Augmentation(saturation, 0.2, (0, 1)),
    "hue": Augmentation(hue, 0.05, (0, 0.5)),
    "lighting": Augmentation(lighting, 0.1, (0, 5)),
    "erase": Augmentation(erase, 0.25, (0, 1)),
    "cutout": Augmentation(cutout, 8, _PIXELS),
    "trivial-augment": Augmentation(trivial_augment, None),
    "rand-augment": Augmentation(rand_augment, 9, (0, MAX_MAGNITUDE)),
}


def parse_augment(text: str) -> Augment | None:
    """Return a function that makes the changes in a text such as "flip,shift=4,cutout=8" in order; None for "none".

    Raises UsageError, in one line, for an unknown name and for an amount that is not a number within its limits.
    """
    if text.strip() == "none":
        return None
    named = _named_amounts(text)
    steps = [AUGMENTATIONS[name].with_amount(amount) for name, amount in named]

    def augment(images: Tensor, context: BatchContext) -> Tensor:
        for step in steps:
            images = step(images, context)
        return images

    return augment


def mirrors(text: str) -> bool:
    """Whether any change in a text mirrors images."""
    return text.strip() != "none" and any(name in ("flip", "alternating-flip") for name, _ in _named_amounts(text))


def frame_side(text: str) -> int | None:
    """Return the side of the frame out of which `random-crop` cuts the network's input; None without `random-crop`."""
    if text.strip() in ("auto", "none"):
        return None
    sides = [amount for name, amount in _named_amounts(text) if name == RANDOM_CROP]
    return None if not sides or sides[0] is None else int(sides[0])


def _named_amounts(text: str) -> list[tuple[str, float | None]]:
    named = [_parse_one(part.strip()) for part in text.split(",")]
    if [name for name, _ in named].count(RANDOM_CROP) > 1:
        raise UsageError(f"augment: {RANDOM_CROP} is given twice: leave one out")
    return named


def _parse_one(part: str) -> tuple[str, float | None]:
    name, given, amount = (word.strip() for word in part.partition("="))
    if name == "none":
        raise UsageError("augment: 'none' cannot be combined with other augmentations")
    if name not in AUGMENTATIONS:
        hint = did_you_mean(name, AUGMENTATIONS, f"choose from none, {', '.join(AUGMENTATIONS)}", most=1, cutoff=0.6)
        raise UsageError(f"augment: unknown augmentation '{printable(name)}': {hint}")
    known = AUGMENTATIONS[name]
    if not given:
        return name, known.amount
    if known.amount is None:
        raise UsageError(f"augment: {name} takes no amount, not '{printable(amount)}'")
    low, high = known.limits
    try:
        value = float(amount)
    except ValueError:
        value = float("nan")
    if not low <= value <= high or (known.whole and value != int(value)):
        number = "a whole number" if known.whole else "a number"
        raise UsageError(f"augment: {name} must be {number} from {low:g} to {high:g}, not '{printable(amount)}'")
    return name, value
