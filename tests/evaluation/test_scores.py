"""Baseline, ranking and means over classes, against scikit-learn; the same for any batch size and worker count."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from convscope import pictures
from convscope.abstention import Abstention
from convscope.evaluation import Evaluation, MultiLabelEvaluation
from convscope.evaluation.evaluate_run import evaluate_bundle
from convscope.evaluation.evaluated_images import EvaluationOptions
from convscope.evaluation.ranking import ranking_per_class, roc_auc
from convscope.evaluation.ranking_curves import precision_recall_curve, ranking_curves, roc_curve
from convscope.evaluation.scores import per_class_figures, trust_figures
from convscope.task import Task


def evaluation_of(n: int = 300, classes: int = 5, unused: int = 0) -> Evaluation:
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, classes - unused, (n,), generator=generator)
    logits = torch.randn(n, classes, generator=generator) + torch.nn.functional.one_hot(labels, classes)
    return Evaluation(
        [f"c{i}" for i in range(classes)], [f"{i}" for i in range(n)], labels, logits.round(decimals=1), 0
    )


def test_the_figures_are_scikit_learns():
    evaluation = evaluation_of()
    found, y = trust_figures(evaluation, Abstention(2.0)), evaluation.labels.numpy()
    p, answers = evaluation.probabilities.double().numpy(), evaluation.predictions.numpy()
    p /= p.sum(1, keepdims=True)
    assert found["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(y, answers))
    theirs = sk.precision_recall_fscore_support(y, answers, average="macro")[:3]
    assert tuple(found["macro"].values()) == pytest.approx(theirs)
    assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr"), abs=1e-5)
    marks = np.eye(5)[y]
    assert found["average_precision"] == pytest.approx(sk.average_precision_score(marks, p), abs=1e-5)
    assert found["log_loss"] == pytest.approx(sk.log_loss(y, p), rel=1e-6)
    assert found["brier"] == pytest.approx(np.square(p - marks).sum(1).mean())
    assert found["majority"]["top1"] == np.bincount(y).max() / 300
    low, high = found["top1_interval"]
    assert low < sk.accuracy_score(y, answers) < high
    assert found["calibration"]["after"]["log_loss"] == pytest.approx(
        sk.log_loss(y, (evaluation.logits.double() / 2).softmax(1).numpy())
    )
    assert found["coverage"][0]["coverage"] == 1.0
    assert found["coverage"][0]["accuracy"] == pytest.approx(sk.accuracy_score(y, answers))


def test_classes_without_images_are_left_out_of_the_means():
    evaluation = evaluation_of(unused=2)
    found, y = trust_figures(evaluation), evaluation.labels.numpy()
    assert found["balanced_accuracy"] == pytest.approx(
        np.mean([(evaluation.predictions.numpy() == y)[y == c].mean() for c in range(3)])
    )
    assert found["calibration"]["after"] is None and found["roc_auc"] is not None
    assert [row["roc_auc"] is None for row in per_class_figures(evaluation)] == [False] * 3 + [True] * 2


def test_ranking_counts_ties_half():
    scores, marks = np.array([0.1, 0.5, 0.5, 0.9]), np.array([False, True, False, True])
    assert roc_auc(scores, marks) == 0.875 == sk.roc_auc_score(marks, scores)
    assert roc_auc(scores, np.ones(4, bool)) is None


@pytest.mark.parametrize(("n", "digits"), [(80, 1), (80, 9), (3000, 9)])
def test_the_curves_are_scikit_learns(n, digits):
    scores = np.random.default_rng(0).random(n).round(digits)
    marks = np.random.default_rng(1).random(n) < scores
    false, true, _ = sk.roc_curve(marks, scores, drop_intermediate=False)
    precision, recall, _ = sk.precision_recall_curve(marks, scores)
    rises = np.flatnonzero(np.diff(recall[::-1]) > 0) + 1  # theirs go from recall 1 to 0
    x, y = recall[::-1][rises], precision[::-1][rises]
    corners = np.c_[np.c_[np.r_[0, x[:-1]], x].ravel(), y.repeat(2)]
    for ours, theirs in ((roc_curve, np.c_[false, true]), (precision_recall_curve, corners)):
        for points in (9 * n, 21):  # all of them, and some
            found = np.array(ours(scores, marks, points))
            assert len(found) <= points and np.allclose(found[[0, -1]], theirs[[0, -1]], atol=1e-5)
            assert all(np.abs(theirs - place).max(1).min() < 1e-5 for place in found)
            if points > n:  # what is left out lies on lines between the others
                on_line = np.interp(theirs[:, 0] + theirs[:, 1], found.sum(1), found[:, 1])
                assert ours is precision_recall_curve or np.allclose(on_line, theirs[:, 1], atol=1e-4)
    assert auc_of(roc_curve(scores, marks)) == pytest.approx(sk.roc_auc_score(marks, scores), abs=0.005)
    steps = precision_recall_curve(scores, marks, 9 * n)
    assert auc_of(steps) == pytest.approx(sk.average_precision_score(marks, scores), abs=1e-4)


def auc_of(curve: list[list[float]]) -> float:
    return float(sk.auc(*np.array(curve).T))


def test_the_mean_curve_is_that_of_the_classes():
    evaluation = evaluation_of(400, classes=4, unused=1)
    p, y = evaluation.probabilities, evaluation.labels
    mean, *classes = ranking_curves(p, y, evaluation.class_names, ranking_per_class(p, y))
    assert mean["label"] is None and sorted(row["label"] for row in classes) == ["c0", "c1", "c2"]
    theirs = [sk.roc_curve(y.numpy() == i, p[:, i].double().numpy())[:2] for i in range(3)]
    x, height = np.array(mean["roc"][1:]).T
    assert np.allclose(height, np.mean([np.interp(x, *pair) for pair in theirs], 0), atol=2e-3)
    assert auc_of(mean["roc"]) == pytest.approx(trust_figures(evaluation)["roc_auc"], abs=0.01)
    assert auc_of(mean["precision_recall"]) == pytest.approx(mean["average_precision"], abs=0.01)
    assert (mean["roc_auc"], mean["average_precision"]) == pytest.approx(
        tuple(trust_figures(evaluation)[area] for area in ("roc_auc", "average_precision"))
    )


def test_two_classes_have_one_roc_area_and_many_stay_small():
    two = evaluation_of(200, classes=2)
    p, y = two.probabilities.double().numpy()[:, 1], two.labels.numpy()
    assert trust_figures(two)["roc_auc"] == pytest.approx(sk.roc_auc_score(y, p), abs=2e-4)  # ties of float32
    many = evaluation_of(2000, classes=200)
    text = json.dumps(trust_figures(many)["curves"])
    assert len(json.loads(text)) == 21 and len(text) < 60_000


def test_several_labels_have_their_form():
    generator = torch.Generator().manual_seed(2)
    logits, labels = torch.randn(60, 3, generator=generator), torch.randint(0, 2, (60, 3), generator=generator)
    found = trust_figures(MultiLabelEvaluation(list("abc"), ["x"] * 60, labels, logits, 0.0, Task.of(True, 3)))
    assert found["brier"] == pytest.approx(np.square(logits.double().sigmoid().numpy() - labels.numpy()).mean())
    assert found["curves"][0]["label"] is None and len(found["curves"]) == 4
    assert found["calibration"]["before"]["smooth_ece"] > found["calibration"]["before"]["smooth_ece_by_chance"]
    assert found["roc_auc"] == pytest.approx(
        sk.roc_auc_score(labels.numpy(), logits.double().sigmoid().numpy(), average="macro"), abs=1e-6
    )


def test_batches_and_workers_change_nothing(tmp_path, digits_run, squares, monkeypatch):
    for old, new in (("dark", "1"), ("bright", "7")):
        (squares / old).rename(squares / new)
    found = []
    for batch, workers in ((256, 1), (7, 3)):
        monkeypatch.setattr(pictures, "MAX_BATCH", batch)
        options = EvaluationOptions(output=str(tmp_path / str(batch)), workers=workers, cache="off")
        found.append(evaluate_bundle(str(digits_run.folder), str(squares), options, disturbed=True))
    first, second = ({k: v for k, v in one.items() if k != "report"} for one in found)
    assert _close(first, second)
    tables = [(tmp_path / str(n)).rglob("predictions_all.csv").__next__().read_text() for n in (256, 7)]
    rows = [[line.split(",")[:3] for line in table.splitlines()] for table in tables]
    assert rows[0] == rows[1] and len(rows[0]) == 49


def _close(a: object, b: object) -> bool:
    """Whether two documents are the same, up to the rounding of sums in another order."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_close(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_close, a, b))
    return a == pytest.approx(b, rel=1e-5, abs=1e-6) if isinstance(a, float) else a == b
