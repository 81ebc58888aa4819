"""Arguments and options that several verbs have, each declared once."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..training.recipe.options import DEFAULTS, OPTIONS, value_type

METAVARS: dict[type, str] = {int: "N", float: "X", str: "TEXT"}


def flag_of(name: str) -> str:
    """Return how the option of a recipe field is written: `batch_size` is `--batch-size`."""
    return OPTIONS[name].flag or f"--{name.replace('_', '-')}"


def recipe_option(name: str, for_train: bool = False) -> Any:
    """Return the typer option of a recipe field; for `train`, with its panel and its default in the help."""
    declared, kind = OPTIONS[name], value_type(name)
    help = declared.help
    default = DEFAULTS[name]
    if for_train and not declared.by_recipe and kind is not bool and default not in (None, ""):
        help += f" [default: {default:g}]" if kind is float else f" [default: {default}]"
    if declared.positional:
        return typer.Argument(help=help, metavar=declared.metavar)
    flag = flag_of(name)
    choices = f"[{'|'.join(map(str, declared.choices))}]" if declared.choices else None
    return typer.Option(
        f"{flag}/--no-{flag.removeprefix('--')}" if kind is bool else flag,
        help=help,
        metavar=None if kind is bool else declared.metavar or choices or METAVARS[kind],
        rich_help_panel=declared.panel.value if for_train else None,
    )


Run = Annotated[
    str,
    typer.Argument(
        help="The classifier: a run folder, a bundle (a saved classifier: folder or zip), `last` (the newest run), or "
        "the name of a bundled classifier (mnist-lenet5, mnist-relu).",
        metavar="RUN",
    ),
]
OwnModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="The code of a network of your own, FILE.py:CLASS, for a run that was trained from it. The file is run.",
        metavar="FILE.py:CLASS",
    ),
]
Data = Annotated[str, typer.Argument(help="Images: a path or a name, as for `convscope train`.", metavar="DATA")]
DataDir = Annotated[str | None, recipe_option("data_dir")]
CsvSafe = Annotated[
    bool,
    typer.Option(
        "--csv-safe", help="In CSV, put a quote before names that a spreadsheet would run as formulas (=, +, -, @)."
    ),
]
Device = Annotated[str, recipe_option("device")]
SetCoverage = Annotated[
    float | None,
    typer.Option(
        "--set-coverage",
        help="Also give the set of classes that holds the true one in this share of cases, such as 0.9.",
        metavar="X",
    ),
]
Tta = Annotated[str, recipe_option("tta")]
Cache = Annotated[str | None, recipe_option("cache")]
Workers = Annotated[int | None, recipe_option("workers")]
CropMode = Annotated[str, recipe_option("crop_mode")]
Strict = Annotated[bool, typer.Option("--strict", help="Fail if any file has to be skipped.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else there.")]
