"""The page of the experiments is made of the plans and the results that lie beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from experiments.__main__ import page, plot
from experiments.calculations.__main__ import PLANS, result

from convscope.comparing.comparison import judge
from convscope.comparing.plan import expectation, read_plan

from .walkthrough import ROOT

RESULTS = sorted((ROOT / "experiments" / "results").glob("*.quick.json"))
# The training of plain-20 among the calculations takes a minute.
LONG = ("identity-blocks",)


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


def _portable(options):
    return {name: Path(value).name if name == "model" else value for name, value in options.items()}


def _plan_of(path):
    return ROOT / "experiments" / f"{path.name.split('.')[0]}.yaml"
