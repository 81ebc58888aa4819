"""int8 is written only where it is faster and changes few answers, and both are said."""

from __future__ import annotations

import json

import numpy as np
import pytest

import convscope as cs
from convscope.cli import main
from convscope.errors import ConvScopeError
from convscope.export.images import pixels_for_judging
from convscope.export.onnx import export, quantizing
from convscope.export.onnx.network import to_onnx


@pytest.fixture
def quick(monkeypatch):
    """The quicker exporter, and few images, since only the judgement is tested here."""
    monkeypatch.setattr(export, "EXPORTERS", {"torch.jit.trace": False})
    monkeypatch.setattr(export, "MOST_JUDGED", 100)


def test_int8_answers_as_float32_does_and_says_what_it_costs(tmp_path, quick, monkeypatch, capsys):
    import onnx
    import onnxruntime

    monkeypatch.setattr(quantizing, "LEAST_SPEED", 0.0)
    path = tmp_path / "a.onnx"
    words = ["export", "mnist-lenet5", "--precision", "int8", "--output", str(path)]
    assert main([*words, "--json"]) == 0
    gain = json.loads(capsys.readouterr().out)["int8"]
    assert gain["n"] == 100 and gain["changed"] <= 1 and gain["speed"] > 0
    model = onnx.load(path)
    assert "QuantizeLinear" in {node.op_type for node in model.graph.node}
    # Not the graph with which `convscope predict` answers, which has to give the same answers.
    assert "made_from" not in {entry.key for entry in model.metadata_props}
    session, classifier = onnxruntime.InferenceSession(str(path)), cs.load("mnist-lenet5")
    digits = cs.load_data("mnist-5k").splits["test"].images[-50:]
    pixels = np.stack([classifier.pixels(np.asarray(digit).reshape(28, 28)).numpy() for digit in digits])
    logits, distance = session.run(["logits", "distance"], {"pixels": pixels})
    exact = classifier.logits(cs.Preprocess.batch(classifier.preprocess, digits)).numpy()
    assert (logits.argmax(1) == exact.argmax(1)).mean() > 0.97 and np.isfinite(distance).all()


def test_int8_with_the_resizing_inside_answers_pictures_of_any_size(tmp_path, quick, monkeypatch):
    import onnxruntime
    from PIL import Image

    monkeypatch.setattr(quantizing, "LEAST_SPEED", 0.0)
    path = tmp_path / "a.onnx"
    assert main(["export", "mnist-relu", "--precision", "int8", "--input", "image", "--output", str(path)]) == 0
    session, classifier = onnxruntime.InferenceSession(str(path)), cs.load("mnist-relu")
    digits = cs.load_data("mnist-5k").splits["test"].images[:20]
    sizes = [(28, 28), (40, 56), (120, 100), (31, 20)]
    same = 0
    for number, digit in enumerate(digits):
        picture = np.asarray(Image.fromarray(np.asarray(digit).reshape(28, 28)).resize(sizes[number % 4]))
        (got,) = session.run(["probabilities"], {"image": picture[None, :, :, None]})
        same += int(got[0].argmax()) == int(classifier.probabilities([picture])[0].argmax())
    assert same >= 19


def test_a_network_for_other_gray_images_is_never_judged_by_digits(monkeypatch):
    classifier = cs.load("mnist-relu")
    assert len(pixels_for_judging(classifier, [], 7)) == 7
    monkeypatch.setattr(classifier, "class_names", ["shirt", "shoe", *"abcdefgh"])
    assert len(pixels_for_judging(classifier, [], 7)) == 0


def test_int8_is_refused_where_it_is_not_worth_it(tmp_path, quick, monkeypatch, capsys):
    monkeypatch.setattr(quantizing, "LEAST_SPEED", 1e6)
    assert main(["export", "mnist-lenet5", "--precision", "int8", "--output", str(tmp_path / "a.onnx")]) == 1
    assert "not worth it on this machine" in capsys.readouterr().err and list(tmp_path.iterdir()) == []
    classifier = cs.load("mnist-lenet5")
    model = to_onnx(classifier, "torch.jit.trace")
    with pytest.raises(ConvScopeError, match="needs 200 images of the run's data, and found 0"):
        quantizing.to_int8(model, classifier, np.empty((0, 1, 28, 28), np.uint8))
    # Calibrated on black pictures alone, nothing of a digit fits into the ranges.
    digits = cs.load_data("mnist-5k").splits["test"].images[:100]
    pixels = cs.Preprocess.batch(classifier.preprocess, digits).numpy()
    with pytest.raises(ConvScopeError, match=r"of 100 images another answer, more than 1%"):
        quantizing.to_int8(model, classifier, np.concatenate([np.zeros_like(pixels), pixels]))
