"""The images of a run are found again, wherever one looks from."""

from __future__ import annotations

import json
import shutil

import pytest

import convscope as cs
from convscope.cli import main
from convscope.evaluation.run_data import load_run_data, source_of_run
from convscope.run_folder import RunFolder

from ..data.sources.test_layouts import build


@pytest.fixture
def run(squares, tmp_path) -> RunFolder:
    """A run as `train squares` leaves it in tmp_path/project, which has the images beside it."""
    shutil.copytree(squares, tmp_path / "project" / "squares")
    folder = RunFolder.create(tmp_path / "project/runs/train", "small")
    folder.write_recipe(cs.Recipe(data="squares").to_yaml())
    folder.write_environment({"data_path": str(tmp_path / "project" / "squares")})
    return folder


def test_a_relative_path_leads_from_where_the_training_began(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where another folder has this name
    assert source_of_run(run) == str(tmp_path / "project/squares")
    (tmp_path / "project").rename(tmp_path / "moved")  # with its images
    moved = RunFolder(tmp_path / "moved/runs/train/small")
    assert source_of_run(moved) == str(tmp_path / "moved/squares")
    (moved.path / "env.json").write_text("[")
    assert len(load_run_data(moved).split("all")) > 5


def test_names_stay_names_and_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "empty"))
    run = RunFolder.create(tmp_path, "run")
    for name, message in (
        ("fashion-mnist", "not all there"),
        ("hf:a/b", "from the hub"),
        ("gone/", "were at gone/ and are not there"),
    ):
        run.write_recipe(cs.Recipe(data=name).to_yaml())
        assert source_of_run(run) == name
        with pytest.raises(cs.DataError, match=message):
            load_run_data(run)
    (run.path / "recipe.yaml").write_text("seed: 1\n")
    with pytest.raises(cs.DataError, match="does not say"):
        load_run_data(run)


def test_a_training_remembers_where_its_images_were(digits_run, squares, tmp_path, monkeypatch):
    assert "data_path" not in json.loads((digits_run.folder / "env.json").read_text())
    monkeypatch.chdir(squares.parent)
    run = cs.train(squares.name, "softmax_regression", epochs=1, output=tmp_path, show=False)
    assert json.loads((run.folder / "env.json").read_text())["data_path"] == str(squares)
    monkeypatch.chdir(tmp_path)
    assert source_of_run(RunFolder(run.folder)) == str(squares)


def test_images_that_are_gone_or_new_since_the_training_are_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    build(tmp_path, *(f"set/{split}/{label}/*.png" for split in ("train", "test") for label in ("cat", "dog")))
    assert main(["train", "set", "--model", "softmax_regression", "--epochs", "1", "--name", "r"]) == 0
    capsys.readouterr()
    assert main(["evaluate", "runs/train/r"]) == 0
    assert "training" not in capsys.readouterr().err.replace("some of the training images", "")
    before = (tmp_path / "set/test/cat/0.png").read_bytes()
    (tmp_path / "set/test/cat/0.png").write_bytes((tmp_path / "set/test/dog/0.png").read_bytes())
    for verb in ("evaluate", "report"):
        assert main([verb, "runs/train/r"]) == 0
        assert "1 images have another content than in the training: test/cat/0.png" in capsys.readouterr().err
    (tmp_path / "set/test/cat/0.png").write_bytes(before)
    (tmp_path / "set/test/dog/0.png").rename(tmp_path / "set/test/dog/9.png")
    assert main(["evaluate", "runs/train/r", "set"]) == 0
    said = capsys.readouterr().err
    assert "1 of 6 images of test that the training had are not there any more: test/dog/0.png" in said
    assert "1 images were added since the training and are not used: test/dog/9.png" in said
    shutil.rmtree(tmp_path / "set/test")
    assert main(["evaluate", "runs/train/r"]) == 3
    assert "the 6 test images of the training are not there any more: bring them back" in capsys.readouterr().err
    assert main(["evaluate", "runs/train/r", "--split", "val"]) == 0
