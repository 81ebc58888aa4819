"""`convscope compare`."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import Interrupted, UsageError, printable
from .output import print_json, print_table, say
from .parameters import Json

if TYPE_CHECKING:
    from ..comparing.plan import Plan

Option = typer.Option
LEFT_OUT = ("history", "folder")  # of --json


Source = Annotated[
    str,
    typer.Argument(
        help="Images to train on, as for `convscope train`; or a .yaml file with a plan: data, runs, seeds, what is "
        "expected.",
        metavar="DATA|PLAN",
    ),
]
Models = Annotated[
    str | None, Option(help="Networks to compare, separated by commas. The first is the baseline.", metavar="A,B")
]
Recipes = Annotated[
    list[str] | None,
    Option(help="Recipe of every run; give it several times to compare recipes.", metavar="NAME"),
]
Seeds = Annotated[int | None, Option(help="Train each with the seeds 0 to N - 1. Default: 3.", metavar="N")]
Settings = Annotated[
    list[str] | None,
    Option(
        help="Option of every run as NAME=VALUE, such as epochs=5 or augment=none. Can be repeated.",
        metavar="NAME=VALUE",
    ),
]
Figure = Annotated[
    str | None,
    Option(
        help="Figure to compare: test/top1, val/loss, train/top1, or 'epochs to train/top1 0.9'. Default: test/top1, "
        "or what all runs have.",
        metavar="FIGURE",
    ),
]
SettingName = Annotated[
    str | None, Option(help="Setting of a plan: quick or full. Default: the plan as it stands.", metavar="NAME")
]
Jobs = Annotated[int, Option(help="Runs that are trained at the same time, each in a process.", metavar="N")]
Output = Annotated[
    Path | None,
    Option(
        help="Folder of the runs and the page; runs that are there already are kept. Default: runs/compare/NAME.",
        metavar="FOLDER",
    ),
]


def compare_command(
    data: Source,
    models: Models = None,
    recipe: Recipes = None,
    seeds: Seeds = None,
    option: Settings = None,
    figure: Figure = None,
    setting: SettingName = None,
    jobs: Jobs = 1,
    output: Output = None,
    json: Json = False,
) -> None:
    """Compare networks or recipes: train each with several seeds.

    Each run is an ordinary run folder. The table has mean and deviation over the seeds, paired differences to the
    first, time, parameters and multiply-accumulates; the page has curves too. A comparison that was stopped goes on
    with the same command: runs that are finished are not repeated.
    """
    if jobs < 1:
        raise UsageError("--jobs must be at least 1")
    from ..comparing.compare import PAGE, run_plan
    from ..comparing.comparison import compare
    from ..comparing.page import rows_of, write_page

    plan = _plan(data, models, recipe, seeds, option, figure, setting)
    place = output or Path("runs") / "compare" / plan.name
    progress = (lambda line: None) if json else (lambda line: say(line, err=True))
    try:
        trials = run_plan(plan, place, jobs, progress)
    except (KeyboardInterrupt, Interrupted) as problem:
        code = problem.exit_code if isinstance(problem, Interrupted) else 130
        raise Interrupted("stopped: the same command goes on, and repeats no run that is finished", code) from problem
    comparison = compare(plan, trials)
    write_page(place / PAGE, plan, comparison, trials, shlex.join(["convscope", *sys.argv[1:]]))
    if json:
        print_json(_document(plan, comparison.to_dict(), trials))
        return
    head, *rows = rows_of(comparison)
    print_table(rows, numbers=range(1, 9), head=head)
    for verdict in comparison.verdicts:
        n = verdict.difference.n
        say(f"{verdict.word}: {verdict.expectation} ({verdict.agree} of {n} pairs agree, n = {n})")
    say()
    say(f"page  {printable(place / PAGE)}")


def _plan(
    data: str, models: str | None, recipe: list[str] | None, seeds: int | None, option: list[str] | None,
    figure: str | None, setting: str | None,
) -> Plan:  # fmt: skip
    from dataclasses import replace

    from ..comparing.plan import SETTINGS, is_plan, plan_of_options, read_plan, seeds_of

    given = dict(map(_assignment, option or []))
    if is_plan(data):
        if models or recipe:
            raise UsageError("a plan names its runs itself: leave out --models and --recipe")
        if setting and setting not in SETTINGS:
            raise UsageError(f"--setting is quick or full, not {printable(setting)}")
        plan = read_plan(Path(data), setting or "")
        plan = replace(plan, options=plan.options | given)
        plan = plan if seeds is None else replace(plan, seeds=seeds_of(seeds, "--seeds"))
    else:
        if setting:
            raise UsageError("--setting belongs to a plan (.yaml)")
        names = [name.strip() for name in (models or "").split(",") if name.strip()]
        plan = plan_of_options(data, names, recipe or [], 3 if seeds is None else seeds, **given)
    return plan if figure is None else replace(plan, figure=figure)


def _assignment(text: str) -> tuple[str, Any]:
    import yaml

    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageError(f"--option {printable(text)}: write NAME=VALUE, such as epochs=5")
    try:
        return name.strip().replace("-", "_"), yaml.safe_load(value)
    except yaml.YAMLError as problem:
        raise UsageError(f"--option {printable(text)}: the value cannot be read") from problem


def _document(plan: Plan, comparison: dict[str, Any], trials: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what --json prints: the plan, the comparison, the environment, and every run without its epochs."""
    import platform

    import torch

    from ..version import __version__

    environment = {
        "convscope": __version__, "torch": torch.__version__, "python": platform.python_version(),
        "processor": platform.processor() or platform.machine(), "cores": os.cpu_count(),
    }  # fmt: skip
    return {
        "name": plan.name, "claim": plan.claim, "by": plan.by, "data": plan.data, "setting": plan.setting,
        "seeds": list(plan.seeds), "options": plan.options,
        "runs": {variant.name: variant.options for variant in plan.variants}, **comparison,
        "environment": environment,
        "trials": [{key: value for key, value in trial.items() if key not in LEFT_OUT} for trial in trials],
    }  # fmt: skip
