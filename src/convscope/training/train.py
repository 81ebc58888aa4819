"""A training from its recipe to the classifier: `train` starts one, `resume` goes on with one.

The way: load the data, settle the recipe, decode the images, build the network (`set_up`), run the loop (`trainer`),
evaluate, and write the classifier and the report (`results`).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from torch import nn

from ..activity import doing
from ..bundle_config import make_config
from ..data.batches import Batches
from ..data.datasets import load_data
from ..data.exclude import without_excluded
from ..data.split import Data, redivide, without_validation
from ..distributed import Processes, is_sharded, join_processes
from ..errors import ConvScopeError
from ..evaluation import Evaluation, MultiLabelEvaluation, evaluate
from ..files import check_folder_name, folder_name
from ..models import find_card, own_card
from ..run_folder import RunFolder, find_run, newest_run
from ..snapshots import SnapshotWriter
from ..task import Task
from .announce import show_beginning, show_end
from .checkpoint import Progress, has_checkpoint
from .context import TrainingContext
from .fit_head import with_classical_head
from .hardware.environment import describe_environment
from .hardware.runtime import choose_runtime, keep_freed_memory, seed_everything
from .join_held_out import SHARE, forget_joined, join_held_out, joins_held_out
from .loop.trainer import Trainer
from .prepare.changed_images import naming_changed_images
from .prepare.own_model import check_resumed, is_own_model, return_weights
from .prepare.prepare_data import PreparedData, prepare_data
from .prepare.settle_recipe import default_recipe_name, find_recipe, settle_recipe
from .progress_display import ProgressDisplay
from .recipe.recipe import Recipe
from .recipe.resumed_recipe import require_images, resumed_recipe, with_results_options
from .results import Run, save_results
from .seconds_after import seconds_after
from .set_up import first_stage, set_up, trained_network
from .several_processes import interrupted_run, require_enough_images, run_of_main, shared_by_all
from .time_budget import Clock
from .transfer.freeze import Body
from .transfer.linear_probe import LinearProbe

Model: TypeAlias = str | nn.Module | Callable[..., nn.Module]


def train(
    data: Data | str | Path | None = None,
    model: Model | None = None,
    *,
    recipe: Recipe | str | Path | None = None,
    output: str | Path = "runs/train",
    name: str | None = None,
    strict: bool = False,
    show: bool = True,
    started: float | None = None,
    **options: Any,
) -> Run:
    """Train `model` on `data` (a name, a folder or what `load_data` returned) and save everything in a new run folder.

    `model` is a name, or your own: `mynet.py:CNN`, its class, a function, or an instance, which has the trained weights
    in the end. A signature with `num_classes` and `in_channels` gets them, besides `model_args`. `recipe` is a Recipe,
    a YAML file or the name of one that ships with the package (as `fast`, `best`, `transfer`); `options` are fields
    that override it. The default recipe is `fast`; a plain one where a model is named; `transfer` where the
    training starts from public weights or an earlier run. The default data are the bundled digits. For photos, `fast`
    and `best` choose the input size by the photos and the time, and say so. The run folder is `output/name`, by default
    `runs/train/MODEL-DATA`, with -2, -3 ... if that is taken. `show` prints progress to stderr; with `strict`, a file
    that cannot be used is an error. `started` is the reading of `time.perf_counter` from which a time budget counts, by
    default that of the call. Processes that `torchrun` started train together.
    Raises a ConvScopeError, whose `exit_code` is the command's, for whatever goes wrong. For an example see `Run`.
    """
    keep_freed_memory()
    check_folder_name(name)
    processes = join_processes()
    if interrupted := interrupted_run(processes, Path(output)):  # torchrun has started the processes again
        return resume(interrupted, data=data if isinstance(data, Data) else None, model=model, show=show)
    own = own_card(model, options.get("model_args")) if model is not None and is_own_model(model) else None
    given = _given(data, own.name if own else model) | options
    named = default_recipe_name(given) if recipe is None else recipe
    chosen = find_recipe(named).changed(**given)
    clock, show = Clock(chosen.time_budget, started), show and processes.is_main
    _ = own or find_card(chosen.model)  # an unknown network is named before any data is read
    with clock.measuring("data"):
        loaded = _loaded(data, chosen)
        runtime = choose_runtime(processes.device_name(chosen.device), chosen.precision, chosen.layout)
        if chosen.validation == "none":
            loaded = without_validation(loaded)
        chosen, note = processes.from_main(settle_recipe(named, loaded, given, runtime, clock, own, show))
        with processes.main_first():
            prepared = prepare_data(loaded, chosen, strict, show, own)
    folder = _make_folder(processes, Path(output) / (name or default_name(chosen)), chosen, prepared)
    context = TrainingContext(chosen, runtime, folder, clock, _display(show, chosen), own, processes)
    run = _new_run(context, prepared, note)
    if isinstance(model, nn.Module):
        return_weights(run.classifier.network, model)
    return run


def resume(
    folder: str | Path,
    *,
    data: Data | str | Path | None = None,
    model: Model | None = None,
    show: bool = True,
    started: float | None = None,
    **options: Any,
) -> Run:
    """Go on with an unfinished run from its last checkpoint, as if it had never stopped; `show` as for `train`.

    `data` are the images if they have moved. `options` may change how it goes on (a lower `lr`, more `epochs`), but
    not what it is: ModelFileError if the network, the classes or the images are not those that it started with. A
    finished run is only reported again. `last` is the run below the current directory whose recipe was written
    last. A run of a network of one's own needs that `model` again, since a run folder holds no code. For an example see
    `Run`.
    """
    keep_freed_memory()
    processes = join_processes()
    show = show and processes.is_main
    run_folder = processes.from_main(newest_run() if str(folder) == "last" else find_run(folder))
    own = (
        own_card(model, run_folder.read_recipe().get("model_args"))
        if model is not None and is_own_model(model)
        else None
    )
    if own is None and model is not None:
        options["model"] = model
    options |= _given(data, None)
    before, recipe = resumed_recipe(run_folder, options)
    check_resumed(recipe.model, own, run_folder.path)
    clock = Clock(recipe.time_budget, started)
    runtime = choose_runtime(processes.device_name(recipe.device), recipe.precision, recipe.layout)
    if processes.is_main:
        run_folder.remove_leftovers()
    if not isinstance(data, Data):
        require_images(recipe, run_folder)
    with clock.measuring("data"):
        loaded = _loaded(data, recipe)
        table = run_folder.read_split()
        if (loaded.divided or loaded.held_out) and table is not None:
            loaded = redivide(loaded, table)
        if recipe.validation == "none":
            loaded = without_validation(loaded)
        with processes.main_first():
            prepared = prepare_data(loaded, recipe, show=show, own=own)
    require_enough_images(processes, recipe.batch_size, len(prepared.parts["train"]), recipe.accumulate)
    context = TrainingContext(recipe, runtime, run_folder, clock, _display(show, recipe), own, processes)
    return _run(context, prepared, before=before)


def _display(show: bool, recipe: Recipe) -> ProgressDisplay:
    return ProgressDisplay(sys.stderr if show else None, recipe)


def _loaded(data: Data | str | Path | None, recipe: Recipe) -> Data:
    """Return the data set that was given, or the one that the recipe names."""
    doing("looking at the data")
    if isinstance(data, Data):
        return without_excluded(data, recipe.exclude)
    return load_data(recipe.data, recipe.data_dir, **recipe.interpretation)


def _given(data: Data | str | Path | None, model: Model | None) -> dict[str, Any]:
    source = None if data is None else data.name if isinstance(data, Data) else str(data)
    return {key: value for key, value in {"data": source, "model": model}.items() if value is not None}


def default_name(recipe: Recipe) -> str:
    """Return MODEL-DATA, as a name that a folder can have on every system."""
    return f"{folder_name(recipe.model)}-{Path(recipe.data).resolve().name}"


def _make_folder(processes: Processes, path: Path, recipe: Recipe, prepared: PreparedData) -> RunFolder:
    """Make the run folder, with what is known before the training; DeviceError if a process cannot see it."""
    require_enough_images(processes, recipe.batch_size, len(prepared.parts["train"]), recipe.accumulate)
    folder = None
    if processes.is_main:
        folder = RunFolder.create(path.parent, path.name)
        folder.write_recipe(recipe.to_yaml())
        folder.write_split(prepared.split_table())
        folder.write_labels(prepared.data.class_names)
    shared = processes.from_main(folder)
    assert shared is not None
    return shared_by_all(processes, shared)


def _new_run(context: TrainingContext, prepared: PreparedData, note: str) -> Run:
    """Run a training, and leave no folder where it never begins, such as for weights that do not fit."""
    try:
        return _run(context, prepared, note)
    except ConvScopeError:
        if context.processes.is_main and not context.folder.has_results():
            shutil.rmtree(context.folder.path, ignore_errors=True)
        raise


def _run(context: TrainingContext, prepared: PreparedData, note: str = "", before: Recipe | None = None) -> Run:
    """Train from the first weights, or from the last checkpoint if there is one, and save the results.

    All random numbers follow from the recipe's seed, which is set here. `note` is a line to show about what was chosen.
    `before` is the recipe of a resumed run without its new options, which count only if there is something to train.
    """
    folder, clock, display, processes = context.folder, context.clock, context.display, context.processes
    doing("trying which precision is fastest")
    with clock.measuring("setup"):
        seed_everything(context.recipe.seed, context.recipe.deterministic)
        context, network, batches, body = set_up(context, prepared)
        if context.recipe.time_budget:
            clock.reserve = seconds_after(context, prepared, network)
        joins = joins_held_out(context, prepared)
        clock.later = SHARE if joins else 0.0
    show_beginning(context, prepared, note)
    doing("")
    context, probe = first_stage(context, prepared, network)
    recipe, runtime = context.recipe, context.runtime
    trainer = _make_trainer(context, prepared, network, batches, body, probe)
    with naming_changed_images(folder.read_split(), prepared):
        trainer.resume()
    if joins and not trainer.is_finished():
        forget_joined(folder)
    joins = joins and not has_checkpoint(folder.whole)
    if trainer.is_finished() and not joins:
        display.show_line("this run is finished: nothing is left to train (give more --epochs to go on)")
        context = replace(context, recipe=with_results_options(before, recipe) if before else recipe)
    elif processes.is_main:
        folder.write_environment(describe_environment(runtime, recipe.data, processes.count))
    if recipe.head == "own" or not recipe.freeze:  # a frozen body under a classical head has nothing to learn
        show_end(context, trainer.fit(), len(prepared.parts["train"]), probe)
        if processes.is_main:
            context, network = trained_network(context, prepared, network)
        if joins and trainer.progress.best_epoch:  # a fitted last layer that is kept has learned from them already
            with clock.measuring("join"):
                join_held_out(context, prepared, network, body, trainer.progress.epoch)
    done = trainer.progress
    return _finish(context, prepared, network, done) if processes.is_main else run_of_main(context, done)


def _finish(context: TrainingContext, prepared: PreparedData, network: nn.Module, done: Progress) -> Run:
    """Fit a classical classifier if the recipe asks for one, save the results and tell the other processes."""
    clock, processes = context.clock, context.processes
    clock.timings["train"] = done.seconds
    if context.recipe.head != "own":
        with clock.measuring("head"):
            network, prepared = with_classical_head(network, context.recipe, prepared)
    with clock.measuring("finish"):
        run = save_results(context, prepared, network, done)
    run.metrics["seconds"] = clock.elapsed()
    run.metrics["timings"] = dict(clock.timings)
    processes.from_main((run.metrics, run.history))
    processes.end()
    return run


def _make_trainer(
    context: TrainingContext,
    prepared: PreparedData,
    network: nn.Module,
    batches: Batches,
    body: Body | None,
    probe: LinearProbe | None,
) -> Trainer:
    """Return the loop for this training."""
    recipe, folder, parts, class_names = context.recipe, context.folder, prepared.parts, prepared.data.class_names

    def measure(split: str, current: nn.Module) -> Evaluation | MultiLabelEvaluation:
        doing("validating")
        part, device = prepared.choosing[split], context.runtime.device
        with context.runtime.autocast():
            found = evaluate(current, part, prepared.preprocess, class_names, device, processes=context.processes)
        doing("")
        return found

    task = Task.of(prepared.data.multi_label, len(class_names))
    config = make_config(recipe.model, prepared.model_args, class_names, prepared.preprocess, task=task)
    return Trainer(
        context,
        network,
        batches,
        validate=partial(measure, "val") if "val" in parts else None,
        test=partial(measure, "test") if "test" in parts and recipe.validation == "none" else None,
        body=body,
        probe=probe,
        snapshots=None if is_sharded(network) else SnapshotWriter(folder.snapshots, config),
        identity=prepared.identity,
    )
