"""Settle the recipe: choose what the user left open, by the data and by the time there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...choices import MULTI_LABEL_MONITORS
from ...data.default_augment import kind_of
from ...data.split import Data
from ...errors import UsageError
from ...models import Card
from ..hardware.runtime import Runtime
from ..loop.monitor import check_monitor
from ..recipe.optimizer_defaults import describe_settings
from ..recipe.recipe import Recipe
from ..time_budget import Clock
from ..transfer.from_run import EarlierRun
from .choose_crop import cut_off, settle_crop
from .ensemble import settle_members
from .img_size import choose_for_photos
from .transfer_size import settle_size

# Recipes with a file per kind of data.
BY_KIND = ("fast", "best")
TRANSFER = "transfer"


def default_recipe_name(given: Mapping[str, Any]) -> str | None:
    """Return the name of the recipe to use where the user named none; None for a plain one.

    `given` are the fields that the user gave.
    """
    if given.get("pretrained") or given.get("weights") or given.get("from_run"):
        return TRANSFER
    return None if "model" in given else "fast"


def find_recipe(named: Recipe | str | Path | None, data: Data | None = None) -> Recipe:
    """Return a recipe by name or file for this data; a plain one for None.

    Without data, the name of a recipe that depends on it gives the plain one too.
    """
    if isinstance(named, Recipe):
        return named
    if named is None or (data is None and named in BY_KIND):
        return Recipe()
    return Recipe.load(named, kind_of(data) if data is not None else None)


def settle_recipe(
    named: Recipe | str | Path | None,
    data: Data,
    given: Mapping[str, Any],
    runtime: Runtime,
    clock: Clock,
    own: Card | None = None,
    show: bool = False,
) -> tuple[Recipe, str]:
    """Return the recipe for this data with the `given` fields, and a line about what was chosen (or an empty one).

    `show` says on stderr what takes a while.
    """
    base, images, note = find_recipe(named, data), len(data.splits["train"]), ""
    recipe = base.changed(**given)
    if recipe.from_run:
        recipe = EarlierRun(recipe.from_run, own).with_its_network(recipe, given)
    if named in BY_KIND and data.kind == "photos" and not {"model", "img_size"} & set(given):
        recipe, note = choose_for_photos(recipe, data, runtime, clock)
    members = ""
    if named in BY_KIND and "model" not in given:
        recipe, members = settle_members(recipe, data, runtime, clock)
    recipe = _with_monitor(recipe, data, "monitor" in given)
    few = named in BY_KIND and kind_of(data) == "few-photos"
    if "batch_size" not in given and (named is None or named in (*BY_KIND, TRANSFER)):
        recipe = limit_batch_size(recipe, images, 4 if few else 16)
    recipe = recipe.with_epochs_for(images, 1000 if few else 100)
    if note:
        note += _planned_duration(recipe)
    if recipe.optimizer != base.optimizer:
        note += ("\n" if note else "") + f"optimizer {describe_settings(recipe.optimizer, asdict(recipe))}"
    recipe, size = settle_size(recipe, data, runtime, clock, own)
    recipe, crop = settle_crop(recipe, data, runtime, clock, own, show)
    if not crop and given.get("crop_mode", "auto") == "auto":
        crop = cut_off(recipe, data)
    return recipe, "\n".join(line for line in (note, members, size, crop) if line)


def _planned_duration(recipe: Recipe) -> str:
    """Return the end of a line: how long is trained."""
    return f", {recipe.epochs:,} epochs" if recipe.epochs else f", for {recipe.time_budget:g} seconds in all"


def _with_monitor(recipe: Recipe, data: Data, is_given: bool) -> Recipe:
    """Return the recipe with a figure to choose the best epoch by that these data have; UsageError for one given."""
    if is_given:
        if recipe.validation == "none":
            raise UsageError("monitor chooses the best epoch, and validation none keeps the last: leave one out")
        check_monitor(recipe.monitor, data.class_names, data.multi_label)
    elif recipe.monitor != "val/loss" and (recipe.monitor in MULTI_LABEL_MONITORS) != data.multi_label:
        return recipe.changed(monitor="val/map" if data.multi_label else "val/top1")
    else:
        check_monitor(recipe.monitor, data.class_names, data.multi_label)
    return recipe


def limit_batch_size(recipe: Recipe, images: int, steps: int = 16) -> Recipe:
    """Return the recipe with batches so small that an epoch has `steps` steps, but of 16 images at least."""
    return recipe.changed(batch_size=min(recipe.batch_size, max(images // steps, 16)))
