"""One run of a comparison: trained, or resumed, or only read again; and what is compared of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..data.datasets import load_data
from ..data.split import Data
from ..files import folder_name
from ..models import find_card, is_source, own_card
from ..run_folder import RunFolder
from ..summarising import summary
from ..training.recipe.recipe import Recipe, shipped_recipes
from ..training.results import Run
from .images import accuracy_moved, with_few_images
from .plan import Plan, Variant

# Columns of the history that the page draws.
CURVES = ("epoch", "train/loss", "train/top1", "val/loss", "val/top1", "test/loss", "test/top1")
LOADING = (
    "data_dir",
    "folders",
    "label_pattern",
    "label_column",
    "label_type",
    "uncertain",
    "encoding",
    "kind",
    "group_by",
    "exclude",
)


def trial_name(variant: Variant, seed: int) -> str:
    """Return the name of a run and of its folder."""
    return f"{folder_name(variant.name)}-seed{seed}"


def options_of(plan: Plan, variant: Variant, seed: int) -> dict[str, Any]:
    """Return the options of `train` for a run; those of the variant win."""
    return {**plan.options, **variant.options, "seed": seed}


def run_trial(plan: Plan, variant: Variant, seed: int, place: Path, show: bool = False) -> dict[str, Any]:
    """Train a run below `place`, or go on with it, and return its figures as JSON values."""
    from ..training.train import resume, train

    options = options_of(plan, variant, seed)
    recipe, model = options.pop("recipe", None), options.get("model")
    data = _load(plan, options, seed)
    folder = RunFolder(place / trial_name(variant, seed))
    if folder.recipe.exists():
        own = model if isinstance(model, str) and is_source(model) else None
        run = resume(folder.path, data=data, model=own, show=show)
    else:
        options.pop("model", None)
        run = train(data, model, recipe=recipe, output=place, name=folder.path.name, show=show, **options)
    return _result(plan, variant, seed, run, data)


def _load(plan: Plan, options: dict[str, Any], seed: int) -> Data:
    given = {name: options[name] for name in LOADING if name in options}
    data = load_data(plan.data, given.pop("data_dir", None), **given)
    return with_few_images(data, plan.images, seed) if plan.images else data


def _result(plan: Plan, variant: Variant, seed: int, run: Run, data: Data) -> dict[str, Any]:
    metrics, history = run.metrics, run.history
    figures = {
        f"{split}/{name}": value
        for split in ("test", "val", "test_tta", "val_tta")
        for name, value in (metrics.get(split) or {}).items()
        if isinstance(value, int | float) and name != "n"
    }
    figures |= {name: value for name, value in (history[-1] if history else {}).items() if name.startswith("train/")}
    for distance in plan.shifts:
        figures[f"test/top1 moved {distance}"] = accuracy_moved(run.classifier, data, distance)
    table = summary(run.classifier)
    return {
        "name": trial_name(variant, seed),
        "variant": variant.name,
        "seed": seed,
        "folder": run.folder.as_posix(),
        "figures": figures,
        "history": [{name: row[name] for name in CURVES if name in row} for row in history],
        "parameters": metrics["parameters"],
        "macs": table.macs,
        "seconds": metrics["train_seconds"],
        "epochs": metrics["epochs"],
    }


def check_options(plan: Plan) -> None:
    """Raise a ConvScopeError for networks, recipes and options that there are not, before anything is trained."""
    for variant in plan.variants:
        options = options_of(plan, variant, plan.seeds[0])
        recipe = options.pop("recipe", None)
        if recipe is not None and recipe not in shipped_recipes():
            Recipe.load(recipe)
        model = Recipe().changed(**options).model
        _ = own_card(model, options.get("model_args")) if is_source(model) else find_card(model)
