"""The figures by which a classifier can be trusted: intervals, the majority baseline, ranking and calibration."""

from __future__ import annotations

from typing import Any

import torch

from .calibration import calibration_figures, coverage_curve
from .metrics import Evaluation, topk_accuracy
from .multi_label import MultiLabelEvaluation
from .proportion import wilson_interval
from .ranking import brier_score, mean_of, ranking_per_class


def trust_figures(evaluation: Evaluation | MultiLabelEvaluation, temperature: float | None = None) -> dict[str, Any]:
    """Return the figures beside accuracy and loss, for `--json` and the report; undefined ones are None.

    `temperature` is the one fitted on the validation images; without it there is no calibration after it.
    """
    ranking = ranking_per_class(evaluation.probabilities, evaluation.labels)
    areas = {"roc_auc": mean_of(ranking, "roc_auc"), "average_precision": mean_of(ranking, "average_precision")}
    brier = brier_score(evaluation.probabilities, evaluation.labels)
    if isinstance(evaluation, MultiLabelEvaluation):
        right = (evaluation.predictions == evaluation.labels.bool()).all(1)
        interval = wilson_interval(int(right.sum()), len(right))
        log_loss = float(evaluation.losses.double().mean())
        return {
            "subset_accuracy_interval": list(interval),
            "roc_auc": areas["roc_auc"],
            "log_loss": log_loss,
            "brier": brier,
        }
    n = len(evaluation.labels)
    rows = [row for row in evaluation.per_class() if row["support"]]
    before = calibration_figures(evaluation.logits, evaluation.labels)
    after = None if temperature is None else calibration_figures(evaluation.logits, evaluation.labels, temperature)
    scaled = (evaluation.logits.double() / (temperature or 1.0)).softmax(1)
    correct = evaluation.predictions == evaluation.labels
    return {
        **{
            f"top{k}_interval": list(
                wilson_interval(round(topk_accuracy(evaluation.logits, evaluation.labels, k) * n), n)
            )
            for k in (1, 5)
        },
        "majority": majority(evaluation),
        "balanced_accuracy": mean_of(rows, "recall"),
        "macro": {figure: mean_of(rows, figure) for figure in ("precision", "recall", "f1")},
        **areas,
        "log_loss": before["log_loss"],
        "brier": brier,
        "ece": before["ece"],
        "calibration": {"before": before, "after": after},
        "coverage": coverage_curve(scaled.max(1).values, correct),
    }


def majority(evaluation: Evaluation) -> dict[str, Any]:
    """Return the most frequent class, `label`, and the accuracy `top1` of always naming it."""
    counts = torch.bincount(evaluation.labels, minlength=len(evaluation.class_names))
    best = int(counts.argmax())
    return {"label": evaluation.class_names[best], "top1": float(counts[best]) / len(evaluation.labels)}


def per_class_figures(evaluation: Evaluation | MultiLabelEvaluation) -> list[dict[str, Any]]:
    """Return the figures of every class, those of its ranking among them."""
    ranking = ranking_per_class(evaluation.probabilities, evaluation.labels)
    return [{**row, **ranked} for row, ranked in zip(evaluation.per_class(), ranking, strict=True)]
