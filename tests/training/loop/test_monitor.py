"""The figures by which the best epoch can be chosen."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score

import convscope as cs
from convscope.evaluation import Evaluation
from convscope.training.loop.monitor import check_monitor, monitored_figure


def test_figures_are_those_of_scikit_learn():
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(200, 3, generator=generator), torch.randint(3, (200,), generator=generator)
    result, predicted = Evaluation(["a", "b", "c"], [""] * 200, labels, logits, 1.0), logits.argmax(1)
    assert monitored_figure("val/macro_f1", result) == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert monitored_figure("val/balanced_top1", result) == pytest.approx(balanced_accuracy_score(labels, predicted))
    recalls = recall_score(labels, predicted, average=None)
    assert monitored_figure("val/recall:b", result) == pytest.approx(recalls[1])


@pytest.mark.parametrize("monitor", ["val/recall:x", "val/speed", "val/map", "train/loss", "recall:a"])
def test_a_figure_that_there_is_not_is_one_line(monitor):
    with pytest.raises(cs.UsageError, match="monitor "):
        check_monitor(monitor, ["a", "b"], False)


@pytest.mark.parametrize("monitor", ["val/macro_f1", "val/balanced_top1", "val/recall:3"])
def test_a_training_chooses_its_epoch_by_it(tmp_path, monitor):
    options = {"precision": "float32", "layout": "contiguous", "batch_size": 128, "epochs": 2, "show": False}
    run = cs.train("digits", "softmax_regression", monitor=monitor, output=tmp_path, **options)
    figures = [row[monitor] for row in run.history]
    assert run.metrics["best_epoch"] == (2 if figures[1] >= figures[0] else 1)
