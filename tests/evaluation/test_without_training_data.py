"""Sets on which nothing can be trained are evaluated all the same: one class, one split, a label on every image."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import convscope as cs
from convscope.evaluation.evaluate_run import evaluate_bundle
from convscope.evaluation.evaluated_images import EvaluationOptions
from convscope.evaluation.features import write_features

from ..data.hostile import write
from ..data.sets import zip_folder


def digits(root: Path, *labels: int, below: str = "") -> Path:
    """Write two of the digits that were tested on for each label, in folders of their names."""
    test = cs.load_data("digits").splits["test"]
    for label in labels:
        for i in np.flatnonzero(test.labels == label)[:2].tolist():
            write(root / below / str(label) / f"{i}.png", _png(test.images[i]))
    return root


def _png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def test_one_class_is_evaluated_and_not_trained_on(digits_run, tmp_path):
    root = digits(tmp_path / "one", 3)
    with pytest.raises(cs.DataError, match="only one class, '3': a classifier needs at least two"):
        cs.load_data(root)
    found = evaluate_bundle(str(digits_run.folder), str(root), options=EvaluationOptions(output=str(tmp_path)))
    images = [str(path) for path in sorted(root.rglob("*.png"))]
    right = [result[0].label == "3" for result in cs.load(digits_run.folder).predict(images)]
    assert found["split"] == "all" and found["n"] == 2 and found["top1"] == np.mean(right)
    assert sum(found["confusion"][3]) == 2 == sum(map(sum, found["confusion"]))
    assert [row["label"] for row in found["per_class"] if row["recall"] is not None] == ["3"]
    assert "<html" in Path(found["report"]).read_text()


@pytest.mark.parametrize("packed", [False, True])
def test_a_test_folder_alone_is_evaluated_as_the_test_split(packed, digits_run, tmp_path):
    root = digits(tmp_path / "set", 3, 5, below="test")
    source = zip_folder(tmp_path / "set.zip", root) if packed else root
    with pytest.raises(cs.DataError, match="there is test but no train folder"):
        cs.load_data(source)
    found = evaluate_bundle(str(digits_run.folder), str(source), options=EvaluationOptions(output=str(tmp_path)))
    assert found["split"] == "test" and found["n"] == 4


def test_classes_that_only_a_test_split_has_are_evaluated(digits_run, tmp_path):
    root = digits(digits(tmp_path / "set", 1, 2, below="train"), 7, below="test")
    with pytest.raises(cs.DataError, match="class '7' is in test but not in train"):
        cs.load_data(root)
    found = evaluate_bundle(str(digits_run.folder), str(root), options=EvaluationOptions(output=str(tmp_path)))
    assert found["split"] == "test" and [r["label"] for r in found["per_class"] if r["support"]] == ["7"]


def test_a_table_of_test_images_alone_is_evaluated(digits_run, tmp_path):
    root = digits(tmp_path / "set", 4, 6)
    rows = [f"{path.relative_to(root)},{path.parent.name},test" for path in sorted(root.rglob("*.png"))]
    write(root / "t.csv", "\n".join(["path,label,split", *rows]).encode())
    found = evaluate_bundle(
        str(digits_run.folder), str(root / "t.csv"), options=EvaluationOptions(output=str(tmp_path))
    )
    assert found["split"] == "test" and found["n"] == 4


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a classifier of the labels `odd` and `small`, and return its run."""
    root = digits(tmp_path_factory.mktemp("several"), *range(10))
    rows = []
    for path in sorted(root.rglob("*.png")):
        label = int(path.parent.name)
        names = [name for name, has in (("odd", label % 2), ("small", label < 5)) if has]
        rows.append(f"{path.relative_to(root)},{'|'.join(names)}")
    write(root / "t.csv", "\n".join(["path,labels", *rows]).encode())
    recipe = {"model": "softmax_regression", "epochs": 1, "label_type": "multi", "seed": 0, "cache": "off"}
    return cs.train(data=str(root / "t.csv"), output=str(root / "runs"), **recipe).folder


