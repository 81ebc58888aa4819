"""The augmentations by name, and how a line of text such as "flip,shift=4" becomes one of them."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from ...errors import UsageError, printable
from .affine_elastic import affine, elastic, rotate
from .colour import brightness, contrast, hue, lighting, saturation
from .flip_shift import alternating_flip, crop, flip, shift
from .context import Augment, Draw
from .rand_augment import MOST, rand_augment
from .random_erasing import cutout, erase
from .resized_crop import resized_crop
from .trivial_augment import trivial_augment


class Augmentation(NamedTuple):
    """A change that `parse_augment` knows; `amount` is its default (None: it takes none), `limits` what it may be."""

    function: Callable[..., Tensor]
    amount: float | None
    limits: tuple[float, float]
    help: str

    def with_amount(self, amount: float | None) -> Augment:
        """The function of images and draw that makes this change by `amount`."""
        if amount is None:
            return self.function
        return lambda images, draw: self.function(images, draw, amount)


_ANY = (0.0, 1.0)
_PIXELS = (0.0, 10_000.0)
AUGMENTATIONS: dict[str, Augmentation] = {
    "flip": Augmentation(flip, None, _ANY, "mirror half of the images, drawn anew every epoch"),
    "alternating-flip": Augmentation(alternating_flip, None, _ANY, "mirror every image in every other epoch"),
    "shift": Augmentation(shift, 2, _PIXELS, "shift by up to so many pixels (below 1: of the side), mirrored edges"),
    "crop": Augmentation(crop, 4, _PIXELS, "pad with so many black pixels (below 1: of the side), crop at random"),
    "resized-crop": Augmentation(resized_crop, 0.35, (0.01, 1), "enlarge a part; this is its least share of the area"),
    "rotate": Augmentation(rotate, 15, (0, 180), "turn by up to so many degrees"),
    "affine": Augmentation(affine, 1, (0, 5), "turn, scale, shear and shift a little, for digits; 1 is usual"),
    "elastic": Augmentation(elastic, 1, (0, 5), "bend like handwriting, for digits; 1 is usual"),
    "brightness": Augmentation(brightness, 0.2, (0, 1), "darker or brighter by up to this share"),
    "contrast": Augmentation(contrast, 0.2, (0, 1), "duller or harder by up to this share"),
    "saturation": Augmentation(saturation, 0.2, (0, 1), "paler or more colourful by up to this share"),
    "hue": Augmentation(hue, 0.05, (0, 0.5), "turn the hue by up to this share of the colour circle"),
    "lighting": Augmentation(lighting, 0.1, (0, 5), "AlexNet's shifts of colour; this is their deviation"),
    "erase": Augmentation(erase, 0.25, (0, 1), "hide a rectangle behind noise in this share of the images"),
    "cutout": Augmentation(cutout, 8, _PIXELS, "hide a square of so many pixels a side (below 1: of the side)"),
    "trivial-augment": Augmentation(trivial_augment, None, _ANY, "one of 14 changes an image, of any strength"),
    "rand-augment": Augmentation(rand_augment, 9, (0, MOST), "two of those changes an image, of this strength"),
}


def parse_augment(text: str) -> Augment | None:
    """`"flip,shift=4,cutout=8"` -> one function that makes these changes in this order; "none" -> None.

    Raises UsageError, in one line, for an unknown name and for an amount that is no number or cannot be meant.
    """
    if text.strip() == "none":
        return None
    steps = [_parse_one(part.strip()) for part in text.split(",")]

    def augment(images: Tensor, draw: Draw) -> Tensor:
        for step in steps:
            images = step(images, draw)
        return images

    return augment


def _parse_one(part: str) -> Augment:
    name, given, amount = (word.strip() for word in part.partition("="))
    if name == "none":
        raise UsageError("augment: 'none' stands alone")
    if name not in AUGMENTATIONS:
        near = difflib.get_close_matches(name, AUGMENTATIONS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"choose from none, {', '.join(AUGMENTATIONS)}"
        raise UsageError(f"augment: unknown change '{printable(name)}': {hint}")
    known = AUGMENTATIONS[name]
    if not given:
        return known.with_amount(known.amount)
    if known.amount is None:
        raise UsageError(f"augment: {name} takes no amount, not '{printable(amount)}'")
    low, high = known.limits
    try:
        value = float(amount)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise UsageError(f"augment: {name} must be a number from {low:g} to {high:g}, not '{printable(amount)}'")
    return known.with_amount(value)
