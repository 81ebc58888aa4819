"""`convscope train`: what it prints, what it leaves in the run folder, and with which exit code."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import convscope as cs
from convscope.cli import main


def test_train_prints_the_result_and_what_next(command, tmp_path):
    done = command("train", "digits", "--model", "lenet_relu", "--epochs", 2)
    assert done.returncode == 0, done.stderr
    assert "lenet_relu on digits: " in done.stdout and "(269 images)" in done.stdout
    assert "convscope predict runs/train/lenet_relu-digits IMAGE..." in done.stdout
    assert done.stderr.count("epoch ") == 2 and "train loss" in done.stderr and "images/s" in done.stderr
    padding = "mages of 28 x 28 are padded to 32 x 32 with 2 black pixels on each side; others are resized first"
    assert done.stderr.count(padding) == 1
    folder = tmp_path / "runs" / "train" / "lenet_relu-digits"
    assert f"\nI{padding}.\n" in (folder / "classifier" / "README.md").read_text(encoding="utf-8")
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


def test_what_ended_the_training_before_its_epochs_is_said(run, capsys, monkeypatch):
    words = ["train", "digits", "--model", "softmax_regression", "--epochs"]
    assert main([*words, "1"]) == 0
    said = capsys.readouterr().out
    assert "\n1 epoch in " in said and "ended" not in said
    assert main([*words, "1000000", "--time-budget", "1"]) == 0
    assert re.search(r"\nthe time budget of 1 s ended the training in epoch \d+ of 1000000\n", capsys.readouterr().out)
    monkeypatch.setenv("CONVSCOPE_LANG", "zh")
    assert main([*words, "99", "--patience", "1", "--optimizer", "sgd", "--lr", "30"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"\n连续 1 轮没有更好的结果（--patience），训练在第 \d+ 轮结束（原定 99 轮）\n", said)
    assert " 张图像），验证准确率" in said


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


def test_output_that_cannot_be_written(run, capsys):
    Path("file").write_text("")
    assert main(["train", "digits", "--model", "softmax_regression", "--output", "file"]) == 7
    assert "file is a file: give another --output" in capsys.readouterr().err
