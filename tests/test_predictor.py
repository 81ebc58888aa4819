"""The Predictor answers as the Classifier does, without torch, and never with a graph of other weights."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import convscope as cs
from convscope.bundle_config import BUNDLED, bundled_names
from convscope.cli import main
from convscope.errors import ModelFileError, UsageError
from convscope.export.onnx import export
from convscope.export.onnx.export import export_run
from convscope.predictor import find_predictor, open_predictor
from convscope.task import Task

WITHOUT_TORCH = ("torch", "torchvision", "safetensors", "onnx", "onnxscript", "captum", "yaml", "matplotlib")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle with a graph; the older exporter makes it, in a tenth of the time."""
    folder = tmp_path_factory.mktemp("bundle") / "lenet"
    shutil.copytree(BUNDLED / "mnist-lenet5", folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"threshold": 0.999}))  # so that some answers are unsure
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "EXPORTERS", {"torch.jit.trace": False})
        export_run(str(folder))
    return folder


@pytest.fixture(scope="module")
def without_graph(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain") / "relu"
    return shutil.copytree(BUNDLED / "mnist-relu", folder, ignore=shutil.ignore_patterns("model.onnx"))


@pytest.fixture(scope="module")
def images():
    """Digits, a photo, a picture of 16 bits, one that has to be enlarged."""
    generator = np.random.default_rng(0)
    photo = generator.integers(0, 256, (70, 90, 3), dtype=np.uint8)
    deep = generator.integers(0, 65536, (28, 28), dtype=np.uint16)
    return [*cs.load_data("mnist-5k").splits["test"].images[:100], photo, deep, photo[:5, :9], Image.fromarray(photo)]


def assert_same(expected, got):
    parts = lambda r: r.refusal and (r.refusal.kind, r.refusal.reason, r.refusal.between)  # noqa: E731
    assert list(map(parts, got)) == list(map(parts, expected))
    for ours, theirs in zip(got, expected, strict=True):
        assert [p.label for p in ours.predictions] == [p.label for p in theirs.predictions]
        assert [p.probability for p in ours.predictions] == pytest.approx(
            [p.probability for p in theirs.predictions], abs=1e-4
        )
        if ours.refusal is not None:
            assert ours.refusal.probability == pytest.approx(theirs.refusal.probability, abs=1e-4)


def test_answers_are_those_of_the_classifier(bundle, images):
    predictor, classifier = open_predictor(bundle), cs.load(bundle)
    expected = list(classifier.predict_each(images, topk=3))
    assert_same(expected, list(predictor.predict_each(images, topk=3)))
    assert {r.refusal.kind if r.refusal else None for r in expected} == {None, "foreign", "unsure"}
    assert_same([classifier.answer(images[0])], [predictor.answer(images[0])])
    for image in images[-4:]:
        assert np.array_equal(predictor.pixels(image), classifier.pixels(image).permute(1, 2, 0).numpy())
    with pytest.raises(cs.DataError, match=r"gone\.png: no such file"):
        predictor.answer("gone.png")


def test_several_labels_and_a_colour_network(tmp_path, monkeypatch):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3))
    classifier = cs.Classifier(
        network.eval(), ["a", "b", "c"], cs.Preprocess((3, 24, 20), (0.4,) * 3, (0.2,) * 3), task=Task((0.5, 0.4, 0.6))
    )
    monkeypatch.setattr(export, "EXPORTERS", {"torch.jit.trace": False})
    path = classifier.save(tmp_path / "own")
    export.export_onnx(classifier, path / "model.onnx", made_from=export.digest_of_bundle(path))
    pictures = [np.random.default_rng(i).integers(0, 256, (60, 50, 3), dtype=np.uint8) for i in range(9)]
    # Without the code of the network, which torch would need.
    assert_same(list(classifier.predict_each(pictures)), list(open_predictor(path).predict_each(pictures)))


