"""A person's own network as a classifier: in Python, saved and put together again, and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import convscope as cs
from convscope.cli import main

CODE = """
import torch.nn as nn
import torch.nn.functional as F

class CNN(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 5, stride=2)
        self.fc = nn.Linear(4 * 12 * 12, num_classes)

    def forward(self, x):
        x = F.relu(self.conv(x))
        return F.softmax(self.fc(x.view(x.size(0), -1)), dim=1)

class Other(CNN):
    def forward(self, x):
        x = self.conv(x)
        return F.softmax(self.fc(x.view(x.size(0), -1)), dim=1)
"""


@pytest.fixture
def source(tmp_path: Path) -> str:
    (tmp_path / "mynet.py").write_text(CODE)
    return f"{tmp_path / 'mynet.py'}:CNN"


def classes_of(source: str) -> dict[str, type[torch.nn.Module]]:
    names: dict[str, type[torch.nn.Module]] = {}
    exec(CODE, names)
    return names


def test_a_network_is_a_classifier_whose_probabilities_are_its_own(source, caplog):
    network = classes_of(source)["CNN"]().eval()
    classifier = cs.Classifier(network, preprocess=cs.Preprocess((1, 28, 28), (0.0,), (1.0,)))
    image = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    expected = network(torch.from_numpy(image)[None, None].float() / 255)
    assert torch.allclose(classifier.probabilities([image]), expected, atol=1e-6)
    assert classifier.class_names == [str(number) for number in range(10)] and "softmax" in caplog.text


def test_names_must_be_as_many_as_the_outputs(source):
    with pytest.raises(cs.UsageError, match="10 outputs, but there are 2 class names"):
        cs.Classifier(classes_of(source)["CNN"](), ["a", "b"])


def test_what_is_assumed_is_said(source, caplog):
    classifier = cs.Classifier(classes_of(source)["CNN"]())
    assert classifier.preprocess.input_size == (1, 28, 28) and "gray images of 28 x 28" in caplog.text
    assert cs.summary(classes_of(source)["CNN"]).input_size == (1, 28, 28)


def test_a_saved_network_needs_its_code_again(tmp_path, source, monkeypatch):
    classes = classes_of(source)
    saved = cs.Classifier(classes["CNN"]())
    folder = saved.save(tmp_path / "bundle")
    image = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    for model in (classes["CNN"], classes["CNN"](), source):
        assert torch.equal(cs.load(folder, model).probabilities([image]), saved.probabilities([image]))
    with pytest.raises(cs.ModelFileError, match="whose code is not stored here: give it with --model"):
        cs.load(folder)
    with pytest.raises(cs.ModelFileError, match="its code has changed"):
        cs.load(folder, classes["Other"])
    with pytest.raises(cs.ModelFileError, match="is a lenet5, no network of one's own"):
        cs.load("mnist-lenet5", classes["CNN"])


def test_loading_runs_no_file_that_a_bundle_names(tmp_path, source, monkeypatch):
    bundle = cs.Classifier(classes_of(source)["CNN"]()).save(tmp_path / "bundle")
    ran = tmp_path / "ran"
    (bundle / "evil.py").write_text(f"open({str(ran)!r}, 'w')\n{CODE}")
    config = json.loads((bundle / "config.json").read_text())
    for name in ("evil.py:CNN", str(bundle / "evil.py:CNN"), "../bundle/evil.py:CNN"):
        (bundle / "config.json").write_text(json.dumps(config | {"architecture": name}))
        monkeypatch.chdir(bundle)
        with pytest.raises(cs.ModelFileError, match="whose code is not stored here"):
            cs.load(bundle)
    (bundle / "recipe.yaml").write_text("model: evil.py:CNN\ndata: digits\n")
    with pytest.raises(cs.ModelFileError, match="whose code is not stored here"):
        cs.train("digits", recipe=bundle / "recipe.yaml", output=tmp_path, show=False)
    assert not ran.exists()


def test_a_network_of_a_file_is_trained_evaluated_and_resumed(tmp_path, source, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "digits", "--model", source, "--epochs", "1", "--name", "a", "--batch-size", "256"]) == 0
    run, printed = Path("runs/train/a"), capsys.readouterr()
    assert "ends with softmax" in printed.err and f"convscope serve {run} --model {source}\n" in printed.out
    assert str(tmp_path) not in (run / "recipe.yaml").read_text() + (run / "classifier" / "config.json").read_text()
    assert main(["evaluate", str(run)]) == 4 and "--model mynet.py:CNN" in capsys.readouterr().err
    assert main(["evaluate", str(run), "--model", source, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["n"] == 269 and result["top1"] > 0.3
    assert main(["train", "--resume", str(run), "--epochs", "2"]) == 4
    assert main(["train", "--resume", str(run), "--epochs", "2", "--model", source]) == 0


def test_an_instance_has_the_trained_weights_in_the_end(tmp_path, source):
    network = classes_of(source)["CNN"]()
    run = cs.train("digits", network, epochs=1, batch_size=256, output=tmp_path, show=False)
    for name, tensor in run.classifier.network.state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name])


def test_a_summary_takes_a_size_as_people_write_it():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 6 * 6, 3))
    for size in (8, (8, 8), (1, 8, 8), [1, 8, 8], (1, 1, 8, 8), "8", "8x8", "1,8,8", "(1, 8, 8)"):
        assert cs.summary(network, size).input_size == (1, 8, 8)
    for size in ((0, 8, 8), (1, 8.5, 8), (1, 1, 1, 8, 8), "large", (2, 1, 8, 8)):
        with pytest.raises(cs.UsageError, match="is no size of an image: give channels, height and width"):
            cs.summary(network, size)
    with pytest.raises(cs.UsageError, match="Sequential does not take an image of 1 x 9 x 9: mat1 and mat2"):
        cs.summary(network, 9)


def test_weights_that_give_no_finite_numbers_are_said(caplog):
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    network[1].bias.data.fill_(float("nan"))
    cs.Classifier(network, preprocess=cs.Preprocess((1, 8, 8), (0.0,), (1.0,)))
    assert "gives numbers that are not finite" in caplog.text and "dropout" not in caplog.text
