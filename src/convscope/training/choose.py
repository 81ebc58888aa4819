"""What suits the data where the user has left it open."""

from __future__ import annotations

from pathlib import Path

from ..data.split import Data
from .recipe import Recipe

# Recipes with a file a kind of data.
BY_KIND = ("fast", "best")
AUGMENT = {"digits": "affine", "photos": "flip,shift=0.125"}


def augment_for(data: Data) -> str:
    """The augmentation for a data set of this kind: what is written must not be mirrored, what is seen may be."""
    return AUGMENT[data.kind]


def start_from(named: Recipe | str | Path | None, data: Data | None = None) -> Recipe:
    """A recipe by name, file or value, for this data; the plain one for None.

    As long as the data is not known, the name of a recipe that depends on it stands for the plain one.
    """
    if isinstance(named, Recipe):
        return named
    if named is None or (data is None and named in BY_KIND):
        return Recipe()
    return Recipe.load(named, data.kind if data is not None else None)


def batch_for(recipe: Recipe, images: int) -> Recipe:
    """The recipe with smaller batches if there are few images: an epoch has at least 16 steps of 16 images."""
    return recipe.changed(batch_size=min(recipe.batch_size, max(images // 16, 16)))
