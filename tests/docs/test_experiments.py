"""The page of the experiments is made of the plans and the results that lie beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from experiments.__main__ import page

from convscope.comparing.comparison import judge
from convscope.comparing.plan import expectation, read_plan

from .walkthrough import ROOT

RESULTS = sorted((ROOT / "experiments" / "results").glob("*.json"))


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


def _portable(options):
    return {name: Path(value).name if name == "model" else value for name, value in options.items()}


def _plan_of(path):
    return ROOT / "experiments" / f"{path.name.split('.')[0]}.yaml"
