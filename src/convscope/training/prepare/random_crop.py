"""`--augment random-crop=256`: training sees random crops of a larger frame, everything else the frame's centre."""

from __future__ import annotations

import logging
from dataclasses import replace

from ...data.augment import frame_side
from ...data.preprocess import Preprocess
from ...data.split import Data
from ...errors import UsageError
from ..recipe.recipe import Recipe
from .img_size import typical_side

log = logging.getLogger("convscope")

# Smallest share of the frame's side that a crop shows without a warning; that of the papers is 224 / 256.
LEAST_SHARE = 0.5


def with_frame(preprocess: Preprocess, recipe: Recipe, data: Data) -> Preprocess:
    """Return the preprocessing whose input is the centre of the frame that the recipe's `random-crop` asks for.

    As it is without `random-crop`. UsageError for what does not go with it; warns where photos are smaller than the
    frame, or crops show little of it.
    """
    side = frame_side(recipe.augment)
    if side is None:
        return preprocess
    size = preprocess.input_size[1]
    _require_suitable(recipe, data, side, size)
    photos = typical_side(data.splits["train"])
    if photos < side:
        log.warning(
            "random-crop=%d enlarges these photos of about %d pixels: crop=4 shifts them by up to 4 pixels instead",
            side, photos,
        )  # fmt: skip
    if size < LEAST_SHARE * side:
        log.warning(
            "random-crop=%d: crops of %d x %d show %.0f %% of the frame: random-crop=%d would show 77 %%, as in the "
            "papers; or choose a larger input with --img-size",
            side, size, size, 100 * (size / side) ** 2, round(size * 8 / 7),
        )  # fmt: skip
    return replace(preprocess, border=0, crop_pct=size / side)


def _require_suitable(recipe: Recipe, data: Data, side: int, size: int) -> None:
    where = f"augment: random-crop={side}"
    if data.kind == "digits":
        raise UsageError(
            f"{where} cuts parts off characters: give --augment shift=2, or --kind photos if these are photos"
        )
    if recipe.crop_mode != "center":
        raise UsageError(f"{where} goes with crop_mode center, not {recipe.crop_mode}: leave one out")
    if recipe.superpixels:
        raise UsageError(f"{where} does not go with superpixels, which are made of whole inputs: leave one out")
    if recipe.progressive:
        raise UsageError(
            f"{where} shows pixels without rescaling, and progressive rescales them: give --no-progressive"
        )
    if side <= size:
        raise UsageError(f"{where} must be larger than the network's input of {size} pixels, which is cut out of it")
    if size < 0.1 * side:
        raise UsageError(
            f"{where} is more than ten times the network's input of {size} pixels: give a larger --img-size"
        )


def describe_crop(recipe: Recipe, preprocess: Preprocess) -> str:
    """Return a line that says what training and evaluation see; empty without `random-crop`."""
    side = frame_side(recipe.augment)
    if side is None:
        return ""
    _, height, width = preprocess.input_size
    return (
        f"random-crop: shorter sides are resized to {side} and the central {side} x {side} kept; training sees random "
        f"crops of {height} x {width}, evaluation the central one"
    )
