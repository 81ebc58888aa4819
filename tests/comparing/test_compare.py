"""A comparison from the command to the page: resumed, refused, spread over processes, few and moved images."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import convscope as cs
from convscope.cli import main
from convscope.comparing.compare import PAGE, RESULTS, run_plan
from convscope.comparing.images import moved_right, with_few_images
from convscope.comparing.plan import plan_of_options

WORDS = ["compare", "digits", "--models", "softmax_regression,mlp", "--option", "epochs=2"]


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> Path:
    """Two networks, two seeds."""
    place = tmp_path_factory.mktemp("compared") / "out"
    assert main([*WORDS, "--seeds", "2", "--output", str(place)]) == 0
    return place


def test_every_run_is_an_ordinary_run_folder(compared):
    runs = sorted(path.name for path in (compared / "runs").iterdir())
    assert runs == ["mlp-seed0", "mlp-seed1", "softmax_regression-seed0", "softmax_regression-seed1"]
    for name in runs:
        folder = compared / "runs" / name
        assert (folder / "report.html").exists()
        assert (
            cs.load(folder).metrics["test"]["top1"]
            == json.loads((compared / RESULTS / f"{name}.json").read_text())["result"]["figures"]["test/top1"]
        )


def test_the_page_has_both_languages_and_leads_to_the_reports(compared):
    page = (compared / PAGE).read_text(encoding="utf-8")
    assert "结果表" in page and "softmax_regression, mlp" in page and page.count("<svg") == 6
    assert 'href="runs/mlp-seed1/report.html"' in page
    assert not re.search(r'(src|href)="(https?:)?//', page)


def test_it_goes_on_where_it_was(compared, tmp_path, capsys):
    place = tmp_path / "out"
    shutil.copytree(compared, place)
    shutil.rmtree(place / "runs" / "mlp-seed1" / "classifier")  # as if it had been killed at the end
    before = {path: path.stat().st_mtime_ns for path in place.rglob("model.safetensors")}
    capsys.readouterr()
    assert main([*WORDS, "--seeds", "3", "--output", str(place), "--jobs", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["name"]: row["figure"]["n"] for row in found["rows"]} == {"softmax_regression": 3, "mlp": 3}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list((place / "runs").iterdir())) == 6
    for path in (compared / RESULTS).iterdir():
        old = json.loads(path.read_text())["result"]
        assert next(t for t in found["trials"] if t["name"] == path.stem)["figures"] == old["figures"]
    assert not list((place / "claims").iterdir())


@pytest.mark.slow
def test_two_commands_share_the_runs_of_one_folder(tmp_path):
    """Each as on a machine of its own; together they train every run once, and both have all figures."""
    words = [*WORDS[:-1], "epochs=3", "--seeds", "3", "--output", str(tmp_path / "out"), "--json"]
    started = [
        subprocess.Popen([sys.executable, "-m", "convscope", *words], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    found = [json.loads(process.communicate(timeout=200)[0]) for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert found[0]["trials"] == found[1]["trials"] and len(found[0]["trials"]) == 6
    assert len(list((tmp_path / "out" / "runs").iterdir())) == 6  # none was begun a second time, as NAME-2


def test_other_options_are_refused(compared, capsys):
    assert main([*WORDS[:-1], "epochs=3", "--output", str(compared)]) == 2
    error = capsys.readouterr().err
    assert "was started with another epochs: choose another --output" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["compare", "digits", "--models", "mlp"], "a comparison needs two networks"),
        (["compare", "digits", "--models", "mlp,mlp"], "two runs have the same name"),
        (["compare", "digits", "--models", "mlp,mpl"], "unknown network 'mpl'"),
        (["compare", "digits", "--models", "mlp,lenet5", "--option", "epoch=1"], "unknown recipe field 'epoch'"),
        (["compare", "digits", "--models", "mlp,lenet5", "--option", "epochs"], "write NAME=VALUE"),
        (["compare", "digits", "--models", "mlp,lenet5", "--jobs", "0"], "--jobs must be at least 1"),
        (["compare", "digits", "--models", "mlp,lenet5", "--setting", "quick"], "--setting belongs to a plan"),
        (["compare", "plan.yaml"], "cannot read the plan plan.yaml"),
    ],
)
def test_errors_are_one_line_before_anything_is_trained(tmp_path, monkeypatch, capsys, words, says):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2 or "unknown network" in says
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
    assert not list(tmp_path.rglob("model.safetensors"))


def test_few_images_are_as_many_of_each_class_and_others_for_each_seed():
    data = cs.load_data("digits")
    few, again, other = (with_few_images(data, 50, seed).splits["train"] for seed in (1, 1, 2))
    assert np.bincount(few.labels).tolist() == [5] * 10
    assert few.names == again.names and few.names != other.names and set(few.names) <= set(data.splits["train"].names)
    with pytest.raises(cs.UsageError, match="7 are fewer than the 10 classes"):
        with_few_images(data, 7, 0)
    with pytest.raises(cs.DataError, match=r"has only \d+ training images, not 200"):
        with_few_images(data, 2000, 0)


def test_images_are_moved_to_the_right_and_black_comes_in():
    images = cs.load_data("digits").splits["test"].images
    moved = moved_right(images, 3)
    assert (moved[:, :, :3] == 0).all()
    np.testing.assert_array_equal(moved[:, :, 3:], images[:, :, :-3])
    assert not moved_right(images, 8).any() and not moved_right(images, 99).any()


def test_moved_images_are_a_figure_of_the_run(tmp_path):
    plan = plan_of_options("digits", ["softmax_regression", "mlp"], [], 1, epochs=1)
    plan = type(plan)(**{**plan.__dict__, "shifts": (0, 4)})
    for trial in run_plan(plan, tmp_path):
        figures = trial["figures"]
        assert figures["test/top1 moved 0"] == pytest.approx(figures["test/top1"])
        assert figures["test/top1 moved 4"] < figures["test/top1"]
