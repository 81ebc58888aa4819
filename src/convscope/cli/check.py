"""`convscope check`."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DataError, UsageError, printable
from ..messages.translate import translated
from ..training.recipe.options import checked
from .data_options import with_data_options
from .label_findings import label_findings, print_labels
from .output import print_json, print_table, say
from .parameters import (
    CropMode,
    Data,
    DataDir,
    Json,
)

if TYPE_CHECKING:
    from ..data.check.report import Report
    from ..evaluation.label_errors import LabelCheck

# The table shows at most this many classes, the list below it at most this many problems of one kind.
MOST_CLASSES, MOST_PROBLEMS = 40, 10
SEVERITIES = ("error", "warning", "info")


Near = Annotated[
    bool,
    typer.Option("--near", help="Also report near-duplicates and mirrored or cropped copies."),
]

Labels = Annotated[
    bool, typer.Option("--labels", help="Also report labels that are probably wrong (needs scikit-learn).")
]
FeaturesOf = Annotated[
    str | None,
    typer.Option(
        "--run",
        help="The classifier whose features judge the labels: a run, or a network with public weights (resnet18). "
        "Default: for digits mnist-relu, else the plain pixels.",
        metavar="RUN",
    ),
]
WriteExclude = Annotated[
    Path | None,
    typer.Option(
        help="Write the images with doubtful labels, copies, blank images and unreadable files to this list, for "
        "`convscope train --exclude`.",
        metavar="FILE",
    ),
]


@with_data_options()
def check_command(
    data: Data,
    data_dir: DataDir = None,
    *,
    interpretation: dict[str, Any],
    output: Annotated[
        Path | None,
        typer.Option(
            help="Write the findings as a page with their pictures (.html), or a contact sheet of what the network "
            "would see (.png).",
            metavar="FILE",
        ),
    ] = None,
    img_size: Annotated[
        int, typer.Option(help="Height and width of the images on the contact sheet.", min=8, max=1024, metavar="N")
    ] = 96,
    crop_mode: CropMode = "center",
    near: Near = False,
    labels: Labels = False,
    run: FeaturesOf = None,
    write_exclude: WriteExclude = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if any file cannot be used.")] = False,
    json: Json = False,
) -> None:
    """Check a data set: what can be used, and what is unusual.

    Opens every image. Exit code 0 if a classifier can be trained on it, 3 if not. Nothing is written to the data set.
    """
    from ..data.check.report import check_data

    crop_mode = checked("crop_mode", crop_mode, "--crop-mode").replace("auto", "center")
    _check_output(output, data)
    if run is not None and not labels:
        raise UsageError("--run gives the features for --labels: add --labels")
    report = check_data(data, data_dir, interpretation, size=img_size, crop_mode=crop_mode, near=near, show=not json)
    found = label_findings(report, run) if labels and report.refusal is None else None
    _tell(report, data, found, output, write_exclude, json)
    if report.refusal is not None:
        raise DataError(report.refusal)
    if strict and report.skipped:
        raise DataError(f"{report.skipped} files could not be used, and --strict was given: repair or remove them")


def _tell(
    report: Report, data: str, found: LabelCheck | None, output: Path | None, write_exclude: Path | None, json: bool
) -> None:
    """Write the files that were asked for, and print what was found."""
    from ..checking.exclusions import excluded_rows
    from ..checking.page import write_page
    from ..data.check.contact_sheet import write_sheet
    from ..data.exclude import write_exclusions

    if write_exclude is not None:
        write_exclusions(write_exclude, excluded_rows(report, found))
    sheet = output if report.thumbnails else None
    if sheet is not None and sheet.suffix.lower() == ".html":
        write_page(sheet, report, found, shlex.join(["convscope", *sys.argv[1:]]))
    elif sheet is not None:
        write_sheet(report, sheet)
    if json:
        print_json(report.to_dict() | ({"labels": asdict(found)} if found else {}))
        return
    _print_report(report, data)
    print_labels(found)
    if write_exclude is not None:
        say(f"exclusion list  {printable(write_exclude)}: `convscope train --exclude FILE` leaves these out")
    if sheet is not None:
        what = translated("page" if sheet.suffix.lower() == ".html" else "contact sheet")
        say(f"{what}  {printable(sheet)}")


def _check_output(output: Path | None, data: str) -> None:
    if output is None:
        return
    if output.suffix.lower() not in (".png", ".html"):
        raise UsageError(f"--output must end in .png or .html, not {printable(repr(output.name))}")
    if Path(data).is_dir() and output.resolve().is_relative_to(Path(data).resolve()):
        raise UsageError(f"--output {printable(output)} lies in the data set, where nothing is written: choose another")


def _print_report(report: Report, source: str) -> None:
    if report.data is not None:
        _print_counts(report)
        say()
    of_kind = Counter(problem.kind for problem in report.problems)
    printed: Counter[str] = Counter()
    for problem in sorted(report.problems, key=lambda problem: SEVERITIES.index(problem.severity)):
        printed[problem.kind] += 1
        if problem.severity == "error" or printed[problem.kind] > MOST_PROBLEMS:
            continue
        where = "" if problem.path in (report.name, "") or problem.path in problem.message else f"{problem.path}: "
        say(f"{translated(problem.severity):<8}  {printable(where)}{translated(problem.message)}")
        if printed[problem.kind] == MOST_PROBLEMS < of_kind[problem.kind]:
            rest = of_kind[problem.kind] - MOST_PROBLEMS
            say(f"          ... and {rest:,} more of this kind (--json lists all)")
    newline = "\n" if printed else ""
    if report.refusal is None:
        say(f"{newline}usable; try next  convscope train {printable(source)}")


def _print_counts(report: Report) -> None:
    summary = report.to_dict()
    colour = "one channel" if summary["channels"] == 1 else "in colour"
    say(
        f"{report.name}: {summary['images']:,} images in {len(summary['classes'])} classes, {colour}"
        f"{f'; {report.skipped:,} cannot be used' if report.skipped else ''}"
    )
    if report.data is not None and report.data.origin is not None:
        say(f"classes: {report.data.origin.classes}")
        say(f"splits:  {report.data.origin.splits}")
        if report.data.origin.kind:
            say(f"kind:    {report.data.origin.kind}")
    if sizes := summary["sizes"]:
        extremes = [f"{w} x {h}" for w, h in sizes.values()]
        say(f"width x height: smallest {extremes[0]}, median {extremes[1]}, largest {extremes[2]}")
    if summary["divided"]:
        say("The data set has no splits of its own. Every training divides it in the same way:")
    say()
    splits = list(summary["splits"])
    rows = [(label, *(f"{parts[name]:,}" for name in splits)) for label, parts in summary["counts"].items()]
    total = (translated("all"), *(f"{count:,}" for count in summary["splits"].values()))
    if without := summary["without_label"]:
        total = (translated("all images"), *total[1:])
        rows_below = [(translated("without a label"), *(f"{without[name]:,}" for name in splits)), total]
    else:
        rows_below = [total]
    more = (
        [(translated(f"... and {len(rows) - MOST_CLASSES} more"), *("" for _ in splits))]
        if len(rows) > MOST_CLASSES
        else []
    )
    print_table([*rows[:MOST_CLASSES], *more, *rows_below], numbers=range(1, len(splits) + 1), head=("class", *splits))
