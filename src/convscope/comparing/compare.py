"""Run a plan: the runs that are not finished yet, one after another or in several processes; then the comparison.

OUTPUT/
  runs/NAME-seedN/     an ordinary run folder for each run
  results.json         what was asked of each run, and its figures once it is finished
  compare.html         the page
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ..errors import UsageError, printable
from ..files import write_atomically
from ..finite_json import dump_json
from .plan import Plan, Variant
from .trial import check_options, options_of, run_trial, trial_name

RESULTS, PAGE, RUNS = "results.json", "compare.html", "runs"
Trial = dict[str, Any]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """A run of the plan that is to be trained."""

    variant: Variant
    seed: int

    @property
    def name(self) -> str:
        """The name of its folder."""
        return trial_name(self.variant, self.seed)


def run_plan(plan: Plan, output: Path, jobs: int = 1, progress: Progress = lambda line: None) -> list[Trial]:
    """Train what is missing of a plan below `output` and return the figures of all its runs, in the plan's order.

    Finished runs are not repeated, stopped ones go on. UsageError if a run of that name was started with other options.
    """
    check_options(plan)
    asked = [Asked(variant, seed) for seed in plan.seeds for variant in plan.variants]
    known = _read(output / RESULTS)
    wanted = {one.name: _wanted(plan, one) for one in asked}
    _require_same(known["asked"], wanted, output)
    known["asked"] |= wanted
    missing = [one for one in asked if not _is_done(known["runs"].get(one.name))]
    if len(missing) < len(asked):
        progress(f"{len(asked) - len(missing)} of {len(asked)} runs are finished already")
    _write(output, known)
    for done, result in enumerate(_trained(plan, missing, output / RUNS, jobs), len(asked) - len(missing) + 1):
        known["runs"][result["name"]] = result
        _write(output, known)
        progress(f"{done}/{len(asked)}  {result['name']}  {_short(result)}")
    return [known["runs"][one.name] for variant in plan.variants for one in asked if one.variant == variant]


def _trained(plan: Plan, missing: list[Asked], place: Path, jobs: int) -> Iterator[Trial]:
    if jobs == 1 or len(missing) < 2:
        for one in missing:
            yield run_trial(plan, one.variant, one.seed, place)
        return
    threads = max((os.cpu_count() or 1) // jobs, 1)
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_limit_threads, initargs=(threads,))
    try:
        futures = [pool.submit(run_trial, plan, one.variant, one.seed, place) for one in missing]
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _limit_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _wanted(plan: Plan, one: Asked) -> dict[str, Any]:
    options = {
        "data": plan.data,
        "images": plan.images,
        "shifts": list(plan.shifts),
        **options_of(plan, one.variant, one.seed),
    }
    return dict(json.loads(json.dumps(options, default=str)))


def _require_same(before: dict[str, Any], now: dict[str, Any], output: Path) -> None:
    for name in before.keys() & now.keys():
        if before[name] != now[name]:
            keys = {**before[name], **now[name]}
            other = [key for key in keys if before[name].get(key) != now[name].get(key)]
            raise UsageError(
                f"{printable(output)}: the run {name} was started with another {', '.join(other)}: "
                "choose another --output"
            )


def _is_done(result: Trial | None) -> bool:
    return result is not None and (Path(result["folder"]) / "classifier").exists()


def _short(result: Trial) -> str:
    figure = result["figures"].get("test/top1", result["figures"].get("val/top1"))
    accuracy = "" if figure is None else f"accuracy {figure:.2%}, "
    return f"{accuracy}{result['seconds']:.1f} s"


def _read(path: Path) -> dict[str, Any]:
    values: Any = None
    with suppress(OSError):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as problem:
            raise UsageError(f"{printable(path)} is damaged: remove it, or choose another --output") from problem
    fine = isinstance(values, dict) and all(isinstance(values.get(key), dict) for key in ("asked", "runs"))
    return values if fine else {"asked": {}, "runs": {}}


def _write(output: Path, known: dict[str, Any]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    write_atomically(output / RESULTS, dump_json(known, indent=1) + "\n")
