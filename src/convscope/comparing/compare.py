"""Run a plan: the runs that are not finished yet, one after another or in several processes; then the comparison.

OUTPUT/
  runs/NAME-seedN/     an ordinary run folder for each run
  results/NAME.json    what was asked of the run, and its figures once it is finished
  claims/              who trains which run at the moment
  compare.html         the page
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ..errors import UsageError, printable
from ..files import write_atomically
from ..finite_json import dump_json
from ..messages.translate import phrase
from .claims import Claims
from .plan import Plan, Variant
from .trial import check_options, options_of, run_trial, trial_name

RESULTS, CLAIMS, PAGE, RUNS = "results", "claims", "compare.html", "runs"
# How often to look for what other processes have finished.
POLL_SECONDS = 1.0
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

    Finished runs are not repeated, stopped ones go on. Several processes, also on several machines that share `output`,
    may do this at the same time: each trains what no other one does, and all return when every run is finished.
    UsageError if a run of that name was started with other options.
    """
    check_options(plan)
    asked = [Asked(variant, seed) for seed in plan.seeds for variant in plan.variants]
    wanted = {one.name: _wanted(plan, one) for one in asked}
    for one in asked:
        _require_same(one.name, _read(output, one.name).get("asked"), wanted[one.name], output)
    results = {one.name: result for one in asked if (result := _finished(output, one.name))}
    if results:
        progress(f"{len(results)} of {len(asked)} runs are finished already")
    missing = [one for one in asked if one.name not in results]
    with Claims(output / CLAIMS) as claims:
        for result in _trained(plan, missing, wanted, output, jobs, claims, progress):
            results[result["name"]] = result
            progress(f"{len(results)}/{len(asked)}  {result['name']}  {_short(result)}")
    return [results[one.name] for variant in plan.variants for one in asked if one.variant == variant]


def _trained(
    plan: Plan, missing: list[Asked], wanted: dict[str, dict[str, Any]], output: Path, jobs: int, claims: Claims,
    progress: Progress,
) -> Iterator[Trial]:  # fmt: skip
    """Yield the figures of the missing runs as they are finished, by this process or by another one."""
    waiting, running = list(missing), dict[Future[Trial], Asked]()
    told = False
    with _pool(min(jobs, len(missing))) as pool:
        while waiting or running:
            for one in list(waiting):
                if result := _finished(output, one.name):
                    waiting.remove(one)
                    yield result
                elif len(running) < jobs and claims.take(one.name):
                    if _finished(output, one.name):  # by another process, just before its claim was given up
                        claims.release(one.name)
                        continue
                    waiting.remove(one)
                    _write(output, one.name, {"asked": wanted[one.name]})
                    running[pool.submit(run_trial, plan, one.variant, one.seed, output / RUNS)] = one
            if waiting and not running and not told:
                progress(f"waiting for runs that other processes train: {len(waiting)}")
                told = True
            for future in wait(running, None if running and not waiting else POLL_SECONDS, FIRST_COMPLETED).done:
                one, result = running.pop(future), future.result()
                _write(output, one.name, {"asked": wanted[one.name], "result": result})
                claims.release(one.name)
                yield result
            if not running:
                time.sleep(POLL_SECONDS if waiting else 0)


@contextmanager
def _pool(jobs: int) -> Iterator[Executor]:
    """Yield what runs the trainings: this very process for one at a time, else as many processes."""
    if jobs < 2:
        yield _Here()
        return
    threads = max((os.cpu_count() or 1) // jobs, 1)
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_limit_threads, initargs=(threads,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


class _Here(Executor):
    """Runs what is submitted at once, in this process."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(function(*args, **options))
        return done


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


def _require_same(name: str, before: dict[str, Any] | None, now: dict[str, Any], output: Path) -> None:
    if before is not None and before != now:
        other = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        raise UsageError(
            f"{printable(output)}: the run {name} was started with another {', '.join(other)}: choose another --output"
        )


def _finished(output: Path, name: str) -> Trial | None:
    """Return the figures of a run if it is finished; its folder as it is reached from here."""
    result = _read(output, name).get("result")
    folder = output / RUNS / name
    return {**result, "folder": folder.as_posix()} if result and (folder / "classifier").exists() else None


def _short(result: Trial) -> str:
    figure = result["figures"].get("test/top1", result["figures"].get("val/top1"))
    accuracy = "" if figure is None else phrase("accuracy {share}", share=f"{figure:.2%}") + ", "
    return f"{accuracy}{result['seconds']:.1f} s"


def _read(output: Path, name: str) -> dict[str, Any]:
    path, values = output / RESULTS / f"{name}.json", None
    with suppress(OSError):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as problem:
            raise UsageError(f"{printable(path)} is damaged: remove it, or choose another --output") from problem
    return values if isinstance(values, dict) else {}


def _write(output: Path, name: str, content: dict[str, Any]) -> None:
    write_atomically(output / RESULTS / f"{name}.json", dump_json(content, indent=1) + "\n")
