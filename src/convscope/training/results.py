"""What a training leaves behind: figures, the classifier, predictions, the report."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from ..classifier import Classifier, load
from ..errors import printable
from ..evaluation import Evaluation, evaluate
from ..evaluation.report import Report, write_report
from ..evaluation.tta import VIEWS
from ..files import write_atomically
from .checkpoint import Progress
from .prepare_data import Prepared
from .recipe import Recipe
from .runtime import Runtime, describe_environment


@dataclass
class Run:
    """A finished training: the classifier, its figures, and the folder that holds everything.

    `metrics` is what `convscope train --json` prints; `history` has a row an epoch, with the columns of metrics.csv.
    """

    folder: Path
    classifier: Classifier
    metrics: dict[str, Any]
    history: list[dict[str, float]]


def finish(
    folder: Path, recipe: Recipe, runtime: Runtime, prepared: Prepared, network: nn.Module, done: Progress
) -> Run:
    """Measure the network on the validation and the test split, and write the bundle, the predictions, the report."""
    evaluations = _evaluate(recipe, runtime, prepared, network)
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
        "val": figures.pop("val", None),
        "test": figures.pop("test", None),
        **figures,
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


def _evaluate(recipe: Recipe, runtime: Runtime, prepared: Prepared, network: nn.Module) -> dict[str, Evaluation]:
    """By split, in float32; with test-time augmentation, if it was asked for, as `val_tta` and `test_tta`."""
    names, preprocess = prepared.data.class_names, prepared.preprocess
    ways = [("", None)] if recipe.tta == "none" else [("", None), ("_tta", VIEWS[recipe.tta])]
    return {
        split + suffix: evaluate(network, part, preprocess, names, runtime.device, views)
        for suffix, views in ways
        for split, part in prepared.parts.items()
        if split in ("val", "test")
    }


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
