"""Sets of classes: they hold the true class as often as they promise, and are those of MAPIE."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import BaseEstimator, ClassifierMixin

import convscope as cs
from convscope.abstention import Abstention, abstention_of
from convscope.cli import main
from convscope.evaluation import Evaluation
from convscope.evaluation.set_figures import set_figures
from convscope.label_sets import MOST_STORED, NEAR, LabelSets, members
from convscope.ranking import SetPrediction, best


def drawn(n: int, seed: int, classes: int = 6, sharpness: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from probabilities, and probabilities that claim more than that."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, classes, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator).flatten()
    return (sharpness * logits).softmax(1).numpy(), labels.numpy()


@pytest.mark.parametrize(("n", "coverage"), [(100, 0.9), (250, 0.75), (3000, 0.95)])
def test_sets_hold_the_true_class_as_often_as_they_promise(n, coverage):
    """Over 200 splits of held-out and new images: on average between the coverage and 1 / (n + 1) more."""
    found = []
    for seed in range(200):
        p, y = drawn(n + 300, seed)
        least = LabelSets.of(p[np.arange(n), y[:n]]).least(coverage)
        found.append(members(p[n:], least)[np.arange(300), y[n:]].mean())
    error = np.std(found) / np.sqrt(200)
    # The likeliest class is in every set, which here hardly ever adds one; of 3,000 every third is stored.
    assert coverage - 3 * error <= np.mean(found) <= coverage + 1 / n + 0.001 + 3 * error


class Given(ClassifierMixin, BaseEstimator):
    """A classifier that answers with the probabilities that it is given."""

    def __init__(self) -> None:
        self.classes_ = np.arange(6)

    def fit(self, x, y):
        return self

    def predict_proba(self, x):
        return x

    def predict(self, x):
        return x.argmax(1)

    def __sklearn_is_fitted__(self):
        return True


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.97])
def test_the_sets_are_mapies(coverage):
    from mapie.classification import SplitConformalClassifier

    p, y = drawn(700, 1)
    p = p.astype(np.float64) / p.sum(1, keepdims=True)
    theirs = SplitConformalClassifier(Given(), confidence_level=coverage, conformity_score="lac", prefit=True)
    theirs.conformalize(p[:200], y[:200])
    expected = theirs.predict_set(p[200:])[1][:, :, 0]
    found = members(p[200:], LabelSets.of(p[np.arange(200), y[:200]]).least(coverage))
    expected[np.arange(500), p[200:].argmax(1)] = True  # ours always have the likeliest
    assert (found == expected).all() and 1 <= found.sum(1).min() < found.sum(1).max()


def test_the_limit_by_hand():
    sets = LabelSets.of([0.9, 0.5, 0.8, 0.1, 0.7, 0.6, 0.2, 0.3, 0.4])
    assert sets.n == 9 and sets.most == 0.9
    # 8 of (9 + 1) must reach it: the eighth largest. With 9 images 90 % is the most that can be promised.
    assert sets.least(0.8) == pytest.approx(0.2 * (1 - NEAR)) and sets.least(0.9) == pytest.approx(0.1 * (1 - NEAR))
    assert sets.least(0.91) is None
    many = np.linspace(1, 0, 2500)
    thinned = LabelSets.of(many)
    assert len(thinned.probabilities) == MOST_STORED and thinned.n == 2500
    for coverage in (0.3, 0.9, 0.9995):
        exact = many[int(np.ceil(2501 * coverage)) - 1]
        assert exact - 0.0012 <= thinned.least(coverage) <= exact  # never a promise that does not hold


def test_a_set_has_the_likeliest_class_and_more_than_asked_for():
    rows = best(np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]]), list("abc"), None, 1, 0.25)
    assert rows[0] == [SetPrediction("a", 0.5, 0, True), SetPrediction("b", 0.3, 1, True)]
    assert rows[1] == [SetPrediction("c", 0.6, 2, True)]
    assert not members(np.array([[0.1, 0.2]]), 0.9)[0, 0] and members(np.array([[0.1, 0.2]]), 0.9)[0, 1]


def test_what_is_measured_by_hand():
    p = torch.tensor([[0.6, 0.4]] * 10 + [[0.9, 0.1]] * 10)
    labels = torch.tensor([0] * 8 + [1] * 2 + [0] * 5 + [1] * 5)
    evaluation = Evaluation(["a", "b"], ["x"] * 20, labels, p.log(), 0.0)
    found = set_figures(evaluation, Abstention(sets=LabelSets.of([0.3] * 19)), 0.9)
    assert (found["covered"], found["mean_size"], found["single"], found["largest"]) == (0.75, 1.5, 0.5, 2)
    assert found["least_covered"] == {"label": "a", "covered": 1.0, "support": 13}
    assert found["held_out"] == 19 and found["interval"][0] < 0.75 < found["interval"][1]


@pytest.mark.parametrize(
    ("coverage", "abstention", "reason"),
    [
        (1.0, Abstention(), "must lie between 0 and 1"),
        (0.9, Abstention(), "its bundle holds none: train it again"),
        (0.9, Abstention(note="60 validation images are too few"), "60 validation images are too few"),
        (0.999, Abstention(sets=LabelSets.of([0.5] * 100)), "need 999 held-out images, and this classifier had 100"),
    ],
)
def test_what_cannot_be_promised_is_said_in_one_line(coverage, abstention, reason):
    with pytest.raises(cs.UsageError, match=reason) as caught:
        abstention.least_of_sets(coverage)
    assert "\n" not in str(caught.value) and abstention.least_of_sets(None) is None


@pytest.mark.parametrize(
    "sets",
    [
        [], {"n": 0, "probabilities": []}, {"n": True, "probabilities": [1.0]}, {"n": 2, "probabilities": [0.5]},
        {"n": 2, "probabilities": [0.4, 0.5]}, {"n": 1, "probabilities": [float("nan")]}, {"n": 1}, "x",
        {"n": 1, "probabilities": ["1"]}, {"n": 1, "probabilities": [1.5]},
    ],
)  # fmt: skip
def test_nonsense_in_a_bundle_is_named(sets):
    config = {"temperature": 1.5, "threshold": 0.5, "abstention": {"risk": 0.01, "answered": 1.0, "n": 100}}
    assert abstention_of(config).sets is None
    with pytest.raises(cs.ModelFileError, match="abstention: sets"):
        abstention_of({**config, "abstention": {**config["abstention"], "sets": sets}})


def test_a_training_stores_them_and_every_way_of_asking_gives_the_same(digits_run, tmp_path, capsys):
    classifier = digits_run.classifier
    assert classifier.abstention.sets.n == 134 == classifier.abstention.n
    assert cs.load(classifier.save(tmp_path / "copy")).abstention.sets == classifier.abstention.sets
    images = cs.load_data("digits").splits["test"].images[:40]
    rows = classifier.predict(list(images), topk=1, set_coverage=0.99)
    assert {type(p) for row in rows for p in row} == {SetPrediction} and all(row[0].in_set for row in rows)
    assert max(map(len, rows)) > 1  # more than asked for, where the set has more
    assert [result.predictions for result in classifier.predict_each(list(images), 1, 0.99)] == rows
    longest = max(range(40), key=lambda i: len(rows[i]))
    Image.fromarray(np.asarray(images[longest]).squeeze()).save(tmp_path / "one.png")
    expected = [p.label for p in rows[longest] if p.in_set]

    def printed(*words: object, code: int = 0) -> str:
        assert main([str(word) for word in words]) == code
        out = capsys.readouterr()
        return out.err if code else out.out

    ask = ["predict", str(digits_run.folder), str(tmp_path / "one.png"), "--topk", "1", "--set-coverage"]
    row = json.loads(printed(*ask, "0.99", "--json"))["predictions"][0]
    assert [entry["label"] for entry in row["set"]] == expected
    assert len(row["topk"]) == 1 and row["set_coverage"] == 0.99
    header, line = printed(*ask, "0.99", "--format", "csv").splitlines()
    assert dict(zip(header.split(","), line.split(","), strict=True))["set"] == "|".join(expected)
    assert f"99 % set: {', '.join(expected[:5])}" in printed(*ask, "0.99")
    refused = printed(*ask, "0.9999", code=2)
    assert "need 9,999 held-out images, and this classifier had 134" in refused
    words = ["evaluate", str(digits_run.folder), "--set-coverage", "0.9", "--output", str(tmp_path), "--json"]
    sets = json.loads(printed(*words))["sets"]
    assert sets["covered"] >= 0.85 and sets["held_out"] == 134 and 1 <= sets["mean_size"] <= sets["largest"]
