"""The figures by which a classifier can be trusted: intervals, the majority baseline, ranking and calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..abstention import Abstention, Refusal
from .calibration import calibration_figures, coverage_curve, reliability_figures
from .metrics import Evaluation, topk_accuracy
from .multi_label import MultiLabelEvaluation
from .proportion import wilson_interval
from .ranking import brier_score, mean_of, ranking_per_class
from .ranking_curves import ranking_curves


def trust_figures(
    evaluation: Evaluation | MultiLabelEvaluation,
    abstention: Abstention | None = None,
    refusals: Sequence[Refusal | None] | None = None,
) -> dict[str, Any]:
    """Return the figures beside accuracy and loss, for `--json` and the report; undefined ones are None.

    `abstention` is what the classifier's bundle stores; without a temperature there is no calibration after it.
    `refusals` say which of the images it would not answer.
    """
    abstention = abstention or Abstention()
    temperature = abstention.temperature
    ranking = ranking_per_class(evaluation.probabilities, evaluation.labels)
    areas = {"roc_auc": mean_of(ranking, "roc_auc"), "average_precision": mean_of(ranking, "average_precision")}
    brier = brier_score(evaluation.probabilities, evaluation.labels)
    curves = ranking_curves(evaluation.probabilities, evaluation.labels, evaluation.class_names, ranking)
    if isinstance(evaluation, MultiLabelEvaluation):
        right = (evaluation.predictions == evaluation.labels.bool()).all(1)
        return {
            **_of_several_labels(evaluation, right),
            "roc_auc": areas["roc_auc"],
            "brier": brier,
            "curves": curves,
            "unknown": None if abstention == Abstention() else _stored(abstention, right, refusals),
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
        "curves": curves,
        "unknown": None if abstention == Abstention() else _stored(abstention, correct, refusals),
    }


def _of_several_labels(evaluation: MultiLabelEvaluation, right: torch.Tensor) -> dict[str, Any]:
    """Return what is measured of several labels per image in another way than of one class.

    Calibration is that of all labels together: how often a label is there of which the probability is said. `right`
    are the images whose labels are all right.
    """
    pooled = reliability_figures(evaluation.probabilities.flatten(), evaluation.labels.flatten().bool())
    return {
        "subset_accuracy_interval": list(wilson_interval(int(right.sum()), len(right))),
        "log_loss": float(evaluation.losses.double().mean()),
        "calibration": {"before": pooled, "after": None},
    }


def _stored(abstention: Abstention, correct: torch.Tensor, refusals: Sequence[Refusal | None] | None) -> dict[str, Any]:
    """Return when a bundle says "unknown", for programs and the report; `here` is what it does on these images."""
    stored = {name: getattr(abstention, name) for name in ("threshold", "risk", "answered", "n", "note")}
    stored["kept"] = abstention.familiar.kept if abstention.familiar else None
    if refusals is None:
        return {**stored, "here": None}
    kinds = [refusal.kind if refusal else "" for refusal in refusals]
    answered = torch.tensor([not kind for kind in kinds])
    here = {kind: kinds.count(kind) / len(kinds) for kind in ("foreign", "unsure")}
    right = float(correct[answered].double().mean()) if answered.any() else None
    return {**stored, "here": {"answered": float(answered.double().mean()), **here, "top1": right}}


def refusals_of(
    abstention: Abstention, evaluation: Evaluation | MultiLabelEvaluation, features: Sequence[torch.Tensor]
) -> list[Refusal | None] | None:
    """Return for every image why it would not be answered; None if nothing is ever refused. Features by batch."""
    if not abstention.refuses:
        return None
    distances: list[float | None] = [None] * len(evaluation.labels)
    if abstention.familiar is not None:
        distances = [far for batch in features for far in abstention.familiar.distances(batch).tolist()]
    pairs = zip(evaluation.logits, distances, strict=True)
    return [abstention.refusal(logits, distance, evaluation.class_names) for logits, distance in pairs]


def majority(evaluation: Evaluation) -> dict[str, Any]:
    """Return the most frequent class, `label`, and the accuracy `top1` of always naming it."""
    counts = torch.bincount(evaluation.labels, minlength=len(evaluation.class_names))
    best = int(counts.argmax())
    return {"label": evaluation.class_names[best], "top1": float(counts[best]) / len(evaluation.labels)}


def per_class_figures(evaluation: Evaluation | MultiLabelEvaluation) -> list[dict[str, Any]]:
    """Return the figures of every class, those of its ranking among them."""
    ranking = ranking_per_class(evaluation.probabilities, evaluation.labels)
    return [{**row, **ranked} for row, ranked in zip(evaluation.per_class(), ranking, strict=True)]
