"""A training from beginning to end: data, network, loop, and the run folder that is left behind."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from ..bundle import newest_run
from ..classifier import Classifier, load
from ..data.augment import AUGMENTATIONS
from ..data.batches import Batches
from ..data.datasets import load_data
from ..data.split import Data, redivide, split_table
from ..errors import ModelFileError, UsageError, printable
from ..evaluation import Evaluation, evaluate
from ..evaluation.report import Report, write_report
from ..files import free_folder, remove_leftovers, write_atomically
from ..models import create_model, find_card
from .checkpoint import Progress, read_weights
from .prepare import Prepared, prepare
from .progress import ProgressDisplay
from .recipe import IDENTITY, Recipe
from .runtime import Runtime, choose_runtime, describe_environment, seed_everything
from .trainer import Trainer


@dataclass
class Run:
    """A finished training: the classifier, its figures, and the folder that holds everything.

    `metrics` is what `convscope train --json` prints; `history` has a row an epoch, with the columns of metrics.csv.
    """

    folder: Path
    classifier: Classifier
    metrics: dict[str, Any]
    history: list[dict[str, float]]


def train(
    data: Data | str | Path = "mnist-5k",
    model: str = "lenet5",
    *,
    recipe: Recipe | None = None,
    output: str | Path = "runs/train",
    name: str | None = None,
    strict: bool = False,
    show: bool = True,
    **options: Any,
) -> Run:
    """Train `model` on `data` (a name, a folder or what `load_data` gave) and save everything in a new run folder.

    `options` are fields of `Recipe`; `recipe` gives the others. The run folder is `output/name`, by default
    `runs/train/MODEL-DATA`, with -2, -3 ... if that is taken. `show` prints progress on stderr; with
    `strict`, a file that cannot be used is an error.
    Raises a ConvScopeError, whose `exit_code` is the command's, for whatever goes wrong.
    """
    where = data.name if isinstance(data, Data) else str(data)
    recipe = (recipe or Recipe()).changed(data=where, model=model, **options)
    find_card(recipe.model)
    if name is not None and (name in ("", ".", "..") or Path(name).name != name):
        raise UsageError(
            f"--name must be a plain folder name, not {printable(repr(name))}: --output says where it is made"
        )
    runtime = choose_runtime(recipe.device, recipe.precision)
    loaded = data if isinstance(data, Data) else load_data(recipe.data, recipe.data_dir)
    prepared = prepare(loaded, recipe, strict)
    recipe = recipe.with_default_epochs(len(prepared.parts["train"]))
    folder = free_folder(Path(output), name or f"{recipe.model}-{Path(where).resolve().name}")
    write_atomically(folder / "recipe.yaml", recipe.to_yaml())
    write_atomically(folder / "split.csv", split_table(prepared.data))
    write_atomically(folder / "labels.txt", "".join(f"{printable(label)}\n" for label in prepared.data.class_names))
    return _run(folder, recipe, runtime, prepared, show)


def resume(folder: str | Path, *, data: Data | str | Path | None = None, show: bool = True, **options: Any) -> Run:
    """Go on with an unfinished run where its last checkpoint was saved; the result is as if it had never stopped.

    `options` may change how it goes on (a lower `lr`, more `epochs`), but not what it is: ModelFileError if the
    network, the classes or the images are not those that it started with. A finished run is only reported again.
    `last` is the run below the current directory that was started (or changed) last.
    """
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
    runtime = choose_runtime(recipe.device, recipe.precision)
    loaded = data if isinstance(data, Data) else load_data(recipe.data, recipe.data_dir)
    table = place / "split.csv"
    if loaded.divided and table.is_file():
        loaded = redivide(loaded, table.read_bytes())
    for part in (place, place / "checkpoints" / "last", place / "checkpoints" / "best"):
        remove_leftovers(part)
    if recipe != before:
        write_atomically(place / "recipe.yaml", recipe.to_yaml())
    return _run(place, recipe, runtime, prepare(loaded, recipe), show)


def _run(folder: Path, recipe: Recipe, runtime: Runtime, prepared: Prepared, show: bool) -> Run:
    """Everything from the first weights to the report. Whatever is random starts from the recipe's seed here."""
    seed_everything(recipe.seed, recipe.deterministic)
    write_atomically(folder / "env.json", json.dumps(describe_environment(runtime), indent=2) + "\n")
    names, preprocess, parts = prepared.data.class_names, prepared.preprocess, prepared.parts
    network = create_model(recipe.model, pretrained=recipe.pretrained, **prepared.model_args)
    if "devices" not in prepared.model_args:  # a network that is placed on several devices stays there
        network = runtime.place(network)
    augment = AUGMENTATIONS[prepared.data.augment if recipe.augment == "auto" else recipe.augment]
    batches = Batches(parts["train"], preprocess, recipe.batch_size, recipe.seed, runtime.device, augment)

    def measure(split: str) -> Evaluation:
        return evaluate(network, parts[split], preprocess, names, runtime.device)

    display = ProgressDisplay(sys.stderr if show else None, recipe)
    display.say(
        f"{recipe.model} on {printable(prepared.data.name)}: " + ", ".join(f"{len(p):,} {n}" for n, p in parts.items())
    )
    display.say(f"run folder: {printable(folder)}")
    trainer = Trainer(
        network,
        batches,
        (lambda: measure("val")) if "val" in parts else None,
        recipe,
        runtime,
        folder,
        prepared.identity,
        display,
    )
    trainer.resume()
    if trainer.finished():
        display.say("this run is finished: nothing is left to train")
    done = trainer.fit()
    read_weights(trainer.best, network)
    return _finish(
        folder, recipe, runtime, prepared, network, done, {n: measure(n) for n in ("val", "test") if n in parts}
    )


