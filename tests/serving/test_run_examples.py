"""The examples of a run are its own images: mistakes first, and a word when they have moved or changed."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import convscope as cs
from convscope.serving.classifiers import Registry
from convscope.serving.examples import Examples
from convscope.serving.page_trainings import PageTrainings


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """Gray images of two classes, and a run on them whose table has one of the answers wrong."""
    folder = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(0)
    for shape, level in (("dim", 60), ("light", 200)):
        (folder / "shapes" / shape).mkdir(parents=True)
        for i in range(20):
            pixels = rng.normal(level, 12, (32, 32)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "shapes" / shape / f"{i:02d}.png")
    run = cs.train(folder / "shapes", "softmax_regression", epochs=12, lr=0.05, output=folder, show=False).folder
    table = run / "predictions_val.csv"
    rows = list(csv.DictReader(table.open()))
    rows[0]["prediction"], rows[0]["probability"] = "light", "0.6"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return run, folder / "shapes", rows


def examples_of(run) -> dict:
    registry = Registry([str(run)], torch.device("cpu"))
    return Examples().listing(registry.by_id[registry.current])


def test_mistakes_come_first_then_every_class(shapes, tmp_path, monkeypatch):
    run, _, rows = shapes
    monkeypatch.chdir(tmp_path)  # not the folder that relative paths lead on from
    listing = examples_of(run)
    first, *others = listing["examples"]
    assert (first["kind"], first["label"], first["predicted"]) == ("mistake", "dim", "light")
    assert first["title"] == rows[0]["path"]
    assert [one["label"] for one in others] == sorted(one["label"] for one in others)
    assert {one["kind"] for one in others} == {"right"} and {one["label"] for one in others} == {"dim", "light"}
    assert listing["about"]["en"] == f"Validation images of this run: 1 of {len(rows)} wrong"
    assert listing["warning"] is None


def test_no_mistake_is_left_out_and_those_beyond_the_first_come_last(shapes, tmp_path):
    run, _, rows = shapes
    own = tmp_path / "run"
    shutil.copytree(run, own)
    wrong = [{**row, "prediction": "light" if row["label"] == "dim" else "dim"} for row in rows]
    with (own / "predictions_val.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows([*wrong[:-1], rows[-1]])
    listing = examples_of(own)
    kinds = "".join(one["kind"][0] for one in listing["examples"])
    assert listing["mistakes"] == kinds.count("m") == len(rows) - 1
    first = kinds.index("r")
    assert first <= 2 * 4 and kinds == "m" * first + "r" + "m" * (len(rows) - 1 - first)
    assert len({one["title"] for one in listing["examples"]}) == len(rows)


def test_it_is_said_that_images_are_gone_or_others(shapes, tmp_path):
    run, images, rows = shapes
    own = tmp_path / "run"
    shutil.copytree(run, own)
    here = shutil.copytree(images, tmp_path / "shapes")
    (own / "env.json").write_text("{}")
    recipe = cs.Recipe.load(run / "recipe.yaml")
    (own / "recipe.yaml").write_text(recipe.changed(data=str(here)).to_yaml())
    (here / rows[1]["path"]).unlink()
    assert f"1 of {len(rows)} images are not there" in examples_of(own)["warning"]["en"]
    shutil.rmtree(here)
    shutil.copytree(images, here)
    for one in here.rglob("*.png"):  # the same names, other pictures
        Image.fromarray(255 - np.asarray(Image.open(one))).save(one)
    assert "are answered otherwise" in examples_of(own)["warning"]["en"]
    shutil.rmtree(here)
    served = Registry([str(own)], torch.device("cpu"))
    examples, one = Examples(), served.by_id[served.current]
    listing = examples.listing(one)
    assert listing["examples"] == []
    assert listing["warning"]["en"].startswith(f"The images of this run were in {here} and are not there any more. ")
    assert f"原在 {here}，现已不在" in listing["warning"]["zh"]
    assert str(here) not in PageTrainings(served, 20).offer()["data"]
    shutil.copytree(images, here)  # moved back: no new start is needed
    assert examples.listing(one)["about"]["en"].startswith("Validation images of this run")


def test_a_run_without_validation_shows_its_test_images(shapes, tmp_path):
    _, images, _ = shapes
    options = {"epochs": 1, "validation": "none", "output": tmp_path, "show": False}
    run = cs.train(images, "softmax_regression", **options).folder
    listing = examples_of(run)
    assert listing["about"]["en"].startswith("Test images of this run") and listing["examples"]
    for table in run.glob("predictions_*.csv"):
        table.unlink()  # as while it is trained
    listing = examples_of(run)
    assert {one["kind"] for one in listing["examples"]} == {"own"} and listing["about"][
        "en"
    ] == "6 test images of this run"


def test_it_is_said_that_the_last_layer_has_learned_from_its_validation_images(shapes, tmp_path):
    run, _, rows = shapes
    own = tmp_path / "run"
    shutil.copytree(run, own)
    (own / "checkpoints" / "whole").mkdir()
    with (own / "predictions_val.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "prediction": "light", "probability": "0.99"} for row in rows)
    listing = examples_of(own)
    assert listing["warning"] is None
    assert "has learned from them since" in listing["about"]["en"] and "学习了这些图像" in listing["about"]["zh"]
    (own / "checkpoints" / "whole").rmdir()
    assert "are answered otherwise" in examples_of(own)["warning"]["en"]
