"""Which options may be changed when a run is resumed (`--resume`), and what they then apply to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...data.augment import frame_side
from ...data.datasets import HUB, NAMES
from ...data.sources.remote import is_remote
from ...errors import DataError, ModelFileError, printable
from ...run_folder import RunFolder
from .recipe import IDENTITY, Recipe

# What the checkpoint's content depends on: the optimizer's state, the figure by which its best epoch was chosen, the
# classifier that is made of it. `images_shown` chose the epochs once and for all.
FIXED = ("optimizer", "class_weights", "sampler", "monitor", "head", "features", "images_shown")
# What applies to the results of a run that is finished as well.
RESULTS_OPTIONS = ("data_dir", "cache", "workers", "device", "tta")


def resumed_recipe(folder: RunFolder, options: dict[str, Any]) -> tuple[Recipe, Recipe]:
    """Return a run's recipe as it is and with some fields changed.

    ModelFileError if there is none, or if it would be another run or not fit the checkpoint.
    """
    if not folder.recipe.is_file():
        raise ModelFileError(f"{printable(folder.path)}: no run to go on with (recipe.yaml is missing)")
    before = Recipe.load(folder.recipe)
    recipe = before.changed(**options)
    for field in (*IDENTITY, *FIXED, "ema_decay"):
        old, new = getattr(before, field), getattr(recipe, field)
        if old == new or (field == "data" and Path(old).resolve() == Path(new).resolve()):
            continue
        if field == "data" and _is_moved(old, new):  # the checkpoint holds a record of the images, which is compared
            continue
        if field == "ema_decay" and old and new:  # only whether there is an average is fixed
            continue
        raise _other_run(folder, field, old, new)
    if frame_side(before.augment) != frame_side(recipe.augment):  # what the classifier sees of a photo
        raise _other_run(folder, "augment", before.augment, recipe.augment)
    return before, recipe


def _other_run(folder: RunFolder, field: str, old: Any, new: Any) -> ModelFileError:
    if old is None:
        return ModelFileError(
            f"{printable(folder.path)} was started without {field}, not with {printable(new)}: leave it out, or start "
            "a new run"
        )
    return ModelFileError(
        f"{printable(folder.path)} was started with {field} {printable(old)}, not {printable(new)}: leave it out, "
        "or start a new run"
    )


def _is_moved(old: str, new: str) -> bool:
    return os.path.lexists(new) and not os.path.lexists(old)


def require_images(recipe: Recipe, folder: RunFolder) -> None:
    """Raise DataError, which says how to name their new place, if the run's own images are not where they were."""
    name = recipe.data
    if name.startswith(HUB) or name.lower().replace("_", "-") in NAMES or os.path.lexists(name) or is_remote(name):
        return
    raise DataError(
        f"the images of this run are no longer in {printable(name)}: if they were moved, name the new place, "
        f"convscope train FOLDER --resume {printable(folder.path)}"
    )


def with_results_options(before: Recipe, after: Recipe) -> Recipe:
    """Return the recipe of a finished run with those new options that apply to its results."""
    return before.changed(**{name: getattr(after, name) for name in RESULTS_OPTIONS})
