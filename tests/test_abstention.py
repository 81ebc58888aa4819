"""When a bundle says "unknown": what it stores and reads back, and that a photo is no digit."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import convscope as cs
from convscope.abstention import FEATURES_FILE, Abstention, Familiar, InputsOf, Refusal, abstention_of
from convscope.errors import UsageError


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    data = pytest.importorskip("skimage.data")
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


@pytest.mark.parametrize("name", ["mnist-lenet5", "mnist-relu"])
def test_a_photo_is_no_digit_and_digits_are(name, photo):
    classifier = cs.load(name)
    assert classifier.answer(photo).refusal == Refusal("foreign", "close to no class")
    split = cs.load_data("mnist-5k").splits["test"]
    results = list(classifier.predict_each(split.images[:200]))
    kept = [result.refusal is None for result in results]
    assert 0.85 < np.mean(kept) < 1
    assert classifier.refusal(classifier.pixels(split.images[0])) == results[0].refusal


def test_unsure_answers_name_the_two_classes():
    abstention, names = Abstention(temperature=2.0, threshold=0.8), ["3", "8", "9"]
    # softmax([2, 1, 0] / 2) is 0.506 for the first.
    refusal = abstention.refusal(torch.tensor([2.0, 1.0, 0.0]), None, names)
    assert refusal is not None and refusal.probability == pytest.approx(0.506, abs=5e-4)
    assert (refusal.kind, refusal.reason, refusal.between) == ("unsure", "between 3 and 8", ("3", "8"))
    assert abstention.refusal(torch.tensor([9.0, 1.0, 0.0]), None, names) is None
    assert Abstention().refusal(torch.zeros(3), 5.0, names) is None and not Abstention().refuses


def test_the_distance_is_that_to_the_fifth_neighbour():
    features = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    familiar = Familiar("1", features, 1.0, 0.95)
    rows = torch.randn(7, 6)
    expected = np.sort(np.linalg.norm(rows.numpy()[:, None] - features.numpy()[None], axis=2), axis=1)[:, 4]
    assert np.allclose(familiar.distances(rows), expected, atol=1e-5)
    nearer = Abstention(familiar=familiar)
    assert nearer.refusal(torch.zeros(2), 0.9, ["a", "b"]) is None
    assert nearer.refusal(torch.zeros(2), 1.1, ["a", "b"]) == nearer.refusal(torch.zeros(2), math.nan, ["a", "b"])


def test_the_inputs_of_a_layer_are_kept():
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    inputs, images = InputsOf(network, "2"), torch.randn(3, 1, 8, 8)
    assert torch.equal(inputs(images), network(images))
    assert torch.allclose(inputs.features, network[:2](images).mean((2, 3)))


def test_a_bundle_stores_it_and_older_ones_have_none(tmp_path):
    classifier = cs.load("mnist-relu")
    folder = classifier.save(tmp_path / "copy")
    again = cs.load(folder).abstention
    assert torch.equal(again.familiar.features, classifier.abstention.familiar.features)
    assert (again.temperature, again.threshold, again.risk) == (
        classifier.abstention.temperature, classifier.abstention.threshold, classifier.abstention.risk,
    )  # fmt: skip
    config = json.loads((folder / "config.json").read_text())
    del config["abstention"]  # as bundles were: a temperature and threshold that nobody fitted
    (folder / "config.json").write_text(json.dumps(config | {"temperature": 1.0, "threshold": 0.0}))
    assert cs.load(folder).abstention == Abstention()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"abstention": []}, "holds no settings"),
        ({"temperature": "hot"}, "temperature must be a number"),
        ({"threshold": 2}, "threshold must be a number from 0 to 1"),
        ({"temperature": math.nan}, "temperature must be a number"),
    ],
)
def test_nonsense_is_named(change, message):
    config = {"temperature": 1.5, "threshold": 0.5, "abstention": {"risk": 0.01, "answered": 1.0, "n": 100}}
    assert abstention_of(config).threshold == 0.5
    with pytest.raises(cs.ModelFileError, match=message):
        abstention_of(config | change)


def test_a_damaged_file_of_features_is_refused(tmp_path):
    folder = cs.load("mnist-relu").save(tmp_path / "copy")
    content = (folder / FEATURES_FILE).read_bytes()
    for damaged in (b"", content[:-50], content + bytes(50_000)):
        (folder / FEATURES_FILE).write_bytes(damaged)
        with pytest.raises(cs.ModelFileError, match="familiar"):
            cs.load(folder)
    (folder / FEATURES_FILE).unlink()
    with pytest.raises(cs.ModelFileError, match="missing"):
        cs.load(folder)


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (
            Abstention(note="60 validation images are too few"),
            "It names one of its classes whatever the picture shows.",
        ),
        (Abstention(2.0, 0.8, 0.01, 0.9, 100), 'It says "unknown" of pictures that are between two.'),
    ],
)
def test_the_model_card_promises_what_the_bundle_holds(stored, said, tmp_path):
    relu = cs.load("mnist-relu")
    about = (relu.preprocess, relu.architecture, relu.model_args)
    copy = cs.Classifier(relu.network, relu.class_names, *about, abstention=stored)
    assert said in (copy.save(tmp_path / "copy") / "README.md").read_text(encoding="utf-8")


def test_why_there_are_no_sets_of_classes_is_not_why_there_is_no_threshold():
    few = Abstention(note="120 validation images are too few")
    older = Abstention(temperature=1.2, n=134, note="no threshold was found")
    with pytest.raises(UsageError, match="gives no sets of classes: 120 validation images are too few"):
        few.least_of_sets(0.9)
    with pytest.raises(UsageError, match="gives no sets of classes: its bundle holds none: train it again"):
        older.least_of_sets(0.9)
