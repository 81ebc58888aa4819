"""`convscope evaluate`: figures, report, classes matched by name, and the cache."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.cli import main

UNDEFINED = ("precision", "recall", "f1", "roc_auc", "average_precision")


def test_evaluate_matches_classes_by_name(run, squares, tmp_path, capsys):
    assert (
        main(["train", str(squares), "--model", "lenet_relu", "--epochs", "30", "--augment", "none", "--name", "s"])
        == 0
    )
    other = tmp_path / "other"
    (other / "dark").mkdir(parents=True)
    (other / "a").mkdir()
    for i in range(3):
        (other / "dark" / f"{i}.png").write_bytes((squares / "dark" / f"0{i}.png").read_bytes())
        (other / "a" / f"{i}.png").write_bytes((squares / "bright" / f"0{i}.png").read_bytes())
    capsys.readouterr()
    assert main(["evaluate", "runs/train/s", str(other)]) == 3
    assert "the classifier does not know the class 'a'; it knows bright, dark" in capsys.readouterr().err
    (other / "a").rename(other / "bright")
    assert main(["evaluate", "runs/train/s", str(other), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["split"] == "all" and result["n"] == 6 and result["top1"] == 1.0


def test_evaluate_takes_images_in_a_zip_or_array_file(run, tmp_path, capsys):
    """Both are zip files, as a saved classifier may be."""
    test = cs.load_data("digits").splits["test"].take(range(40))
    np.savez(tmp_path / "digits.npz", images=test.images, labels=test.labels)
    with zipfile.ZipFile("digits.zip", "w") as archive:
        for i, (image, label) in enumerate(zip(test.images, test.labels, strict=True)):
            content = io.BytesIO()
            Image.fromarray(image).save(content, "PNG")
            archive.writestr(f"{label}/{i}.png", content.getvalue())
    found = []
    for data in ("digits.zip", "digits.npz"):
        assert main(["evaluate", run, data, "--split", "all", "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert [result["n"] for result in found] == [40, 40] and found[0]["top1"] == found[1]["top1"] > 0.8
    assert main(["predict", run, "digits.zip"]) == 3
    assert "is no image: `convscope evaluate RUN DATA` measures a data set in one file" in capsys.readouterr().err


def test_evaluate_keeps_decoded_images_where_it_is_told(run, squares, tmp_path, monkeypatch):
    usual, given = tmp_path / "usual", tmp_path / "given"
    monkeypatch.setenv("CONVSCOPE_CACHE", str(usual))
    words = ["train", str(squares), "--model", "softmax_regression", "--epochs", "1", "--name", "private"]
    assert main([*words, "--cache", "off"]) == 0
    assert main(["evaluate", "runs/train/private"]) == 0
    assert not list(usual.rglob("*"))
    assert main(["evaluate", "runs/train/private", "--cache", str(given), "--workers", "1"]) == 0
    assert list(given.rglob("*")) and not list(usual.rglob("*"))
    assert main(["evaluate", "runs/train/private", "--cache", "auto"]) == 0
    assert list(usual.rglob("*"))


def test_evaluate_tells_and_reports(run, capsys):
    assert main(["evaluate", run]) == 0
    out = capsys.readouterr().out
    assert "digits, test: 269 images" in out and "precision" in out and "confusion matrix" in out
    page = Path(out.strip().splitlines()[-1].split("  ")[1])
    assert page.is_file() and page.parent.joinpath("predictions_test.csv").is_file()


def test_evaluate_agrees_with_training(run, digits_run, capsys):
    assert main(["evaluate", run, "--split", "val", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["top1"] == digits_run.metrics["val"]["top1"]
    assert result["loss"] == pytest.approx(digits_run.metrics["val"]["loss"], rel=1e-5)
    assert sum(map(sum, result["confusion"])) == result["n"]


def test_a_class_that_does_not_occur_has_no_figures(run, tmp_path, capsys):
    split = cs.load_data("digits").splits["test"]
    for label in (0, 1):
        folder = tmp_path / "two" / str(label)
        folder.mkdir(parents=True)
        for i in np.flatnonzero(split.labels == label)[:5].tolist():
            Image.fromarray(split.images[i]).save(folder / f"{i}.png")
    assert main(["evaluate", run, str(tmp_path / "two"), "--kind", "digits", "--json"]) == 0
    rows = {row["label"]: row for row in json.loads(capsys.readouterr().out)["per_class"]}
    assert rows["0"]["recall"] is not None
    assert rows["7"] == {"label": "7", "support": 0, **dict.fromkeys(UNDEFINED)}
    assert main(["evaluate", run, str(tmp_path / "two")]) == 0
    out = capsys.readouterr().out
    assert next(line.split() for line in out.splitlines() if line.startswith("7 ")) == ["7", "0", "-", "-", "-"]
    assert "-: 8 of 10 classes do not occur in these images" in out
    page = Path(out.strip().splitlines()[-1].split("  ")[1]).read_text(encoding="utf-8")
    assert page.count("<td>–</td><td>–</td><td>–</td>") == 8
