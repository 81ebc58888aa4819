"""`convscope check`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import DataError, UsageError, printable
from .output import print_json, print_table

if TYPE_CHECKING:
    from ..data.check.report import Report

Option = typer.Option
# Classes in the table, and problems of one kind.
SHOWN, NAMED = 40, 10


def check_command(
    data: Annotated[str, typer.Argument(help="Whatever `convscope train` takes: a name, a folder, a table, a zip.")],
    data_dir: Annotated[str | None, Option(help="Where a named data set already lies.")] = None,
    output: Annotated[
        Path | None, Option(help="A contact sheet of what the network would see: FILE.png or FILE.html.")
    ] = None,
    img_size: Annotated[int, Option(help="Its images' height and width.", min=8, max=1024)] = 96,
    crop_mode: Annotated[str, Option(help="Fit images by center (crop), pad or squash.")] = "center",
    near: Annotated[bool, Option("--near", help="Look for images that look the same, too.")] = False,
    strict: Annotated[bool, Option("--strict", help="Fail if any file cannot be used.")] = False,
    json: Annotated[bool, Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Look at a data set as training would: what can be used, what cannot and why, what is odd.

    Opens every image. Exit code 0 if a classifier can be trained on it, 3 if not. Nothing is written into it.
    """
    from ..data.check.contact_sheet import write_sheet
    from ..data.check.report import examine
    from ..data.preprocess import CROP_MODES

    if crop_mode not in CROP_MODES:
        raise UsageError(f"--crop-mode must be one of {', '.join(CROP_MODES)}, not {printable(repr(crop_mode))}")
    if output is not None and output.suffix.lower() not in (".png", ".html"):
        raise UsageError(f"--output must end in .png or .html, not {printable(repr(output.name))}")
    if output is not None and Path(data).is_dir() and output.resolve().is_relative_to(Path(data).resolve()):
        raise UsageError(f"--output {printable(output)} lies in the data set, where nothing is written: choose another")
    report = examine(data, data_dir, size=img_size, crop_mode=crop_mode, near=near, show=not json)
    if output is not None and report.thumbnails:
        write_sheet(report, output)
    if json:
        print_json(report.to_dict())
    else:
        _tell(report, data)
        if output is not None and report.thumbnails:
            typer.echo(f"sheet     {printable(output)}")
    if report.refusal is not None:
        raise DataError(report.refusal)
    if strict and report.skipped:
        raise DataError(f"{report.skipped} files could not be used, and --strict was given: mend or remove them")


def _tell(report: Report, source: str) -> None:
    if report.data is not None:
        _tell_counts(report)
    kinds = Counter(problem.kind for problem in report.problems)
    told: Counter[str] = Counter()
    for problem in sorted(report.problems, key=lambda problem: ("error", "warning", "info").index(problem.severity)):
        told[problem.kind] += 1
        if problem.severity == "error" or told[problem.kind] > NAMED:
            continue
        where = "" if problem.path in (report.name, "") or problem.path in problem.message else f"{problem.path}: "
        typer.echo(f"{problem.severity:<8}  {printable(where)}{problem.message}")
        if told[problem.kind] == NAMED < kinds[problem.kind]:
            typer.echo(f"          ... and {kinds[problem.kind] - NAMED:,} more of this kind (--json has all)")
    if report.refusal is None:
        typer.echo(f"\nusable; try next  convscope train {printable(source)}")


def _tell_counts(report: Report) -> None:
    found = report.to_dict()
    colour = "one channel" if found["channels"] == 1 else "colour"
    typer.echo(
        f"{report.name}: {found['images']:,} images in {len(found['classes'])} classes, {colour}"
        + (f"; {report.skipped:,} cannot be used" if report.skipped else "")
    )
    if found["sizes"]:
        smallest, median, largest = (" x ".join(map(str, found["sizes"][k])) for k in ("smallest", "median", "largest"))
        typer.echo(f"width x height: {smallest} to {largest}, usually {median}")
    if found["divided"]:
        typer.echo("it comes in one piece and is divided so, the same way every time:")
    splits = list(found["splits"])
    rows = [(label, *(f"{parts[n]:,}" for n in splits)) for label, parts in found["counts"].items()]
    typer.echo("")
    total = ("all", *(f"{count:,}" for count in found["splits"].values()))
    more = [(f"... and {len(rows) - SHOWN} more", *("" for _ in splits))] if len(rows) > SHOWN else []
    print_table([("class", *splits), *rows[:SHOWN], *more, total], numbers=range(1, len(splits) + 1))
    typer.echo("")
