"""What a verb is to open: a run, a network by name or a person's own, with weights and labels from files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import convscope as cs
from convscope.errors import ConvScopeError
from convscope.labels_file import read_labels
from convscope.opening import FRESH_HEAD, OWN_CODE, RANDOM, TRAINED, open_target
from convscope.target import Target

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
        return self.fc(x.view(x.size(0), -1))

class Fixed(CNN):
    def __init__(self):
        super().__init__(10)
"""
NAMES = ["ant", "bee", "cat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with code, with its weights for ten and for three classes, and with three names."""
    made = tmp_path_factory.mktemp("own")
    (made / "mynet.py").write_text(CODE)
    names: dict[str, type[torch.nn.Module]] = {}
    exec(CODE, names)
    for classes in (10, 3):
        network = torch.nn.DataParallel(names["CNN"](num_classes=classes))
        torch.save({"state_dict": network.state_dict()}, made / f"w{classes}.pt")
    (made / "three.txt").write_text("ant\nbee\ncat\n")
    return made


@pytest.fixture(autouse=True)
def inside(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_the_number_of_classes_and_the_names_come_with_the_weights(caplog):
    opened = open_target(Target("mynet.py:CNN", weights="w3.pt", labels="three.txt"))
    assert opened.state == TRAINED and opened.classifier.class_names == NAMES and opened.caution is None
    weights = torch.load("w3.pt", weights_only=True)["state_dict"]
    assert torch.equal(opened.classifier.network.fc.weight, weights["module.fc.weight"])
    assert "gray images of 28 x 28" in caplog.text
    assert open_target(Target("mynet.py:CNN", weights="w10.pt")).classifier.class_names == list("0123456789")


def test_an_untrained_network_says_so(caplog):
    opened = open_target("lenet5")
    assert opened.state == RANDOM and opened.caution is not None and "未经训练" in opened.caution["zh"]
    assert "lenet5: not trained" in caplog.text
    assert open_target("mynet.py:CNN").state == OWN_CODE
    assert open_target("mnist-relu").caution is None


def test_a_head_of_another_size_is_replaced_and_said(caplog):
    opened = open_target(Target("mynet.py:Fixed", weights="w3.pt"))
    assert opened.state == FRESH_HEAD and len(opened.classifier.class_names) == 10
    assert "w3.pt: the last layer (fc) has 3 outputs there and 10 here: it starts with random weights" in caplog.text
    assert "the last layer is not trained" in caplog.text


def test_size_and_scaling_can_be_given():
    classifier = open_target(Target("resnet18", img_size=64, mean="0.5", std="0.1,0.2,0.3")).classifier
    preprocess = classifier.preprocess
    assert preprocess.input_size == (3, 64, 64) and preprocess.mean == (0.5,) * 3 and preprocess.std == (0.1, 0.2, 0.3)


def test_public_weights_are_found_in_a_folder(tmp_path, monkeypatch):
    state = cs.create_model("timm:test_resnet").state_dict()
    torch.save(state, tmp_path / "test_resnet.r160_in1k.bin")
    monkeypatch.setenv("CONVSCOPE_WEIGHTS", str(tmp_path))
    for target in (Target("timm:test_resnet", pretrained=True, weights_dir=str(tmp_path)),
                   Target("timm:test_resnet", pretrained=True)):  # fmt: skip
        opened = open_target(target)
        assert opened.state == TRAINED and opened.classifier.class_names[0] == "tench"
        found = opened.classifier.network.state_dict()
        assert all(torch.equal(value, found[key]) for key, value in state.items())


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Target("mynet.py:CNN", weights="w10.pt", labels="three.txt"), "--labels has 3 names, but the weights in w10"),
        (Target("mynet.py:Fixed", labels="three.txt"), "has 10 outputs, but there are 3 classes"),
        (Target("mynet.py:CNN", pretrained=True), "no public weights of mynet.py:CNN: give its weights with --weights"),
        (Target("mynet.py:CNN", model="mynet.py:CNN"), "names the code already: leave --model out"),
        (Target("resnet18", model="mynet.py:CNN"), "is a network of the catalogue: leave --model out"),
        (Target("resnet18", weights="w3.pt"), "w3.pt does not fit resnet18: it lacks"),
        (Target("resnet18", pretrained=True, weights="w3.pt"), "both give the weights: leave one out"),
        (Target("resnet18", weights_dir="."), "add --pretrained"),
        (Target("resnet18", pretrained=True, labels="three.txt"), "the public weights of resnet18 know 1000 classes"),
        (Target("lenet5", mean="0.5"), "--mean and --std go together"),
        (Target("lenet5", mean="0.5,0.5", std="1"), "--mean 0.5,0.5: give one number from 0 to 1, or 1, one per"),
        (Target("lenet5", mean="x", std="1"), "--mean x: give numbers"),
        (Target("mnist-relu", weights="w3.pt"), "mnist-relu is trained and has its own weights: leave --weights out"),
        (Target("mnist-relu", labels="three.txt"), "has its own labels: leave --labels out"),
        (Target("w3.pt"), "holds weights without a network: name the network and give the file with --weights w3.pt"),
        (Target("resnet19"), "unknown network 'resnet19': did you mean resnet"),
        (Target("mnist-rel"), "mnist-rel: no such run or bundle"),
        (Target("nowhere", weights="w3.pt"), "unknown network 'nowhere'"),
    ],
)
def test_what_does_not_go_together_is_one_line(target, message):
    with pytest.raises(ConvScopeError) as caught:
        open_target(target)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_run_with_the_name_of_a_network_is_not_guessed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lenet5").mkdir()
    assert open_target("lenet5").state == RANDOM
    (tmp_path / "lenet5" / "recipe.yaml").write_text("data: digits\n")
    with pytest.raises(cs.UsageError, match=r"lenet5 is a network and a run: \./lenet5 is the run"):
        open_target("lenet5")
    with pytest.raises(cs.ModelFileError, match="this run has no classifier yet"):
        open_target("./lenet5")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "ant\nbee\ncat"),
        ("b.txt", "\ufeffant\r\nbee\r\ncat\r\n\r\n"),
        ("c.json", NAMES),
        ("d.json", {"0": "ant", "1": "bee", "2": "cat"}),
        ("e.json", {"cat": 2, "ant": 0, "bee": 1}),
        ("f.json", {"0": ["n1", "ant"], "1": ["n2", "bee"], "2": ["n3", "cat"]}),
        ("g.json", {"model_type": "resnet", "id2label": {"0": "ant", "1": "bee", "2": "cat"}}),
    ],
)
def test_names_are_read_as_people_write_them(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8", newline="")
    assert read_labels(path) == NAMES


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"ant\n\ncat\n", "name 2 is empty"),
        ("a.txt", b"ant\n", "1 names"),
        ("a.json", b'{"0": "ant", "2": "bee"}', "without a gap"),
        ("a.json", b"[1, 2]", "list of names"),
        ("a.json", b"[", "no valid JSON"),
        ("a.txt", b"\x89PNG\0\0", "no list of names"),
        ("b.txt", None, "cannot be read"),
    ],
)
def test_what_is_no_list_of_names_is_one_line(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(cs.DataError, match=message):
        read_labels(tmp_path / name)
