"""ROC and precision-recall curves: of each class against the others, and the mean of the classes."""

from __future__ import annotations

import heapq
import math
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

    Scores and marks (bool, both kinds) are N. Left out are the places nearest to the lines between the others.
    """
    return _thinned(np.stack(_rates(*_counts(scores, marks)), 1), points)


def precision_recall_curve(scores: np.ndarray, marks: np.ndarray, points: int = POINTS) -> Curve:
    """Return up to `points` pairs of recall and precision, by rising recall: the corners of steps.

    A precision holds from the recall of the step before up to its own: the area under these steps is the average
    precision, where lines from threshold to threshold would promise more (Davis & Goadrich 2006).
    """
    recall, precision = _steps(*_counts(scores, marks))
    corners = np.stack([np.stack([np.r_[0, recall[:-1]], recall], 1).flatten(), precision.repeat(2)], 1)
    return _thinned(corners, points)


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
    few = np.r_[0, np.geomspace(1e-5, 1, 10 * POINTS)]
    true, recalled, precision = np.zeros(len(few)), 1 - few[::-1], np.zeros(len(few))
    for i in known:
        counts = _counts(scores[:, i], marks_of(labels, i))
        true += np.interp(few, *_rates(*counts))
        recall, exact = _steps(*counts)
        precision += exact[np.searchsorted(recall, recalled - 1e-12)]
    mean = {
        "label": None,
        **{area: mean_of([per_class[i] for i in known], area) for area in AREAS},
        "roc": _thinned(np.stack([np.r_[0, few], np.r_[0, true / len(known)]], 1), POINTS),
        "precision_recall": _thinned(np.stack([recalled, precision / len(known)], 1), POINTS),
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


def _thinned(places: np.ndarray, points: int) -> Curve:
    """Return at most `points` of N places, N x 2: always the one that is farthest from the line drawn without it."""
    kept = [0, len(places) - 1]
    waiting = [_farthest(places, 0, len(places) - 1)]
    while waiting and len(kept) < points:
        distance, first, chosen, last = heapq.heappop(waiting)
        if distance > -(10.0**-DIGITS):
            break
        kept.append(chosen)
        for between in ((first, chosen), (chosen, last)):
            if between[1] - between[0] > 1:
                heapq.heappush(waiting, _farthest(places, *between))
    return places[sorted(set(kept))].round(DIGITS).tolist()


def _farthest(places: np.ndarray, first: int, last: int) -> tuple[float, int, int, int]:
    """Return minus the distance, and the index, of the place farthest from the line between two, with their indices."""
    x, y = (places[last] - places[first]).tolist()
    across = places[first : last + 1] - places[first]
    # Of two equal places there is no line: then from the place itself.
    length = math.hypot(x, y)
    distance = np.abs(across[:, 0] * y - across[:, 1] * x) / length if length else np.hypot(*across.T)
    chosen = int(distance.argmax())
    return -float(distance[chosen]), first, first + chosen, last
