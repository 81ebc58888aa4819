"""How many networks learn side by side where photos are few and there is much time: the `members` of cifar_fast.

One network soon knows a few hundred photos by heart, and more of the same time makes it no better; several err
differently, so that their mean is right more often.
"""

from __future__ import annotations

from ...data.default_augment import kind_of
from ...data.split import Data
from ..hardware.runtime import Runtime
from ..recipe.recipe import Recipe
from ..time_budget import Clock
from .img_size import shown_in_time, training_seconds_per_image

# Epochs for which each member should have time, and the most members.
EPOCHS, MOST = 300, 5


def settle_members(recipe: Recipe, data: Data, runtime: Runtime, clock: Clock) -> tuple[Recipe, str]:
    """Return the recipe with as many members as the time budget allows, and a line about them if they are several."""
    suits = recipe.model == "cifar_fast" and recipe.head == "own" and "members" not in recipe.model_args
    suits = suits and kind_of(data) == "few-photos" and not data.multi_label
    if not (suits and recipe.img_size and recipe.time_budget) or recipe.epochs:
        return recipe, ""
    seconds = training_seconds_per_image(recipe, data, recipe.img_size, runtime)
    epochs = shown_in_time(recipe, data, seconds, clock) / len(data.splits["train"])
    members = min(int(epochs / EPOCHS), MOST)
    if members < 2:
        return recipe, ""
    note = (
        f"{members} networks learn side by side and answer together, since there is time for {epochs:,.0f} epochs of "
        "one (--model-arg members=1)"
    )
    return recipe.changed(model_args={**recipe.model_args, "members": members}), note
