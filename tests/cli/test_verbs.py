"""The verbs as a user types them: what they print, where, and with which exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.cli import main
from convscope.cli.output import parse_duration


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Ten digits as files, named after what they show, and three files that are no images."""
    split = cs.load_data("digits").splits["test"]
    folder = tmp_path / "pictures"
    folder.mkdir()
    for label in range(10):
        Image.fromarray(split.images[int(np.flatnonzero(split.labels == label)[0])]).save(folder / f"{label}.png")
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:60])
    (folder / "page.jpg").write_text("<html></html>")
    (folder / "notes.txt").write_text("not an image, and not called one")
    return folder


def test_train_prints_the_result_and_what_next(command, tmp_path):
    done = command("train", "digits", "--model", "lenet_relu", "--epochs", 2)
    assert done.returncode == 0, done.stderr
    assert "lenet_relu on digits: " in done.stdout and "of 269 test images right" in done.stdout
    assert "convscope predict runs/train/lenet_relu-digits IMAGE..." in done.stdout
    assert done.stderr.count("epoch ") == 2 and "train loss" in done.stderr and "images/s" in done.stderr
    folder = tmp_path / "runs" / "train" / "lenet_relu-digits"
    for part in (
        "recipe.yaml",
        "env.json",
        "labels.txt",
        "split.csv",
        "metrics.csv",
        "predictions_val.csv",
        "report.html",
    ):
        assert (folder / part).stat().st_size > 0, part
    assert sorted(p.name for p in (folder / "checkpoints").iterdir()) == ["best", "last", "snapshots"]
    rows = list(csv.DictReader((folder / "metrics.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2"] and float(rows[1]["val/top1"]) > 0
    assert len(list(csv.DictReader((folder / "split.csv").open()))) == 1797
    assert cs.Recipe.load(folder / "recipe.yaml").model == "lenet_relu"
    assert json.loads((folder / "env.json").read_text())["packages"]["torch"]


def test_train_json_is_one_document(run, capsys):
    assert main(["train", "digits", "--model", "softmax_regression", "--epochs", "1", "--json", "--seed", "3"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["model"] == "softmax_regression" and result["data"] == "digits" and result["seed"] == 3
    assert result["parameters"] == 7850 and result["epochs"] == 1 and result["precision"] in ("bf16", "float32")
    for split in ("val", "test"):
        assert set(result[split]) == {"n", "loss", "top1", "top5"} and result[split]["n"] == 269
    assert {"run", "recipe", "train_seconds", "images_per_second"} <= set(result)


def test_a_taken_name_gets_a_number(run):
    for expected in ("one", "one-2", "one-3"):
        assert main(["train", "digits", "--model", "softmax_regression", "--epochs", "1", "--name", "one"]) == 0
        assert Path("runs/train", expected, "report.html").is_file()


def test_recipe_file_and_options(run, capsys):
    Path("mine.yaml").write_text("model: mlp\ndata: digits\nepochs: 1\nlr: 1e-3\nmodel_args: {hidden: [20]}\n")
    assert main(["train", "--recipe", "mine.yaml", "--batch-size", "99", "--json"]) == 0
    recipe = json.loads(capsys.readouterr().out)["recipe"]
    assert (recipe["model"], recipe["epochs"], recipe["lr"], recipe["batch_size"]) == ("mlp", 1, 0.001, 99)
    assert recipe["model_args"] == {"hidden": [20]}


def test_model_arguments(run, capsys):
    words = [
        "train",
        "digits",
        "--model",
        "mlp",
        "--model-arg",
        "hidden=[9]",
        "--model-arg",
        "activation=tanh",
        "--epochs",
        "1",
    ]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 784 * 9 + 9 + 9 * 10 + 10


def test_tensorboard_on_request(run):
    assert (
        main(["train", "digits", "--model", "softmax_regression", "--epochs", "1", "--tensorboard", "--name", "tb"])
        == 0
    )
    assert list(Path("runs/train/tb/tensorboard").glob("events*"))


def test_class_folders_train_evaluate_predict(run, squares, capsys):
    assert main(["train", str(squares), "--model", "lenet_relu", "--epochs", "30", "--augment", "none", "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    assert trained["test"]["top1"] == 1.0
    assert main(["evaluate", trained["run"], "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["split"] == "test" and result["n"] == trained["test"]["n"] and result["labels"] == ["bright", "dark"]
    assert result["confusion"] == [[4, 0], [0, 4]]
    assert main(["predict", trained["run"], str(squares / "dark"), "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)["predictions"]
    assert len(answers) == 24 and {a["label"] for a in answers} == {"dark"}


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


def test_predict_table(run, pictures, capsys):
    assert main(["predict", run, str(pictures), "--topk", "2"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) == 10 and all("%" in line for line in lines)
    right = sum(Path(line.split()[0]).stem == line.split()[1] for line in lines)
    assert right >= 9
    assert f"warning: skipped {pictures}/cut.png: " in captured.err
    assert "(it looks like a web page)" in captured.err
    assert "notes.txt" not in captured.err


def test_predict_json_forms(run, pictures, capsys):
    assert main(["predict", run, str(pictures), "--json", "--topk", "3"]) == 0
    document = json.loads(capsys.readouterr().out)
    first = document["predictions"][0]
    assert set(first) == {"path", "label", "probability", "index", "abstained", "topk"} and len(first["topk"]) == 3
    assert {Path(s["path"]).name for s in document["skipped"]} == {"cut.png", "page.jpg"}
    assert main(["predict", run, str(pictures), "--format", "jsonl", "--topk", "3"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == document["predictions"]
    assert main(["predict", run, str(pictures), "--format", "csv", "--topk", "2"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(rows[0]) == ["path", "label", "probability", "index", "label_2", "probability_2"]
    assert [row["label"] for row in rows] == [p["label"] for p in document["predictions"]]


def test_predict_patterns_and_single_files(run, pictures, capsys):
    assert main(["predict", run, str(pictures / "[0-4].png"), str(pictures / "9.png"), "--format", "jsonl"]) == 0
    names = [Path(json.loads(line)["path"]).name for line in capsys.readouterr().out.splitlines()]
    assert names == ["0.png", "1.png", "2.png", "3.png", "4.png", "9.png"]


def test_predict_from_stdin(run, pictures):
    words = [sys.executable, "-m", "convscope", "predict", run, "-", "--json"]
    image = subprocess.run(words, input=(pictures / "3.png").read_bytes(), capture_output=True)
    paths = subprocess.run(words, input=os.fsencode(f"{pictures}/3.png\n{pictures}/5.png\n"), capture_output=True)
    single = json.loads(image.stdout)["predictions"]
    listed = json.loads(paths.stdout)["predictions"]
    assert single[0]["path"] == "-" and len(listed) == 2
    assert single[0]["label"] == listed[0]["label"]
    assert single[0]["probability"] == pytest.approx(listed[0]["probability"], abs=1e-5)
    nothing = subprocess.run(words, input=b"", capture_output=True, text=False)
    assert nothing.returncode == 2 and b"standard input is empty" in nothing.stderr


def test_strict_fails_after_saying_everything(run, pictures, capsys):
    assert main(["predict", run, str(pictures), "--strict"]) == 3
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 10 and "2 files could not be used, and --strict was given" in captured.err


@pytest.mark.parametrize(
    "name", ["a b.png", "新年.png", "quote'\".png", "new\nline.png", "-x.png", "😀.png", "ש.png", b"\xff\xfe.png"]
)
def test_any_file_name(run, pictures, capsys, name):
    target = pictures / (os.fsdecode(name) if isinstance(name, bytes) else name)
    target.write_bytes((pictures / "7.png").read_bytes())
    for form in ("table", "csv", "jsonl", "json"):
        assert main(["predict", run, "--format", form, "--", str(target)]) == 0
        assert capsys.readouterr().out
    assert main(["predict", run, "--json", "--", str(target)]) == 0
    assert json.loads(capsys.readouterr().out)["predictions"][0]["path"] == str(target)


def test_models_and_summary(capsys):
    assert main(["models"]) == 0
    assert "lenet5" in capsys.readouterr().out
    assert main(["models", "--json"]) == 0
    entries = {e["name"]: e for e in json.loads(capsys.readouterr().out)}
    assert set(entries) == set(cs.list_models())
    assert entries["lenet5"]["parameters"] == 60_000 and entries["lenet5"]["year"] == 1998
    assert {"name", "year", "family", "paper", "input_size", "parameters", "top1_error", "top5_error"} <= set(
        entries["mlp"]
    )
    assert main(["summary", "lenet5"]) == 0
    out = capsys.readouterr().out
    assert all(number in out for number in ("122,304", "48,120", "10,164", "60,000", "340,908"))
    assert main(["summary", "lenet5", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["model"], table["parameters"], table["connections"]) == ("lenet5", 60_000, 340_908)
    assert table["layers"][0]["name"] == "C1" and table["receptive_field"] == 32
    assert main(["summary", "mlp", "--img-size", "8", "--in-channels", "3", "--num-classes", "4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 192 * 300 + 300 + 30_100 + 404


def test_debug_shows_the_trace(run):
    with pytest.raises(cs.DataError):
        main(["train", "nosuch", "--debug"])


def test_output_that_cannot_be_written(run, capsys):
    Path("file").write_text("")
    assert main(["train", "digits", "--model", "softmax_regression", "--output", "file"]) == 7
    assert "file is a file: give another --output" in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_error(run, pictures):
    words = f"{sys.executable} -m convscope predict {run} {pictures} --format jsonl | head -n 0"
    done = subprocess.run(words, shell=True, capture_output=True, text=True)
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("30s", 30), ("1.5m", 90), ("2h", 7200), (None, None)])
def test_durations(text, seconds):
    assert parse_duration(text) == seconds
