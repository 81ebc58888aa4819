"""The page of the experiments is made of the plans and the results that lie beside them."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from experiments.__main__ import page, plot
from experiments.calculations.__main__ import PLANS, result

from convscope.comparing.compare import run_plan
from convscope.comparing.comparison import judge
from convscope.comparing.plan import expectation, read_plan

from .walkthrough import ROOT

RESULTS = sorted((ROOT / "experiments" / "results").glob("*.quick.json"))
# The training of plain-20 among the calculations takes a minute.
LONG = ("identity-blocks",)
# Experiments of which one seed of two runs takes a few seconds: two of them are trained anew, others with each commit.
SHORT = ("first-kernels", "superpixels", "two-gpus")


def two_by_commit() -> tuple[str, str]:
    """Two of the short experiments, chosen by the commit that is checked out; the first two where there is none."""
    words = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    done = subprocess.run(words, capture_output=True, text=True) if shutil.which("git") else None
    number = int(done.stdout.strip(), 16) if done is not None and done.returncode == 0 else 0
    return SHORT[number % len(SHORT)], SHORT[(number + 1) % len(SHORT)]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_is_what_the_results_say(language):
    written = (ROOT / "docs" / language / "experiments.md").read_text(encoding="utf-8")
    assert written == page(language), "`python -m experiments` writes it"


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_result_belongs_to_its_plan_and_its_verdicts_follow_from_its_runs(path):
    found, plan = json.loads(path.read_text(encoding="utf-8")), read_plan(_plan_of(path), "quick")
    assert found["runs"] == {variant.name: _portable(variant.options) for variant in plan.variants}
    assert (found["seeds"], found["data"]) == (list(plan.seeds), plan.data)
    assert found["options"] == _portable(plan.options)
    assert {"torch", "cores", "convscope"} <= found["environment"].keys()
    figures = {(trial["variant"], trial["seed"]): trial for trial in found["trials"]}
    for verdict in found["verdicts"]:
        assert verdict["difference"]["n"] == len(plan.seeds) >= 2
        if found["figure"].startswith("test/"):
            one = expectation(verdict["expectation"])
            pairs = [
                [figures[name, seed]["figures"][found["figure"]] for name in (one.first, one.second)]
                for seed in plan.seeds
            ]
            assert judge(one, [first - second for first, second in pairs]).word == verdict["word"]


def test_every_experiment_has_run_and_its_plot_is_that_of_its_result():
    plans = {path.stem for path in (ROOT / "experiments").glob("*.yaml")}
    assert {path.name.split(".")[0] for path in RESULTS} == plans
    for language in ("zh", "en"):
        for path in RESULTS:
            name = path.name.split(".")[0]
            drawn = (ROOT / "docs" / language / "pictures" / "experiments" / f"{name}.svg").read_text(encoding="utf-8")
            assert drawn == plot(json.loads(path.read_text(encoding="utf-8")), name), "`python -m experiments` draws it"


@pytest.mark.parametrize(
    "path", [pytest.param(p, marks=[pytest.mark.slow] * (p.stem in LONG), id=p.stem) for p in PLANS]
)
def test_a_calculation_still_gives_what_the_page_says(path):
    stored = json.loads((ROOT / "experiments" / "results" / f"{path.stem}.calculated.json").read_text(encoding="utf-8"))
    again = result(path, seeds=1)
    assert [(one["expectation"], one["word"]) for one in again["verdicts"]] == [
        (one["expectation"], one["word"]) for one in stored["verdicts"]
    ]
    for name, figure in again["figures"].items():
        known = stored["figures"][name]
        assert figure["mean"] == pytest.approx(known["mean"], rel=0.3, abs=max(4 * (known["deviation"] or 0), 1e-4))


@pytest.mark.parametrize("name", two_by_commit())
def test_a_quick_experiment_still_gives_figures_like_the_stored_ones(name, tmp_path):
    stored = json.loads((ROOT / "experiments" / "results" / f"{name}.quick.json").read_text(encoding="utf-8"))
    check_again(name, stored, tmp_path)


def check_again(name, stored, folder):
    """Train the first seed of what the first expectation compares; its figures lie within what seeds differ by."""
    plan = read_plan(ROOT / "experiments" / f"{name}.yaml", "quick")
    one = expectation(stored["verdicts"][0]["expectation"])
    variants = tuple(variant for variant in plan.variants if variant.name in (one.first, one.second))
    again = run_plan(replace(plan, variants=variants, seeds=plan.seeds[:1], expectations=(one,)), folder)
    assert [trial["variant"] for trial in again] == [variant.name for variant in variants]
    for trial in again:
        known = [t["figures"][stored["figure"]] for t in stored["trials"] if t["variant"] == trial["variant"]]
        far = max(4 * float(np.std(known, ddof=1)), 0.03)
        assert trial["figures"][stored["figure"]] == pytest.approx(float(np.mean(known)), abs=far), trial["variant"]


def _portable(options):
    return {name: Path(value).name if name == "model" else value for name, value in options.items()}


def _plan_of(path):
    return ROOT / "experiments" / f"{path.name.split('.')[0]}.yaml"
