"""ROC and precision-recall curves: of each class against the others, and the mean of the classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from .ranking import marks_of, mean_of

# Points of a curve, digits of their places, and classes that have a curve; of more those that are told apart worst.
POINTS, DIGITS, MOST_CLASSES = 51, 5, 20
AREAS = ("roc_auc", "average_precision")
Curve = list[list[float]]


def roc_curve(scores: np.ndarray, marks: np.ndarray, points: int = POINTS) -> Curve:
    """Return up to `points` pairs of false and true positive rate, by descending threshold, from (0, 0) to (1, 1).

    Scores and marks (bool, both kinds) are N. All pairs are of the whole curve: the further apart two of its places
    are, the more of those between them are kept.
    """
    false, true = _rates(*_counts(scores, marks))
    return _thinned(false, true, false + true, points)


def precision_recall_curve(scores: np.ndarray, marks: np.ndarray, points: int = POINTS) -> Curve:
    """Return up to `points` pairs of recall and precision, by rising recall, each where the recall rises.

    The precision holds from the recall of the pair before up to its own: the area under these steps is the average
    precision, where straight lines would promise more (Davis & Goadrich 2006).
    """
    recall, precision = _steps(*_counts(scores, marks))
    return _thinned(recall, precision, recall, points)


def ranking_curves(
    probabilities: Tensor, labels: Tensor, class_names: list[str], per_class: list[dict[str, float | None]]
) -> list[dict[str, Any]]:
    """Return rows of `label`, the curves `roc` and `precision_recall`, and the areas `roc_auc` and `average_precision`.

    The first row is the mean of all classes, whose label is None; then come the classes with the lowest average
    precision, at most 20, the lowest first. Probabilities N x classes, labels N or marks N x classes; `per_class` is
    from `ranking_per_class`. Empty if no class has images and others.
    """
    scores = np.asfortranarray(probabilities.double().numpy())
    known = [i for i, row in enumerate(per_class) if row["roc_auc"] is not None]
    if not known:
        return []
    # Close together where good classifiers differ: few false alarms, nearly all found.
    grid = np.linspace(0, 1, POINTS) ** 2
    true, precision = np.zeros(POINTS), np.zeros(POINTS)
    for i in known:
        counts = _counts(scores[:, i], marks_of(labels, i))
        true += np.interp(grid, *_rates(*counts))
        recall, exact = _steps(*counts)
        precision += exact[np.searchsorted(recall, np.minimum(1 - grid[::-1], recall[-1]) - 1e-12)]
    mean = {
        "label": None,
        **{area: mean_of([per_class[i] for i in known], area) for area in AREAS},
        "roc": _pairs(np.r_[0, grid], np.r_[0, true / len(known)]),
        "precision_recall": _pairs(1 - grid[::-1], precision / len(known)),
    }
    order = sorted(known, key=lambda i: per_class[i]["average_precision"] or 0.0)[:MOST_CLASSES]
    rows = [{"label": class_names[i], **per_class[i], **_curves(scores[:, i], marks_of(labels, i))} for i in order]
    return [mean, *rows]


def _curves(scores: np.ndarray, marks: np.ndarray) -> dict[str, Curve]:
    return {"roc": roc_curve(scores, marks), "precision_recall": precision_recall_curve(scores, marks)}


def _counts(scores: np.ndarray, marks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many images are accepted, and how many of them have the mark, at each threshold from the highest."""
    order = np.argsort(-scores)
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    return last + 1, np.cumsum(marks[order])[last]


def _rates(accepted: np.ndarray, hits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the false and the true positive rate at every threshold, the first accepting nothing."""
    false = accepted - hits
    return np.r_[0, false / max(int(false[-1]), 1)], np.r_[0, hits / max(int(hits[-1]), 1)]


def _steps(accepted: np.ndarray, hits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return recall and precision at the thresholds at which the recall rises."""
    rises = np.diff(hits, prepend=0) > 0
    return hits[rises] / max(int(hits[-1]), 1), hits[rises] / accepted[rises]


def _thinned(x: np.ndarray, y: np.ndarray, along: np.ndarray, points: int) -> Curve:
    """Return pairs of x and y at about evenly spaced places of `along`, which does not fall; all if there are few."""
    chosen = np.arange(len(x))
    if len(x) > points:
        wanted = np.linspace(along[0], along[-1], points)
        chosen = np.unique(np.r_[0, np.searchsorted(along, wanted[1:-1] - 1e-12), len(x) - 1])
    return _pairs(x[chosen], y[chosen])


def _pairs(x: np.ndarray, y: np.ndarray) -> Curve:
    return np.c_[x, y].round(DIGITS).tolist()
