"""Several labels per image from a table to the service, on shapes of which an image shows some or none."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from convscope.cli import main
from convscope.serving.app import create_app
from convscope.serving.classifiers import Registry
from convscope.serving.service import Service
from convscope.serving.worker import Worker

SHAPES = {"circle": 0.5, "cross": 0.3, "square": 0.4}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory) -> Path:
    """Write 200 images of 32 x 32, each with some of three shapes, and a table with the labels of each in one cell."""
    folder, generator = tmp_path_factory.mktemp("shapes"), np.random.default_rng(0)
    rows = []
    for i in range(200):
        picture = Image.new("RGB", (32, 32), (20, 20, 40))
        draw, corners = ImageDraw.Draw(picture), generator.permutation([(1, 1), (17, 1), (1, 17), (17, 17)]).tolist()
        labels = [name for name, share in SHAPES.items() if generator.random() < share]
        for name, (x, y) in zip(labels, corners, strict=False):
            if name == "circle":
                draw.ellipse((x, y, x + 12, y + 12), outline="red", width=3)
            elif name == "square":
                draw.rectangle((x, y, x + 12, y + 12), fill="green")
            else:
                draw.line((x, y, x + 12, y + 12), fill="white", width=3)
                draw.line((x, y + 12, x + 12, y), fill="white", width=3)
        picture.save(folder / f"{i:03d}.png")
        rows.append((f"{i:03d}.png", "|".join(labels)))
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "labels"), *rows])
    return folder


@pytest.fixture(scope="module")
def run(shapes, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("runs")
    words = ["--model", "resnet20", "--img-size", "32", "--epochs", "5", "--batch-size", "16", "--augment", "none"]
    words += ["--precision", "float32", "--layout", "contiguous", "--output", str(output)]
    assert main(["train", str(shapes), *words]) == 0
    return output / f"resnet20-{shapes.name}"


def printed(capsys, *words: object) -> str:
    capsys.readouterr()
    assert main([str(word) for word in words]) == 0
    return capsys.readouterr().out


def test_check_counts_labels_and_images_without(shapes, capsys):
    found = json.loads(printed(capsys, "check", shapes, "--json"))
    with (shapes / "labels.csv").open() as file:
        cells = [row["labels"] for row in csv.DictReader(file)]
    assert found["classes"] == {name: sum(name in cell for cell in cells) for name in SHAPES}
    assert sum(found["without_label"].values()) == cells.count("")
    assert "without a label" in printed(capsys, "check", shapes)


def test_evaluate_gives_the_figures_of_the_training(run, tmp_path, capsys):
    found = json.loads(printed(capsys, "evaluate", run, "--output", tmp_path, "--json"))
    metrics = json.loads((run / "classifier" / "config.json").read_text())["metrics"]["test"]
    assert {key: found[key] for key in metrics} == pytest.approx(metrics, rel=1e-4)
    assert found["map"] > 0.6
    assert [row["label"] for row in found["per_class"]] == [*SHAPES]
    assert "confusion" not in found
    assert "mean average precision" in printed(capsys, "evaluate", run, "--output", tmp_path)
    report = (run / "report.html").read_text("utf-8")
    assert "mean average precision of 3 labels" in report
    assert "3 个标签的平均精度均值" in report


def test_the_report_is_written_anew(run, tmp_path, capsys):
    for form, words in {"html": "mean average precision of 3 labels", "md": "Mean average precision **"}.items():
        printed(capsys, "report", run, "--format", form, "--output", tmp_path / "report")
        assert words in (tmp_path / "report").read_text("utf-8")
    printed(capsys, "report", run, "--format", "json", "--output", tmp_path / "report")
    found = json.loads((tmp_path / "report").read_text("utf-8"))
    assert all(row["gradient_size"] > 0 for row in found["inside"]["layers"]) and found["heat_maps"]["drawn"] > 0


def test_predict_lists_the_labels_above_their_thresholds(run, shapes, capsys):
    images = sorted(shapes.glob("00*.png"))
    rows = json.loads(printed(capsys, "predict", run, *images, "--json"))["predictions"]
    for row in rows:
        assert [p["label"] for p in row["labels"]] == [p["label"] for p in row["topk"] if p["selected"]]
        assert all(p["selected"] == (p["probability"] >= p["threshold"]) for p in row["topk"])
        assert row["label"] == row["topk"][0]["label"]
    table = list(csv.DictReader(io.StringIO(printed(capsys, "predict", run, *images, "--format", "csv"))))
    assert [row["labels"] for row in table] == ["|".join(p["label"] for p in row["labels"]) for row in rows]
    lines = printed(capsys, "predict", run, *images).splitlines()
    assert [len(line.split()) for line in lines] == [1 + max(2 * len(row["labels"]), 1) for row in rows]


def test_explain_takes_one_label_and_compares_it_only_on_request(run, shapes, tmp_path, capsys):
    words = ["explain", run, shapes / "000.png", "--method", "saliency", "--output", tmp_path, "--json"]
    alone = json.loads(printed(capsys, *words, "--label", "cross"))
    assert (alone["label"], alone["versus"]) == ("cross", None)
    both = json.loads(printed(capsys, *words, "--label", "cross", "--versus", "circle"))
    assert (both["label"], both["versus"]) == ("cross", "circle")


def test_the_service_says_which_labels_are_selected(run, shapes):
    service = Service(Registry([str(run)], torch.device("cpu")), Worker("quick"), Worker("slow"))
    with TestClient(create_app(service), base_url="http://127.0.0.1") as client:
        network = client.get("/api/network").json()
        answer = client.post("/predict", content=(shapes / "000.png").read_bytes()).json()["predictions"]
    assert service.quick.close()
    assert service.slow.close()
    assert network["task"] == "multi-label"
    assert {p["label"] for p in answer} == set(SHAPES)
    thresholds = dict(zip(network["class_names"], network["thresholds"], strict=True))
    for prediction in answer:
        assert prediction["threshold"] == thresholds[prediction["label"]]
        assert prediction["selected"] == (prediction["probability"] >= prediction["threshold"])


def test_a_table_with_one_label_per_image_is_evaluated_too(run, shapes, tmp_path, capsys):
    with (shapes / "labels.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["labels"] in SHAPES][:20]
    for row in rows:
        (tmp_path / row["path"]).write_bytes((shapes / row["path"]).read_bytes())
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "labels"), *(row.values() for row in rows)])
    found = json.loads(printed(capsys, "evaluate", run, tmp_path, "--output", tmp_path / "out", "--json"))
    assert found["n"] == len(rows)
    assert {r["label"]: r["support"] for r in found["per_class"]} == {
        name: sum(row["labels"] == name for row in rows) for name in SHAPES
    }


def test_one_class_per_image_is_not_measured_with_labels(run, capsys):
    assert main(["evaluate", str(run), "digits"]) == 3
    error = capsys.readouterr().err
    assert "digits has one class per image, and the classifier gives several labels" in error
