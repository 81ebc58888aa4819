"""`convscope export` and the example that answers with its file, without ConvScope."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import convscope as cs
from convscope.cli import main

EXAMPLE = Path(__file__).parents[3] / "examples" / "onnx" / "predict.py"


def test_the_example_gives_the_probabilities_of_predict(tmp_path, capsys):
    split = cs.load_data("mnist-5k").splits["test"]
    pictures = []
    for number, size in enumerate([(28, 28), (101, 77)]):
        pictures.append(tmp_path / f"{number}.png")
        Image.fromarray(np.asarray(split.images[number]).reshape(28, 28)).resize(size).save(pictures[-1])
    deep = np.asarray(split.images[2]).reshape(28, 28).astype(np.uint16) * 257
    pictures.append(tmp_path / "16-bit.png")
    Image.fromarray(deep).save(pictures[-1])
    photo = Image.effect_mandelbrot((900, 700), (-2.2, -1.4, 1, 1.4), 60).convert("RGB")
    for name, made in {"large.jpg": photo, "cmyk.jpg": photo.convert("CMYK"), "gray.jpg": photo.convert("L")}.items():
        pictures.append(tmp_path / name)
        made.save(pictures[-1])
    photo.putalpha(photo.getchannel("R"))
    pictures.append(tmp_path / "transparent.png")
    photo.save(pictures[-1])
    model = tmp_path / "model.onnx"
    assert main(["export", "mnist-relu", "--input", "image", "--output", str(model)]) == 0
    assert "same answer for" in capsys.readouterr().out
    words = [sys.executable, str(EXAMPLE), str(model), *map(str, pictures)]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert main(["predict", "mnist-relu", *map(str, pictures), "--format", "csv", "--topk", "1"]) == 0
    expected = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    for line, row in zip(shown, expected, strict=True):
        _, label, probability, unknown = line.rsplit(" ", 3)
        assert label == row["label"] and abs(float(probability) - float(row["probability"])) < 1e-4
        assert bool(unknown) == bool(row["abstained"])
    node = shutil.which("node")
    if node is not None:  # its two packages are not installed here
        subprocess.run([node, "--check", str(EXAMPLE.with_suffix(".mjs"))], check=True)


def test_json_says_what_was_compared(tmp_path, capsys):
    model = tmp_path / "model.onnx"
    assert main(["export", "mnist-lenet5", "--output", str(model), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    compared = answer["compared"]
    assert compared["batches"] == [1, 2, 7] and compared["same_answer"] == compared["n"] > 0
    assert compared["difference"] < 1e-4 and answer["bytes"] == model.stat().st_size
