"""What suits the data where the user has left it open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..data.split import Data
from .time_budget import Clock
from .img_size import suit_photos
from .recipe import Recipe
from .runtime import Runtime
from .freeze import EarlierRun

# Recipes with a file a kind of data.
BY_KIND = ("fast", "best")
TRANSFER = "transfer"
AUGMENT = {"digits": "affine", "photos": "flip,shift=0.125", "few-photos": "flip,shift=0.125,trivial-augment"}
# With fewer training images than this, what generalises matters more than what is quick.
FEW = 2000


def kind_of(data: Data) -> str:
    """Which recipe suits a data set: that for `digits`, `photos` or `few-photos`."""
    return "few-photos" if data.kind == "photos" and len(data.splits["train"]) < FEW else data.kind


def augment_for(data: Data) -> str:
    """The augmentation for a data set of this kind: what is written must not be mirrored, what is seen may be."""
    return AUGMENT[kind_of(data)]


def usual_recipe(given: Mapping[str, Any]) -> str | None:
    """The recipe by name where none was named, by the fields that were given."""
    if given.get("pretrained") or given.get("from_run"):
        return TRANSFER
    return None if "model" in given else "fast"


def start_from(named: Recipe | str | Path | None, data: Data | None = None) -> Recipe:
    """A recipe by name, file or value, for this data; the plain one for None.

    As long as the data is not known, the name of a recipe that depends on it stands for the plain one.
    """
    if isinstance(named, Recipe):
        return named
    if named is None or (data is None and named in BY_KIND):
        return Recipe()
    return Recipe.load(named, kind_of(data) if data is not None else None)


def suit(
    named: Recipe | str | Path | None, data: Data, given: Mapping[str, Any], runtime: Runtime, clock: Clock
) -> tuple[Recipe, str]:
    """The recipe for this data with the fields that were `given`, and a line about what was chosen (or nothing)."""
    recipe, images, why = start_from(named, data).changed(**given), len(data.splits["train"]), ""
    if recipe.from_run:
        recipe = EarlierRun(recipe.from_run).suit(recipe, given)
    if named in BY_KIND and data.kind == "photos" and not {"model", "model_args", "img_size"} & set(given):
        recipe, why = suit_photos(recipe, data, runtime, clock)
    few = named in BY_KIND and kind_of(data) == "few-photos"
    if "batch_size" not in given and (named is None or named in (*BY_KIND, TRANSFER)):
        recipe = batch_for(recipe, images, 4 if few else 16)
    recipe = recipe.suited_to(images, 1000 if few else 100)
    if why:
        why += f", {recipe.epochs} epochs" if recipe.epochs else f", for {recipe.time_budget:g} seconds in all"
    return recipe, why


def batch_for(recipe: Recipe, images: int, steps: int = 16) -> Recipe:
    """The recipe with smaller batches if there are few images: an epoch has at least so many steps, of 16 images."""
    return recipe.changed(batch_size=min(recipe.batch_size, max(images // steps, 16)))
