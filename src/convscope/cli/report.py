"""`convscope report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import printable
from .evaluate import EvaluatedSplit, Robustness
from .output import say
from .parameters import DataDir, Device, OwnModel, Run


def report_command(
    run: Run,
    data: Annotated[
        str | None,
        typer.Argument(help="Images. Default: the data that the run was trained on.", metavar="DATA"),
    ] = None,
    format: Annotated[str, typer.Option(help="What to write.", metavar="[html|md|json]")] = "html",
    output: Annotated[
        Path | None,
        typer.Option(help="The file. Default: report.html (or .md, .json) in the run folder.", metavar="FILE"),
    ] = None,
    split: EvaluatedSplit = None,
    model: OwnModel = None,
    data_dir: DataDir = None,
    robustness: Robustness = False,
    device: Device = "auto",
) -> None:
    """Write the report of a run again.

    The page with verdict, confidence, mistakes and curves; or the same in short as Markdown or JSON.
    """
    from ..evaluation.run_report import write_run_report

    path = write_run_report(
        run, data, format=format, model=model, split=split, data_dir=data_dir, device=device, output=output,
        disturbed=robustness,
    )  # fmt: skip
    say(f"report  {printable(path)}")