def _finish(
    folder: Path,
    recipe: Recipe,
    runtime: Runtime,
    prepared: Prepared,
    network: nn.Module,
    done: Progress,
    evaluations: dict[str, Evaluation],
) -> Run:
    """Write what is left behind: the bundle, the predictions on the validation split, the report."""
    figures = {split: evaluation.figures() for split, evaluation in evaluations.items()}
    classifier = Classifier(
        network.to("cpu").eval(),
        prepared.data.class_names,
        prepared.preprocess,
        recipe.model,
        prepared.model_args,
        figures,
    )
    classifier.save(folder / "classifier")
    if "val" in evaluations:
        write_atomically(folder / "predictions_val.csv", evaluations["val"].table())
    metrics = {
        "run": printable(folder),
        "model": recipe.model,
        "data": recipe.data,
        "recipe": asdict(recipe),
        "seed": recipe.seed,
        "epochs": done.epoch,
        "best_epoch": done.best_epoch,
        "train_seconds": done.seconds,
        "images_per_second": done.images / max(done.seconds, 1e-9),
        "precision": runtime.precision,
        "parameters": sum(p.numel() for p in network.parameters()),
        "val": figures.get("val"),
        "test": figures.get("test"),
    }
    shown = "test" if "test" in evaluations else "val" if "val" in evaluations else None
    if shown:
        report = Report(
            title=f"{recipe.model} · {Path(recipe.data).name}",
            split=shown,
            evaluation=evaluations[shown],
            pixels=prepared.parts[shown].pixels,
            history=done.history,
            metrics=metrics,
            environment=describe_environment(runtime),
            command=command_of(recipe),
        )
        write_report(folder / "report.html", report)
    return Run(folder, load(folder), metrics, done.history)


def command_of(recipe: Recipe) -> str:
    """The command line that makes the same training: the data, the network and every field that is not the default."""
    words = ["convscope", "train", recipe.data, "--model", recipe.model]
    usual = asdict(Recipe())
    for name, value in asdict(recipe).items():
        if name in ("data", "model") or value == usual[name]:
            continue
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, dict):
            words += [word for key, item in value.items() for word in ("--model-arg", f"{key}={item}")]
        elif isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        else:
            words += [flag, f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join(words)
