"""A training from beginning to end: data, network, loop, and the run folder that is left behind."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..bundle import make_config, newest_run
from ..data.augment import parse_augment
from ..data.augment.mixup_cutmix import mixer
from ..data.batches import Batches
from ..data.datasets import load_data
from ..data.decoded import Decoded
from ..data.sampler import ORDERS
from ..data.split import Data, redivide, split_table
from ..errors import ModelFileError, UsageError, printable
from ..evaluation import Evaluation, evaluate
from ..evaluation.tta import VIEWS
from ..files import free_folder, remove_leftovers, write_atomically
from ..models import create_model, find_card
from .checkpoint import read_weights
from .settle_recipe import augment_for, start_from, suit, usual_recipe
from .time_budget import Clock
from .results import Run, finish
from .fit_head import with_classical_head
from .precision import measure
from .prepare_data import Prepared, prepare
from .progress_display import ProgressDisplay
from .recipe import IDENTITY, Recipe
from .runtime import Runtime, choose_runtime, describe_environment, keep_memory, seed_everything
from ..snapshots import Snapshots
from .trainer import Trainer
from .freeze import Body, body_of

# Writing the bundle and the report, the libraries that they need included.
REPORT_SECONDS = 1.0


def train(
    data: Data | str | Path | None = None,
    model: str | None = None,
    *,
    recipe: Recipe | str | Path | None = None,
    output: str | Path = "runs/train",
    name: str | None = None,
    strict: bool = False,
    show: bool = True,
    started: float | None = None,
    **options: Any,
) -> Run:
    """Train `model` on `data` (a name, a folder or what `load_data` gave) and save everything in a new run folder.

    `recipe` is a Recipe, a YAML file or the name of one that ships with the package (`fast`, `best`, `transfer`,
    `tutorial`); `options` are fields of it that are to be different. Without one it is `fast`; where a model is named,
    the plain one; where it starts from public weights or from an earlier run, `transfer`. With no data it is the
    bundled digits. For photos, `fast` and `best` choose the input size by the photos and the time, and say so. The run
    folder is `output/name`, by default `runs/train/MODEL-DATA`, with -2, -3 ... if that is taken. `show` prints
    progress on stderr; with `strict`, a file that cannot be used is an error. `started` is the reading of
    `time.perf_counter` that a time budget counts from; without it, it is the call.
    Raises a ConvScopeError, whose `exit_code` is the command's, for whatever goes wrong.
    """
    keep_memory()
    given = data.name if isinstance(data, Data) else None if data is None else str(data)
    fixed = {key: value for key, value in {"data": given, "model": model}.items() if value is not None} | options
    named = usual_recipe(fixed) if recipe is None else recipe
    chosen = start_from(named).changed(**fixed)
    clock = Clock(chosen.time_budget, started)
    if name is not None and (name in ("", ".", "..") or Path(name).name != name):
        raise UsageError(
            f"--name must be a plain folder name, not {printable(repr(name))}: --output says where it is made"
        )
    find_card(chosen.model)
    with clock.measuring("data"):
        loaded = data if isinstance(data, Data) else load_data(chosen.data, chosen.data_dir)
        runtime = choose_runtime(chosen.device, chosen.precision, chosen.layout)
        chosen, why = suit(named, loaded, fixed, runtime, clock)
        prepared = prepare(loaded, chosen, strict, show)
    folder = free_folder(Path(output), name or default_name(chosen))
    write_atomically(folder / "recipe.yaml", chosen.to_yaml())
    write_atomically(folder / "split.csv", split_table(prepared.data))
    write_atomically(folder / "labels.txt", "".join(f"{printable(label)}\n" for label in prepared.data.class_names))
    return _run(folder, chosen, runtime, prepared, clock, show, why)


def default_name(recipe: Recipe) -> str:
    """MODEL-DATA, as a name that a folder may have everywhere."""
    return f"{recipe.model.replace(':', '-').replace('/', '-')}-{Path(recipe.data).resolve().name}"


def resume(
    folder: str | Path,
    *,
    data: Data | str | Path | None = None,
    show: bool = True,
    started: float | None = None,
    **options: Any,
) -> Run:
    """Go on with an unfinished run where its last checkpoint was saved; the result is as if it had never stopped.

    `options` may change how it goes on (a lower `lr`, more `epochs`), but not what it is: ModelFileError if the
    network, the classes or the images are not those that it started with. A finished run is only reported again.
    `last` is the run below the current directory that was started (or changed) last.
    """
    keep_memory()
    place = newest_run(Path("runs"), "recipe.yaml") if str(folder) == "last" else Path(folder)
    if not (place / "recipe.yaml").is_file():
        raise ModelFileError(f"{printable(place)}: no run to go on with (recipe.yaml is missing)")
    before = Recipe.load(place / "recipe.yaml")
    if data is not None:
        options["data"] = data.name if isinstance(data, Data) else str(data)
    recipe = before.changed(**options)
    for field in IDENTITY:
        old, new = getattr(before, field), getattr(recipe, field)
        if old != new and not (field == "data" and Path(old).resolve() == Path(new).resolve()):
            raise ModelFileError(
                f"{printable(place)} was started with {field} {old}, not {new}: leave it out, or start a new run"
            )
    clock = Clock(recipe.time_budget, started)
    runtime = choose_runtime(recipe.device, recipe.precision, recipe.layout)
    loaded = data if isinstance(data, Data) else load_data(recipe.data, recipe.data_dir)
    table = place / "split.csv"
    if (loaded.divided or loaded.held_out) and table.is_file():
        loaded = redivide(loaded, table.read_bytes())
    for part in (place, place / "checkpoints" / "last", place / "checkpoints" / "best"):
        remove_leftovers(part)
    if recipe != before:
        write_atomically(place / "recipe.yaml", recipe.to_yaml())
    return _run(place, recipe, runtime, prepare(loaded, recipe, show=show), clock, show)


def _run(
    folder: Path, recipe: Recipe, runtime: Runtime, prepared: Prepared, clock: Clock, show: bool, why: str = ""
) -> Run:
    """Everything from the first weights to the report. Whatever is random starts from the recipe's seed here.

    `why` is a line about what was chosen, to be shown.
    """
    names, preprocess, parts = prepared.data.class_names, prepared.preprocess, prepared.parts
    with clock.measuring("setup"):
        seed_everything(recipe.seed, recipe.deterministic)
        network, batches, body, runtime = _set_up(recipe, runtime, prepared)
        # What was chosen here is part of the run: whoever goes on with it must not choose again.
        recipe = recipe.changed(precision=runtime.precision, layout=runtime.layout)
        write_atomically(folder / "recipe.yaml", recipe.to_yaml())
        write_atomically(folder / "env.json", json.dumps(describe_environment(runtime), indent=2) + "\n")
        if recipe.time_budget:
            clock.reserve = _seconds_at_the_end(network, prepared, runtime, recipe)

    def validate(current: nn.Module) -> Evaluation:
        with runtime.autocast():
            return evaluate(current, parts["val"], preprocess, names, runtime.device)

    display = ProgressDisplay(sys.stderr if show else None, recipe)
    display.say(
        f"{recipe.model} on {printable(prepared.data.name)}: " + ", ".join(f"{len(p):,} {n}" for n, p in parts.items())
    )
    if why:
        display.say(why)
    display.say(f"run folder: {printable(folder)}")
    trainer = Trainer(
        network,
        batches,
        validate if "val" in parts else None,
        recipe,
        runtime,
        folder,
        prepared.identity,
        display,
        clock,
        Snapshots(folder, make_config(recipe.model, prepared.model_args, names, preprocess, {})),
        body,
    )
    trainer.resume()
    if trainer.finished():
        display.say("this run is finished: nothing is left to train")
    done = trainer.progress
    if recipe.head == "own" or not recipe.freeze:  # a frozen body under another head has nothing to learn
        trainer.fit()
        read_weights(trainer.best, network)
    clock.timings["train"] = done.seconds
    if recipe.head != "own":
        with clock.measuring("head"):
            network, prepared = with_classical_head(network, recipe, prepared)
    with clock.measuring("finish"):
        run = finish(folder, recipe, runtime, prepared, network, done)
    run.metrics["seconds"] = clock.elapsed()
    run.metrics["timings"] = dict(clock.timings)
    return run


def _set_up(recipe: Recipe, runtime: Runtime, prepared: Prepared) -> tuple[nn.Module, Batches, Body | None, Runtime]:
    """The network with its first weights, the batches, the body, and the runtime with nothing left open."""
    network = create_model(recipe.model, pretrained=recipe.pretrained, **prepared.model_args)
    if prepared.earlier is not None:
        prepared.earlier.give(network, prepared.data.class_names)
    augment = parse_augment(augment_for(prepared.data) if recipe.augment == "auto" else recipe.augment)
    batches = Batches(
        prepared.parts["train"],
        prepared.preprocess,
        recipe.batch_size,
        recipe.seed,
        runtime.device,
        augment,
        mixer(recipe.mixup, recipe.cutmix),
        ORDERS[recipe.sampler],
    )
    images, labels = batches.sample(max(recipe.batch_size, 2048))
    look_at_data = getattr(network, "prepare", None)
    if callable(look_at_data):  # first kernels that follow from the images
        look_at_data(None if prepared.earlier else images.cpu())
    body = body_of(network, images[:2].cpu(), recipe)
    if "devices" in prepared.model_args:  # a network that is placed on several devices stays there, as it is
        return network, batches, body, choose_runtime(recipe.device, "float32", "contiguous")
    network = network.to(runtime.device)
    few = min(recipe.batch_size, len(images))
    runtime = measure(runtime, network, images[:few], labels[:few])
    return runtime.place(network), batches, body, runtime


def _seconds_at_the_end(network: nn.Module, prepared: Prepared, runtime: Runtime, recipe: Recipe) -> float:
    """How long the last validation, the final evaluation and the report will take, from a small trial."""
    parts = {name: part for name, part in prepared.parts.items() if name != "train"}
    if not parts:
        return REPORT_SECONDS
    some = next(iter(parts.values()))
    clock = Clock()
    for name in ("first", "second"):  # the first compiles kernels
        with clock.measuring(name):
            few = Decoded(some.pixels[:64], some.labels[:64], some.names[:64], [], [])  # may have to be decoded
            evaluate(network, few, prepared.preprocess, prepared.data.class_names, runtime.device)
    views = VIEWS[recipe.tta]
    times = 1 if views is None else 1 + len(views(torch.zeros(1, 1, 3, 3)))
    images = sum(len(part) for part in parts.values()) * times + len(parts.get("val", ()))
    return REPORT_SECONDS + clock.timings["second"] / len(few) * images