def test_a_label_on_every_image_is_evaluated_and_not_trained_on(several, tmp_path):
    root = digits(tmp_path / "set", 1, 3)
    rows = [f"{path.relative_to(root)},odd|small" for path in sorted(root.rglob("*.png"))]
    write(root / "t.csv", "\n".join(["path,labels", *rows]).encode())
    with pytest.raises(cs.DataError, match="every training image has the label odd, small"):
        cs.load_data(root / "t.csv", label_type="multi")
    found = evaluate_bundle(str(several), str(root / "t.csv"), options=EvaluationOptions(output=str(tmp_path)))
    assert found["n"] == 4 and [row["support"] for row in found["per_class"]] == [4, 4]
    assert [row["average_precision"] for row in found["per_class"]] == [1.0, 1.0]
    assert "<html" in Path(found["report"]).read_text()


def test_features_need_no_labels(digits_run, tmp_path):
    labelled, plain = digits(tmp_path / "set", 1, 3), tmp_path / "plain"
    for path in labelled.rglob("*.png"):
        write(plain / path.name, path.read_bytes())
    ours = write_features(str(digits_run.folder), str(plain), tmp_path / "plain.csv")
    theirs = write_features(str(digits_run.folder), str(labelled), tmp_path / "labelled.npz")
    by_name = dict(zip((Path(name).name for name in theirs.names), theirs.values, strict=True))
    assert len(ours.names) == 4
    for name, values in zip(ours.names, ours.values, strict=True):
        torch.testing.assert_close(values, by_name[name])  # of a batch in another order: the last bit may differ
    with (tmp_path / "plain.csv").open(newline="") as file:
        assert {(row["label"], row["split"]) for row in csv.DictReader(file)} == {("", "all")}


@pytest.mark.parametrize("names", [("train", "test"), ("images",)])
def test_features_of_folders_that_name_no_class(names, digits_run, tmp_path):
    for i, path in enumerate(digits(tmp_path / "set", 1, 3).rglob("*.png")):
        write(tmp_path / "plain" / names[i % len(names)] / path.name, path.read_bytes())
    features = write_features(str(digits_run.folder), str(tmp_path / "plain"), tmp_path / "f.npz")
    assert len(features.names) == 4 and len(set(features.labels)) == 1


def test_images_without_labels_are_not_evaluated(digits_run, tmp_path, command):
    for path in digits(tmp_path / "set", 1, 3).rglob("*.png"):
        write(tmp_path / "plain" / path.name, path.read_bytes())
    done = command("evaluate", digits_run.folder, tmp_path / "plain")
    assert done.returncode == 3 and done.stderr.count("\n") == 1
    assert "4 images lie in no class folder and no table names the labels: put the images into" in done.stderr
    done = command("features", digits_run.folder, tmp_path / "plain", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["n"] == 4


@pytest.mark.parametrize("safe", [False, True])
def test_tables_for_spreadsheets_hold_no_formula(safe, digits_run, tmp_path):
    root = digits(tmp_path / "set", 3)
    next(root.rglob("*.png")).rename(root / "3" / "=1+1.png")
    (root / "3").rename(root / "=3")
    (tmp_path / "t.csv").write_text("path,label\n" + "\n".join(f"set/=3/{p.name},3" for p in (root / "=3").iterdir()))
    found = evaluate_bundle(
        str(digits_run.folder), str(tmp_path / "t.csv"), options=EvaluationOptions(output=str(tmp_path), csv_safe=safe)
    )
    write_features(str(digits_run.folder), str(root), tmp_path / "f.csv", csv_safe=safe)
    names = [row["path"] for row in _rows(tmp_path / "f.csv")]
    assert any(name.startswith("'=3/" if safe else "=3/") for name in names)
    assert not any(
        value.startswith("'") for row in _rows(tmp_path / "f.csv") for k, value in row.items() if k[0] == "f"
    )
    assert _rows(Path(found["report"]).parent / "predictions_all.csv")[0]["path"].startswith("set/")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