def test_the_command_answers_in_a_process_that_has_no_torch(bundle, without_graph, tmp_path, capsys):
    picture = np.random.default_rng(0).integers(0, 256, (99, 70, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    (tmp_path / "bad.png").write_text("no picture")
    words = ["predict", str(bundle), str(tmp_path), "--json"]
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({WITHOUT_TORCH}))\n")
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "convscope", *words], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for source, code, said in (
        (str(without_graph), 4, f"{without_graph} has no model.onnx: make one with"),
        ("resnet18", 4, "a network by its name needs torch, which is not installed"),
    ):
        words[1] = source
        without = subprocess.run(
            [sys.executable, "-m", "convscope", *words], capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )  # fmt: skip
        assert without.returncode == code and said in without.stderr and without.stderr.count("\n") == 1
    words[1] = str(bundle)
    assert main([*words, "--runtime", "torch"]) == 0
    with_torch, without = json.loads(capsys.readouterr().out), json.loads(done.stdout)
    assert (with_torch.pop("runtime"), without.pop("runtime")) == ("torch", "onnxruntime")
    for one, other in zip(with_torch["predictions"], without["predictions"], strict=True):
        assert one.pop("topk")[0].pop("probability") == pytest.approx(other.pop("topk")[0].pop("probability"), abs=1e-4)
        assert one.pop("probability") == pytest.approx(other.pop("probability"), abs=1e-4)
    assert with_torch == without


def test_who_waits_at_a_terminal_is_told_of_the_export(without_graph, tmp_path, capsys, monkeypatch):
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(tmp_path / "a.png")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    for source, is_told in ((str(without_graph), True), ("mnist-relu", False)):
        assert main(["predict", source, str(tmp_path / "a.png")]) == 0
        assert (f"after `convscope export {source}` the same" in capsys.readouterr().err) == is_told


def test_a_graph_of_other_weights_is_not_used(bundle, tmp_path, caplog, capsys):
    stale = tmp_path / "stale"
    shutil.copytree(bundle, stale)
    config = json.loads((stale / "config.json").read_text())
    (stale / "config.json").write_text(json.dumps(config | {"threshold": 0.9}))
    assert find_predictor(stale) is None
    assert "was not made from the weights and settings beside it" in caplog.text
    with pytest.raises(ModelFileError, match="make one with `convscope export"):
        open_predictor(stale)
    assert main(["predict", str(stale), "gone.png", "--runtime", "onnx"]) == ModelFileError.exit_code
    assert "was not made from" in capsys.readouterr().err
    shutil.copytree(bundle, tmp_path / "cut")
    (tmp_path / "cut" / "model.onnx").write_bytes((bundle / "model.onnx").read_bytes()[:999])
    with pytest.raises(ModelFileError, match="is damaged or no ONNX model"):
        open_predictor(tmp_path / "cut")


def test_a_damaged_bundle_is_one_line_although_it_has_a_graph(bundle, tmp_path, capsys):
    damaged = shutil.copytree(bundle, tmp_path / "damaged")
    (damaged / "config.json").write_text("{")
    assert main(["predict", str(damaged), "x.png"]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert "config.json is no valid JSON" in line


@pytest.mark.parametrize("name", bundled_names())
def test_the_bundled_classifiers_come_with_their_graphs(name, images):
    predictor = open_predictor(name)
    assert_same(list(cs.load(name).predict_each(images)), list(predictor.predict_each(images)))
    content = (BUNDLED / name / "model.onnx").read_bytes()
    assert b"File " not in content and b"convscope/" not in content  # notes of the exporter on where it ran


def test_what_has_no_graph_is_left_to_torch(without_graph, capsys):
    assert find_predictor(without_graph) is None and find_predictor("resnet18") is None
    with pytest.raises(ModelFileError, match=r"has no model\.onnx: make one with `convscope export"):
        open_predictor(without_graph)
    assert main(["predict", "mnist-relu", "a.png", "--runtime", "onnx", "--device", "cuda"]) == UsageError.exit_code
    assert "computes on the CPU" in capsys.readouterr().err
