"""How well a class's probabilities rank its images above the others: areas under ROC and precision-recall curves."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .multi_label import average_precision


def roc_auc(scores: np.ndarray, marks: np.ndarray) -> float | None:
    """Return the area under the ROC curve of scores N for marks N (bool), ties counting half; None without both kinds.

    It is the share of pairs of an image with the mark and one without in which the first has the higher score.
    """
    positive = int(marks.sum())
    negative = len(marks) - positive
    if not positive or not negative:
        return None
    # Ranks from 1, equal scores sharing the mean of theirs (Mann-Whitney).
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[place][marks].sum() - positive * (positive + 1) / 2) / (positive * negative))


def ranking_per_class(probabilities: Tensor, labels: Tensor) -> list[dict[str, float | None]]:
    """Return `roc_auc` and `average_precision` of each class against the others; None where they are undefined.

    `probabilities` are N x classes; `labels` are N, or label marks N x classes.
    """
    scores = probabilities.double().numpy()
    rows: list[dict[str, float | None]] = []
    for i in range(scores.shape[1]):
        marks = marks_of(labels, i)
        precision = average_precision(scores[:, i], marks) if marks.any() else None
        rows.append({"roc_auc": roc_auc(scores[:, i], marks), "average_precision": precision})
    return rows


def marks_of(labels: Tensor, i: int) -> np.ndarray:
    """Return which images have class `i`, N (bool); `labels` are N, or label marks N x classes."""
    return (labels == i).numpy() if labels.ndim == 1 else labels[:, i].bool().numpy()


def mean_of(rows: list[dict[str, Any]], figure: str) -> float | None:
    """Return the mean of a figure over the classes for which it is defined; None if it is for none."""
    values = [row[figure] for row in rows if row[figure] is not None]
    return float(np.mean(values)) if values else None


def brier_score(probabilities: Tensor, labels: Tensor) -> float:
    """Return the mean over images of the squared distance between probabilities and truth, 0 (best) to 2 (Brier 1950).

    `labels` are N; of label marks N x classes it is the mean over the labels too, 0 to 1.
    """
    if labels.ndim == 2:
        return float((probabilities.double() - labels.double()).square().mean())
    truth = torch.nn.functional.one_hot(labels, probabilities.shape[1]).double()
    return float((probabilities.double() - truth).square().sum(1).mean())
