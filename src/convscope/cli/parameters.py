"""Arguments and options that several verbs have, each declared once."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..training.options import DEFAULTS, OPTIONS, checked, value_type

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


def interpretation_options(
    folders: str,
    label_column: str | None = None,
    label_type: str = "auto",
    encoding: str = "auto",
    kind: str = "auto",
    label_pattern: str | None = None,
) -> dict[str, Any]:
    """Return the options that were given about how DATA is to be understood, checked."""
    values = {
        "folders": folders, "label_column": label_column, "label_type": label_type, "encoding": encoding, "kind": kind,
        "label_pattern": label_pattern,
    }  # fmt: skip
    given = {name: value for name, value in values.items() if value != DEFAULTS[name]}
    return {name: checked(name, value, flag_of(name)) for name, value in given.items()}


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
Folders = Annotated[str, recipe_option("folders")]
LabelPattern = Annotated[str | None, recipe_option("label_pattern")]
LabelColumn = Annotated[str | None, recipe_option("label_column")]
LabelType = Annotated[str, recipe_option("label_type")]
Encoding = Annotated[str, recipe_option("encoding")]
Kind = Annotated[str, recipe_option("kind")]
GroupBy = Annotated[str | None, recipe_option("group_by")]
Device = Annotated[str, recipe_option("device")]
Tta = Annotated[str, recipe_option("tta")]
Cache = Annotated[str | None, recipe_option("cache")]
Workers = Annotated[int | None, recipe_option("workers")]
CropMode = Annotated[str, recipe_option("crop_mode")]
Strict = Annotated[bool, typer.Option("--strict", help="Fail if any file has to be skipped.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else there.")]
