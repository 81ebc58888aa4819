"""Classical heads answer as scikit-learn does, survive saving, and learn from a trained network's features."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import convscope as cs
from convscope.data.decoded import decode_split
from convscope.evaluation.features import features_of
from convscope.models.tools.classical_head import HEADS
from convscope.training.fit_head import fit_head

SAME = {
    "logistic": lambda: LogisticRegression(max_iter=1000),
    "svm": lambda: LinearSVC(C=0.01, dual="auto", max_iter=5000, random_state=0),
    "knn": lambda: KNeighborsClassifier(5, algorithm="brute"),
    "tree": lambda: DecisionTreeClassifier(min_samples_leaf=2, random_state=0),
}


@pytest.fixture(scope="module")
def parts(digits_run):
    data = cs.load_data("digits")
    return {name: decode_split(split, digits_run.classifier.preprocess) for name, split in data.splits.items()}


@pytest.mark.parametrize("kind", HEADS)
def test_a_head_answers_as_scikit_learn(kind, digits_run, parts):
    classifier = cs.load(digits_run.folder)
    network, preprocess, depths = classifier.network, classifier.preprocess, ["features.2", "penultimate"]
    whole, settings = fit_head(network, kind, depths, parts["train"], preprocess, 10, seed=0)
    train, test = (
        features_of(network, depths, parts[name], preprocess, torch.device("cpu")) for name in ("train", "test")
    )
    mean, scale = train.mean(0), train.std(0, unbiased=False).clamp_min(1e-6)
    train, test = (((x - mean) / scale).numpy() for x in (train, test))
    assert train.shape[1] == settings["width"] == 6 + 84
    theirs = SAME[kind]().fit(train, parts["train"].labels.numpy())
    with torch.no_grad():
        logits = whole(preprocess.normalize(parts["test"].pixels))
    np.testing.assert_array_equal(logits.argmax(1).numpy(), theirs.predict(test))
    if kind == "svm":
        np.testing.assert_allclose(logits, theirs.decision_function(test), atol=1e-3)
    else:
        np.testing.assert_allclose(logits.softmax(1), theirs.predict_proba(test), atol=1e-4)


@pytest.mark.parametrize("kind", ["logistic", "svm"])
def test_two_classes_are_told_apart_both_ways(kind, digits_run, parts):
    classifier = cs.load(digits_run.folder)
    two = parts["train"].labels < 2
    few = type(parts["train"])(parts["train"].pixels[two], parts["train"].labels[two], [], [], [])
    whole, _ = fit_head(classifier.network, kind, [], few, classifier.preprocess, 2, seed=0)
    with torch.no_grad():
        answers = whole(classifier.preprocess.normalize(few.pixels)).argmax(1)
    assert (answers == few.labels).float().mean() > 0.98


def test_a_run_with_a_head_is_a_classifier_like_any_other(digits_run, tmp_path):
    options = {"from_run": str(digits_run.folder), "freeze": True, "output": tmp_path, "show": False}
    run = cs.train("digits", head="knn", **options)
    assert run.metrics["test"]["top1"] > 0.93
    again = cs.load(run.folder)
    image = cs.load_data("digits").splits["test"].images[0]
    assert again.predict(image) == run.classifier.predict(image)
    assert again.predict(image)[0].probability >= 0.2


def test_a_head_that_cannot_be_is_refused(digits_run, tmp_path):
    options = {"from_run": str(digits_run.folder), "freeze": True, "output": tmp_path, "show": False}
    with pytest.raises(cs.UsageError, match=r"no layer 'features.22' .*features\.2"):
        cs.train("digits", head="svm", features="features.22", **options)
    with pytest.raises(cs.UsageError, match="head must be one of own, svm"):
        cs.train("digits", head="forest", **options)
    with pytest.raises(cs.UsageError, match="features are for a classical head"):
        cs.train("digits", features="features.2", **options)
    for wrong in ({}, {"kind": "svm"}, {"kind": "svm", "depths": ["penultimate"], "last": ["x"], "width": 3}, 7):
        with pytest.raises(cs.UsageError, match=r"head|layer"):
            cs.create_model("lenet_relu", num_classes=10, head=wrong)
