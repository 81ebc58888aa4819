"""`convscope train`."""

from __future__ import annotations

import shlex
import sys
import time
from typing import Annotated, Any

import typer

from ..activity import doing, showing
from ..errors import UsageError, printable
from ..messages.translate import language, phrase
from ..run_folder import REPORT
from ..training.recipe.declaration import Panel
from .output import print_json, say
from .parameters import Json, Strict
from .train_options import with_recipe_options

Option = typer.Option
# This file is read as the command begins: a time budget counts from here.
STARTED = time.perf_counter()
OUTPUT = "runs/train"
SPLITS = ("test", "val")


RecipeName = Annotated[
    str | None,
    Option(
        help="Recipe: fast, best (slower, more accurate), transfer, tutorial, or a YAML file of these options. Options "
        "override it. Default: fast; with --model, that network and plain settings; with --pretrained or --from-run, "
        "transfer.",
        metavar="NAME",
        rich_help_panel=Panel.MOST_USED.value,
    ),
]
Resume = Annotated[
    str | None,
    Option(
        help="Continue this unfinished run: a run folder, its name, or `last`.",
        metavar="RUN",
        rich_help_panel=Panel.MOST_USED.value,
    ),
]
Name = Annotated[
    str | None,
    Option(help="Name of the run folder. Default: MODEL-DATA.", metavar="NAME", rich_help_panel=Panel.MOST_USED.value),
]
Output = Annotated[
    str,
    Option(help="Folder in which run folders are made.", metavar="FOLDER", rich_help_panel=Panel.OUTPUT.value),
]


@with_recipe_options
def train_command(
    *,
    recipe: RecipeName = None,
    resume: Resume = None,
    name: Name = None,
    output: Output = OUTPUT,
    strict: Strict = False,
    json: Json = False,
    **options: Any,
) -> None:
    """Train a classifier and save it with a report.

    Everything is written to a new run folder below runs/train, which is printed with the next commands to try. An
    option that shows no default here takes its value from the recipe.
    """
    if resume is not None and (recipe or name or output != OUTPUT):
        raise UsageError(
            "--resume continues in the run's own folder with its own recipe: leave out --recipe, --name and --output"
        )

    with showing(sys.stderr):
        doing("starting")
        from ..distributed import is_main_process
        from ..training import train as training

        if resume is not None:
            run = training.resume(resume, started=STARTED, **options)
        else:
            run = training.train(recipe=recipe, output=output, name=name, strict=strict, started=STARTED, **options)
    if not is_main_process():
        return
    if json:
        print_json(run.metrics)
    else:
        _print_result(run.metrics, options.get("model"))


def _print_result(metrics: dict[str, Any], model: str | None) -> None:
    from ..models.own import is_source

    run = metrics["run"]
    results = [
        phrase("{share} ({n} images)", share=_headline(split, metrics[split]), n=f"{metrics[split]['n']:,}")
        for split in SPLITS
        if metrics[split]
    ]
    separator = ", " if language(sys.stdout) == "en" else "，"
    shown = separator.join(results) or phrase("no validation and no test images")
    say()
    head = metrics["recipe"]["head"]
    network = metrics["model"] if head == "own" else phrase("{model} with {head}", model=metrics["model"], head=head)
    say(phrase("{model} on {data}: {result}", model=network, data=printable(metrics["data"]), result=shown))
    for split in SPLITS:
        if f"{split}_tta" in metrics:
            figure = _headline(split, metrics[f"{split}_tta"])
            say(f"with test-time augmentation ({metrics['recipe']['tta']}): {figure}")
    size = f"{metrics['parameters']:,}"
    say(
        phrase(
            "{how}, {size} parameters, {precision}", how=_duration(metrics), size=size, precision=metrics["precision"]
        )
    )
    _say_early_end(metrics)
    say()
    say(f"run folder  {run}")
    if results:
        say(f"report      {run}/{REPORT}")
    code = ["--model", shlex.quote(printable(model))] if model is not None and is_source(model) else []
    target = " ".join([run, *code])  # a run does not hold the code of a network of one's own
    say(f"try next    convscope predict {target} IMAGE...")
    say(f"            convscope explain {target} IMAGE")
    typer.echo(f"            convscope serve {target}")
    say(f"            convscope export {target}    for answers in a quarter of the time, without torch")


def _duration(metrics: dict[str, Any]) -> str:
    """Return how long the training was."""
    if not metrics["epochs"]:
        return phrase("no training epochs, only the last layer was fitted")
    values = {"seconds": f"{metrics['train_seconds']:.1f}", "speed": f"{metrics['images_per_second']:,.0f}"}
    if metrics["epochs"] == 1:
        return phrase("1 epoch in {seconds} s of training, {speed} images/s", **values)
    return phrase("{n} epochs in {seconds} s of training, {speed} images/s", n=metrics["epochs"], **values)


def _say_early_end(metrics: dict[str, Any]) -> None:
    """Say that a training ended before the epochs that were asked for."""
    recipe, number, ended_by = metrics["recipe"], metrics["epochs"], metrics["ended_by"]
    epochs, patience = recipe["epochs"], recipe["patience"]
    if not epochs or not number:
        return
    if ended_by == "time_budget":
        say(f"the time budget of {recipe['time_budget']:g} s ended the training in epoch {number} of {epochs}")
    elif ended_by == "patience":
        say(f"{patience} epochs without a better one (--patience) ended the training in epoch {number} of {epochs}")


def _headline(split: str, figures: dict[str, Any]) -> str:
    """Return the figure that says most: the accuracy, of several labels per image the mean average precision."""
    if "top1" not in figures:
        value = f"{figures['map']:.2%}"
        if split == "test":
            return phrase("test mean average precision {share}", share=value)
        return phrase("validation mean average precision {share}", share=value)
    value = f"{figures['top1']:.2%}"
    return (
        phrase("test accuracy {share}", share=value)
        if split == "test"
        else phrase("validation accuracy {share}", share=value)
    )
