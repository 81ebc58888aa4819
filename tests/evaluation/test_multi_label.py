"""The figures of several labels per image, against scikit-learn, and the choice of thresholds."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from convscope.data.split import Split
from convscope.errors import DataError
from convscope.evaluation import MultiLabelEvaluation
from convscope.evaluation.multi_label import average_precision, choose_thresholds, relabel_marks
from convscope.task import Task


@pytest.fixture
def evaluation() -> MultiLabelEvaluation:
    """Five labels with scores that are right more often than not, many of them equal; no image has the last label."""
    generator = torch.Generator().manual_seed(0)
    labels = (torch.rand(300, 5, generator=generator) < torch.tensor([0.5, 0.3, 0.1, 0.02, 0.0])).to(torch.uint8)
    logits = ((torch.randn(300, 5, generator=generator) + 1.5 * labels - 1) * 4).round() / 4
    names = [f"{i}.png" for i in range(300)]
    return MultiLabelEvaluation(list("abcde"), names, labels, logits, 0.0, Task((0.4, 0.5, 0.3, 0.6, 0.5)))


def test_the_figures_are_scikit_learns(evaluation):
    true, scores = evaluation.labels.numpy(), evaluation.logits.numpy()
    predicted = 1 / (1 + np.exp(-scores.astype(np.float64))) >= evaluation.task.thresholds
    figures, present = evaluation.figures(), [0, 1, 2, 3]
    expected = {
        "n": 300,
        "loss": 0.0,
        "map": sk.average_precision_score(true[:, present], scores[:, present]),
        "micro_f1": sk.f1_score(true, predicted, average="micro"),
        "macro_f1": sk.f1_score(true[:, present], predicted[:, present], average="macro"),
        "subset_accuracy": sk.accuracy_score(true, predicted),
    }
    assert figures == pytest.approx(expected)


def test_the_figures_per_label_are_scikit_learns(evaluation):
    true, predicted = evaluation.labels.numpy(), evaluation.predictions.numpy()
    precision, recall, f1, support = sk.precision_recall_fscore_support(true, predicted, zero_division=0)
    for i, row in enumerate(evaluation.per_class()):
        assert row["support"] == support[i]
        found = (row["precision"], row["recall"], row["f1"])
        if support[i]:
            assert found == pytest.approx((precision[i], recall[i], f1[i]))
            score = sk.average_precision_score(true[:, i], evaluation.logits[:, i].numpy())
            assert row["average_precision"] == pytest.approx(score)
        else:
            assert row["average_precision"] is None and found == (None, None, None)


def test_the_losses_are_scikit_learns(evaluation):
    true, probabilities = evaluation.labels.numpy(), evaluation.logits.double().sigmoid().numpy()
    losses = [sk.log_loss(t, p, labels=[0, 1]) for t, p in zip(true[:20], probabilities[:20], strict=True)]
    np.testing.assert_allclose(evaluation.losses[:20], losses, rtol=1e-4)


def test_average_precision_by_hand():
    # Precision 1/1 at the first of two, 2/3 at the second.
    marks = np.array([True, False, True, False])
    assert average_precision(np.array([4.0, 3.0, 2.0, 1.0]), marks) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(np.zeros(4), marks) == 0.5


def test_no_threshold_has_a_better_f1_than_the_chosen_one(evaluation):
    probabilities = evaluation.probabilities
    task = choose_thresholds(probabilities, evaluation.labels)
    chosen = replace(evaluation, task=task).per_class()
    true = evaluation.labels.numpy()
    for i, row in enumerate(chosen[:4]):
        column = probabilities[:, i].numpy()
        assert row["f1"] == pytest.approx(max(sk.f1_score(true[:, i], column >= value) for value in column))
    assert task.thresholds[4] == 0.5  # no image has this label


def test_thresholds_lie_between_the_probabilities_and_near_one_half():
    probabilities = torch.tensor([[0.9, 0.3, 0.8, 0.2], [0.8, 0.2, 0.7, 0.2], [0.1, 0.05, 0.6, 0.2]])
    labels = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 1], [0, 0, 0, 1]])
    thresholds = choose_thresholds(probabilities, labels).thresholds
    assert thresholds == pytest.approx((0.5, 0.125, 0.75, 0.5))


def test_one_label_against_none_is_the_same_path():
    labels, logits = torch.tensor([[1], [0], [0]]), torch.tensor([[2.0], [-1.0], [1.0]])
    found = MultiLabelEvaluation(["crack"], ["1", "2", "3"], labels, logits, 0.0, Task((0.5,)))
    assert found.figures() == {
        "n": 3, "loss": 0.0, "map": 1.0, "micro_f1": pytest.approx(2 / 3), "macro_f1": pytest.approx(2 / 3),
        "subset_accuracy": pytest.approx(2 / 3),
    }  # fmt: skip
    assert found.worst(5) == [2]


def test_the_table_has_all_labels_and_probabilities(evaluation):
    rows = list(csv.DictReader(io.StringIO(evaluation.table())))
    assert len(rows) == 300
    for i in (0, 7, 299):
        assert rows[i]["label"] == "|".join(c for c, mark in zip("abcde", evaluation.labels[i], strict=True) if mark)
        assert float(rows[i]["probability: b"]) == pytest.approx(float(evaluation.probabilities[i, 1]), abs=1e-6)


def test_label_marks_are_matched_by_name():
    split = Split(np.zeros((2, 3, 3), np.uint8), np.array([[1, 0, 0], [0, 0, 1]], np.uint8), ["1", "2"])
    # A label that no image has need not be known.
    assert relabel_marks(split, ["b", "x", "a"], ["a", "b", "c"]).labels.tolist() == [[0, 1, 0], [1, 0, 0]]
    with pytest.raises(DataError, match="does not know the label 'b'; it knows a, c"):
        relabel_marks(split, ["b", "x", "a"], ["a", "c"])
