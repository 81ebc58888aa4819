"""A bundle of a person's own network without its code: the graph answers, and what needs the code says so."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import convscope as cs
from convscope.abstention import Abstention, Familiar
from convscope.cli import main
from convscope.export.onnx import export
from convscope.export.onnx.export import export_onnx
from convscope.insight import trace
from convscope.onnx_graph import GRAPH, digest_of_bundle
from convscope.serving.network_answering import NetworkAnswering

NEEDED = r"own:Own, whose code is not stored here: give it with --model FILE.py:Own"


class Own(nn.Module):
    """A small network for colour images."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten())
        self.fc = nn.Linear(4 * 4 * 4, 3)

    def forward(self, x):
        return self.fc(self.features(x))


Own.__module__ = "torch.nn."  # as from a notebook: no file is named


@pytest.fixture(scope="module")
def images():
    return list(np.random.default_rng(0).integers(0, 256, (150, 12, 12, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, images):
    torch.manual_seed(0)
    preprocess = cs.Preprocess((3, 12, 12), (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    made = cs.Classifier(Own(), ["a", "b", "c"], preprocess, metrics={"test": {"n": 5, "top1": 0.5}})
    pixels = torch.stack([made.pixels(image) for image in images])
    logits, features = (
        each.detach() for each in (made.logits(pixels), made.network.features(preprocess.normalize(pixels)))
    )
    familiar = Familiar("fc", features[:100].half().float(), 0.0, 0.95)
    farthest = float(familiar.distances(features).quantile(0.5))
    threshold = float((logits / 1.5).softmax(1).amax(1).quantile(0.5))
    made.abstention = Abstention(1.5, threshold, 0.1, 0.9, 200, replace(familiar, farthest=farthest))
    folder = made.save(tmp_path_factory.mktemp("own") / "bundle")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "EXPORTERS", {"torch.jit.trace": False})
        export_onnx(made, folder / GRAPH, made_from=digest_of_bundle(folder))
    return folder


def test_it_answers_as_with_its_code_and_says_what_answers(bundle, images, caplog):
    expected, got = cs.load(bundle, Own), cs.load(bundle)
    assert (expected.runtime, got.runtime) == ("torch", "onnxruntime") and not caplog.text
    assert torch.allclose(got.probabilities(images), expected.probabilities(images), atol=1e-5)
    assert caplog.text.count("its graph answers, since the code of its network, own:Own, was not given") == 1
    refusals, ours = ([result.refusal for result in each.predict_each(images)] for each in (expected, got))
    # The probabilities of two runtimes differ by rounding.
    assert [each and replace(each, probability=0) for each in ours] == [
        each and replace(each, probability=0) for each in refusals
    ]
    probabilities = [[each.probability for each in some if each] for some in (ours, refusals)]
    assert probabilities[0] == pytest.approx(probabilities[1], abs=1e-5)
    assert {refusal.kind if refusal else None for refusal in refusals} == {None, "foreign", "unsure"}
    answers = [each.answer(images[0]).refusal for each in (expected, got)]
    assert answers[0] and answers[1] and answers[0].reason == answers[1].reason
    assert got.class_names == ["a", "b", "c"] and got.metrics == expected.metrics and got.device.type == "cpu"


def test_it_is_evaluated_and_served(bundle, tmp_path, monkeypatch, capsys, images):
    for number, image in enumerate(images[:9]):
        (tmp_path / "photos" / "abc"[number % 3]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / "photos" / "abc"[number % 3] / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    tables = []
    for given in ([], ["--model", f"{__file__}:Own"]):
        assert main(["evaluate", str(bundle), "photos", "--tta", "flip", "--robustness", *given]) == 0
        table = capsys.readouterr().out.split("report  ")[0]
        tables.append(table)
    assert tables[0] == tables[1]
    expected, got = (
        NetworkAnswering(cs.load(bundle, Own)).run(images[:5]),
        NetworkAnswering(cs.load(bundle)).run(images[:5]),
    )
    for name in ("probabilities", "logits", "distances"):
        assert getattr(got, name) == pytest.approx(getattr(expected, name), abs=1e-4)


@pytest.mark.parametrize(
    "ask",
    [
        lambda c, path: cs.explain(c, path / "image.png"),
        lambda c, path: cs.summary(c),
        lambda c, path: cs.show(c),
        lambda c, path: c.save(path / "again"),
        lambda c, path: trace(c.network, torch.zeros(1, 3, 12, 12)),
        lambda c, path: c.network(torch.zeros(1, 3, 12, 12, requires_grad=True)),
        lambda c, path: c.network(torch.full((1, 3, 12, 12), 0.123)),
        lambda c, path: cs.train("digits", c.network, epochs=1, output=path, show=False),
        lambda c, path: export_onnx(c, path / "model.onnx"),
    ],
    ids=["explain", "summary", "show", "save", "trace", "gradient", "no pixels", "train", "export"],
)  # fmt: skip
def test_what_needs_the_code_says_so(bundle, tmp_path, images, ask):
    Image.fromarray(images[0]).save(tmp_path / "image.png")
    with pytest.raises(cs.ModelFileError, match=NEEDED) as raised:
        ask(cs.load(bundle), tmp_path)
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["image.png"]


@pytest.mark.parametrize("words", [["features", "digits", "--output", "f.npz"], ["share"], ["serve", "--port", "0"]])
def test_verbs_that_need_the_code_say_so(bundle, tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    verb, *others = words
    assert main([verb, str(bundle), *others]) == 4
    error = capsys.readouterr().err
    assert "whose code is not stored here" in error and error.count("\n") == 1


def test_a_graph_of_other_weights_is_not_used(bundle, tmp_path):
    changed = shutil.copytree(bundle, tmp_path / "changed")
    (changed / "config.json").write_text((changed / "config.json").read_text().replace('"a"', '"z"'))
    with pytest.raises(cs.ModelFileError, match="was not made from the weights and settings beside it"):
        cs.load(changed)
    (changed / GRAPH).unlink()
    with pytest.raises(cs.ModelFileError, match=NEEDED):
        cs.load(changed)
