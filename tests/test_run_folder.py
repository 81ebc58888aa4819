"""The run folder: every file of a run is found by its name, written and read, also while the training goes on."""

from __future__ import annotations

import math
import os
import shutil
import time

import pytest

import convscope as cs
from convscope import bundle_config
from convscope.bundle_config import find_bundle
from convscope.run_folder import RunFolder, find_run, labels_text, newest_run, run_of_bundle


@pytest.fixture
def run(tmp_path) -> RunFolder:
    return RunFolder.create(tmp_path, "run")


def test_a_run_leaves_the_files_that_are_named(digits_run):
    run = RunFolder(digits_run.folder)
    left = {path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()}
    named = [run.recipe, run.metrics, run.report, run.predictions("val")]
    assert {path.name for path in named} | {"env.json", "labels.txt", "split.csv"} <= left
    assert {f"checkpoints/{name}/state.safetensors" for name in ("last", "best")} <= left
    assert find_bundle(run.path) == run.classifier and run_of_bundle(run.classifier) == run


def test_what_a_run_wrote_is_read_again(digits_run):
    run = RunFolder(digits_run.folder)
    assert run.read_recipe() == digits_run.metrics["recipe"]
    assert (run.path / "labels.txt").read_text() == labels_text(digits_run.classifier.class_names)
    for row, expected in zip(run.read_metrics(), digits_run.history, strict=True):
        assert row == pytest.approx(expected, rel=1e-6)
    wrong = [row for row in run.read_predictions() if row["label"] != row["prediction"]]
    val = digits_run.metrics["val"]
    assert len(run.read_predictions()) == val["n"] and 1 - len(wrong) / val["n"] == pytest.approx(val["top1"])
    assert b"path,label,split" in (run.read_split() or b"")
    assert run.is_finished() and not run.is_running()


def test_an_empty_folder_has_nothing_to_read(run):
    assert run.read_recipe() == {} and run.read_split() is None
    assert run.read_metrics() == [] and run.read_predictions() == []
    assert not run.is_finished() and not run.is_running()


@pytest.mark.parametrize("content", [b"", b"- a\n- b\n", b"a: [", b"\xff\xfe", b"[" * 100_000], ids=range(5))
def test_a_damaged_recipe_has_no_fields(run, content):
    run.recipe.write_bytes(content)
    assert run.read_recipe() == {}


def test_figures_that_are_not_finite_are_none(run):
    run.write_metrics([{"epoch": 1, "val/loss": math.nan}, {"epoch": 2, "val/loss": 0.25}])
    assert run.read_metrics() == [{"epoch": 1.0, "val/loss": None}, {"epoch": 2.0, "val/loss": 0.25}]
    with run.metrics.open("a") as file:
        file.write("3")  # a row that is being written
    assert run.read_metrics()[2] == {"epoch": 3.0, "val/loss": None}


def test_a_run_goes_on_as_long_as_its_files_are_young(run):
    run.write_metrics([{"epoch": 1, "seconds": 100.0}])
    assert run.is_running()
    now = time.time()
    os.utime(run.metrics, (now, now - 200))  # within three epochs
    assert run.is_running()
    os.utime(run.metrics, (now, now - 400))
    assert not run.is_running()
    run.last.mkdir(parents=True)
    assert run.is_running()
    run.classifier.mkdir()
    assert run.is_finished() and not run.is_running()


def test_the_first_epoch_may_take_longer(run):
    run.snapshots.mkdir(parents=True)
    now = time.time()
    os.utime(run.snapshots, (now, now - 200))
    assert run.is_running()  # and the page goes on to watch it
    os.utime(run.snapshots, (now, now - 400))
    assert not run.is_running()


def test_leftovers_of_a_killed_process_are_removed(run):
    for folder in (run.path, run.last, run.best, run.snapshots):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".unfinished-1-state.safetensors").write_bytes(b"half")
        (folder / "whole").write_bytes(b"whole")
    run.remove_leftovers()
    assert {path.name for path in run.path.rglob("*") if path.is_file()} == {"whole"}


def test_a_name_that_is_taken_gets_a_number(tmp_path):
    assert [RunFolder.create(tmp_path, "run").path.name for _ in range(3)] == ["run", "run-2", "run-3"]


def test_the_newest_run_is_the_one_whose_file_is_the_youngest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cs.ModelFileError, match="no run below the current directory"):
        newest_run()
    for age, name in ((100, "old"), (50, "new")):
        run = RunFolder.create(tmp_path / "runs" / "train", name)
        run.write_recipe("epochs: 1")
        os.utime(run.recipe, (10**9 - age, 10**9 - age))
    assert newest_run().path.name == "new"
    (tmp_path / "runs/train/old/classifier").mkdir()
    (tmp_path / "runs/train/old/classifier/config.json").write_text("{}")
    assert newest_run("classifier/config.json").path.name == "old"


def test_a_bundle_alone_belongs_to_no_run(digits_run, tmp_path):
    alone = shutil.copytree(RunFolder(digits_run.folder).classifier, tmp_path / "alone")
    assert run_of_bundle(alone) is None
    assert run_of_bundle(tmp_path / "classifier.zip") is None


def test_a_run_is_found_by_the_name_that_it_was_given(digits_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(digits_run.folder, tmp_path / "runs" / "train" / "small")
    assert find_bundle("small").resolve() == (tmp_path / "runs" / "train" / "small" / "classifier").resolve()
    assert find_run("large").path.name == "large"  # which does not exist
    shutil.copytree(digits_run.folder, tmp_path / "runs" / "compare" / "small", ignore=lambda *_: ["checkpoints"])
    with pytest.raises(cs.ModelFileError, match=r"small: runs/compare/small and runs/train/small have this name"):
        find_bundle("small")
    shutil.rmtree(tmp_path / "runs" / "compare")
    (tmp_path / "small").mkdir()  # the images, after which the run is called
    assert find_run("small").path.parts == ("runs", "train", "small")
    (tmp_path / "small" / "config.json").write_text("{}")  # a bundle comes before a name
    assert find_bundle("small").name == "small"
    (tmp_path / "large").mkdir()
    with pytest.raises(cs.ModelFileError, match="not a run folder"):
        find_bundle("large")
    (tmp_path / "runs" / "train" / "small").rename(tmp_path / "runs" / "train" / "tiny")
    monkeypatch.setattr(bundle_config, "bundled_names", lambda: ["tiny"])
    with pytest.raises(cs.ModelFileError, match="tiny: runs/train/tiny and a bundled classifier have this name"):
        find_bundle("tiny")


@pytest.mark.parametrize("network", ["resnet50", "timm:resnet18"])
def test_a_network_is_no_run_and_the_message_says_what_is_possible(network, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cs.ModelFileError, match=rf"{network}: a network without .* train DATA --model {network}`"):
        find_bundle(network)
