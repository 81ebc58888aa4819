"""The figures, against scikit-learn, a hand calculation and a paper's row."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

import convscope as cs
from convscope.data.decoded import Decoded
from convscope.data.preprocess import Preprocess
from convscope.data.split import Split
from convscope.evaluation import Evaluation, evaluate
from convscope.evaluation.metrics import batch_mean_accuracy, relabel, topk_accuracy


@pytest.fixture
def evaluation() -> Evaluation:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 7, (200,), generator=generator)
    logits = torch.randn(200, 7, generator=generator) + 1.5 * torch.nn.functional.one_hot(labels, 7)
    return Evaluation([f"c{i}" for i in range(7)], [f"{i}.png" for i in range(200)], labels, logits, 0.0)


def test_top1_and_top5_are_scikit_learns(evaluation):
    figures = evaluation.figures()
    y, scores = evaluation.labels.numpy(), evaluation.logits.numpy()
    assert figures["top1"] == sk.accuracy_score(y, scores.argmax(1))
    assert figures["top5"] == sk.top_k_accuracy_score(y, scores, k=5)
    assert figures["n"] == 200


def test_more_places_than_classes_is_always_right(evaluation):
    assert topk_accuracy(evaluation.logits[:, :3], evaluation.labels.clamp(max=2), 5) == 1.0


def test_of_equal_logits_the_first_wins():
    labels = torch.arange(10)
    same = torch.zeros(10, 10)
    assert topk_accuracy(same, labels, 1) == 0.1 == float((same.argmax(1) == labels).double().mean())
    assert topk_accuracy(same, labels, 5) == 0.5


def test_nan_is_never_right():
    logits = torch.tensor([[math.nan, 0.0], [0.0, math.nan]])
    assert topk_accuracy(logits, torch.tensor([0, 1]), 1) == 0.0


def test_losses_sum_up_to_log_loss(evaluation):
    expected = sk.log_loss(evaluation.labels.numpy(), evaluation.logits.double().softmax(1).numpy(), labels=range(7))
    assert float(evaluation.losses.mean()) == pytest.approx(expected, rel=1e-5)


def test_per_class_by_hand():
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    answers = torch.tensor([0, 0, 1, 1, 0, 0])
    result = Evaluation(list("abcd"), ["x"] * 6, labels, torch.nn.functional.one_hot(answers, 4).float(), 0.0)
    rows = result.per_class()
    assert rows[0] == {"label": "a", "precision": 0.5, "recall": 2 / 3, "f1": pytest.approx(4 / 7), "support": 3}
    assert rows[1] == {"label": "b", "precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert rows[2] == {"label": "c", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
    assert rows[3] == {"label": "d", "precision": None, "recall": None, "f1": None, "support": 0}
    assert result.confusion() == [[2, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_worst_are_the_most_confident_mistakes(evaluation):
    worst = evaluation.worst(10)
    wrong = [i for i in range(200) if evaluation.predictions[i] != evaluation.labels[i]]
    expected = sorted(wrong, key=lambda i: -float(evaluation.losses[i]))[:10]
    assert worst == expected


def test_the_table_holds_any_name():
    names = ["plain.png", 'quo"te,.png', "new\nline.png", "car\rriage.png"]
    result = Evaluation(["a", "b"], names, torch.tensor([0, 1, 0, 1]), torch.eye(2).repeat(2, 1), 0.0)
    rows = list(csv.DictReader(io.StringIO(result.table(), newline="")))
    assert [row["path"] for row in rows] == names
    assert all(row["label"] == row["prediction"] for row in rows)


def test_mean_of_batches_is_the_tutorials_figure():
    """9,932 hits, of which 16 in the last 16: their table prints 0.99327532 for what is 99.32 %."""
    correct = [True] * 9916 + [False] * 68 + [True] * 16
    assert sum(correct) == 9932
    assert batch_mean_accuracy(correct, 128) == pytest.approx(0.99327532, abs=1e-8)


def test_classes_are_matched_by_name():
    split = Split(np.zeros((3, 2, 2), np.uint8), np.array([0, 1, 0]), ["x", "y", "z"])
    assert relabel(split, ["dog", "cat"], ["bird", "cat", "dog"]).labels.tolist() == [2, 1, 2]
    with pytest.raises(cs.DataError, match="does not know the class 'cow'; it knows bird"):
        relabel(split, ["dog", "cow"], ["bird", "dog"])
    # A class without an image in the split does no harm.
    assert relabel(split.take([0]), ["dog", "cow"], ["dog"]).labels.tolist() == [0]


def test_evaluation_changes_nothing_and_counts_every_image_once():
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.BatchNorm1d(16), torch.nn.Dropout(), torch.nn.Linear(16, 3)
    )
    before = {k: v.clone() for k, v in network.state_dict().items()}
    pixels = torch.randint(0, 256, (700, 1, 4, 4)).to(torch.uint8)
    decoded = Decoded(pixels, torch.arange(700) % 3, [str(i) for i in range(700)], [], [])
    result = evaluate(network.train(), decoded, Preprocess((1, 4, 4)), ["a", "b", "c"])
    assert len(result.logits) == 700
    torch.testing.assert_close(result.logits, network(Preprocess((1, 4, 4)).normalize(pixels)).detach())
    assert all(v.equal(before[k]) for k, v in network.state_dict().items())
