"""Plans: what is read, what is refused in one line, and that every shipped experiment is one."""

from __future__ import annotations

from pathlib import Path

import pytest

import convscope as cs
from convscope.comparing.plan import plan_of_options, read_plan
from convscope.comparing.trial import check_options

EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))
PLAN = "data: digits\nruns: {a: {model: mlp}, b: {model: softmax_regression}}\n"


def plan(tmp_path: Path, text: str, setting: str = ""):
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return read_plan(path, setting)


def test_a_setting_changes_the_plan(tmp_path):
    text = PLAN + "seeds: 7\noptions: {epochs: 9, lr: 0.1}\nquick: {seeds: [3, 5], options: {epochs: 2}, minutes: 1}\n"
    full, quick = plan(tmp_path, text), plan(tmp_path, text, "quick")
    assert (full.seeds, full.options) == (tuple(range(7)), {"epochs": 9, "lr": 0.1})
    assert (quick.seeds, quick.options, quick.minutes) == ((3, 5), {"epochs": 2, "lr": 0.1}, 1)
    assert full.name == "plan" and quick.name == "plan-quick"


def test_models_and_recipes_are_crossed():
    names = [v.name for v in plan_of_options("digits", ["a", "b"], ["fast", "best"], 3).variants]
    assert names == ["a+fast", "a+best", "b+fast", "b+best"]
    one = plan_of_options("digits", ["a", "b"], ["fast"], 3)
    assert [v.name for v in one.variants] == ["a", "b"] and one.options == {"recipe": "fast"}
    assert [v.options for v in plan_of_options("digits", [], ["fast", "best"], 3).variants][1] == {"recipe": "best"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("runs: [", "no valid YAML"),
        ("just words", "a plan has lines such as"),
        (PLAN + "sedes: 3", "unknown 'sedes': did you mean seeds"),
        ("data: digits\nruns: {a: {model: mlp}}", "needs two networks or recipes at least"),
        ("data: digits\nruns: {a: {modle: mlp}, b: {}}", "a: unknown 'modle': did you mean model"),
        ("data: digits\nruns: {a: {seed: 3}, b: {}}", "seed belongs to the whole comparison"),
        ("runs: {a: {}, b: {}}", "`data` is missing"),
        (PLAN + "expect: a better b", "write `A > B`"),
        (PLAN + "expect: a > c", "expect names 'c', which is none of the runs a, b"),
        (PLAN + "seeds: 0", "give a number of seeds from 1"),
        (PLAN + "seeds: [1, 1]", "a seed is named twice"),
        (PLAN + "claim: {en: only}", "claim: give one text"),
        (PLAN + "images: many", "images: expected a whole number"),
        (PLAN + "quick: {claim: no}", "unknown 'claim'"),
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(tmp_path, text, words):
    with pytest.raises(cs.UsageError, match=words.replace("`", ".")) as problem:
        plan(tmp_path, text, "quick" if "quick" in text else "")
    assert "\n" not in str(problem.value)


def test_a_setting_that_is_not_there(tmp_path):
    with pytest.raises(cs.UsageError, match="it has no setting 'full'"):
        plan(tmp_path, PLAN, "full")


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_is_a_plan(path):
    for setting in ("quick", "full"):
        found = read_plan(path, setting)
        check_options(found)
        assert found.claim["en"] and found.claim["zh"] and found.by["zh"] and found.expectations
        assert found.minutes
    assert read_plan(path, "quick").minutes <= 5
