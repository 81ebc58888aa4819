"""The likeliest classes of images, best first, from their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .abstention import Refusal
from .label_sets import members
from .pictures import ImageLike


@dataclass(frozen=True)
class Prediction:
    """One class for one image: its name, its probability (0..1) and its index."""

    label: str
    probability: float
    index: int


@dataclass(frozen=True)
class LabelPrediction(Prediction):
    """One label for one image, of a classifier that gives several: whether the image gets it, and from when on."""

    selected: bool
    threshold: float


@dataclass(frozen=True)
class SetPrediction(Prediction):
    """One class for one image, and whether it is in the set that holds the true class with the asked coverage."""

    in_set: bool


@dataclass(frozen=True)
class ImageResult:
    """The predictions for one image, best first, as `Classifier.best` has them.

    Without any, `reason` says why the image cannot be used. `refusal` says why the answer should be "unknown".
    """

    image: ImageLike
    predictions: list[Prediction]
    reason: str = ""
    refusal: Refusal | None = None


def best(
    probabilities: np.ndarray,
    class_names: Sequence[str],
    thresholds: Sequence[float] | None,
    topk: int,
    least: float | None = None,
) -> list[list[Prediction]]:
    """Return the `topk` likeliest classes for each row of probabilities; equal ones in the order of the classes.

    With `thresholds`, of a classifier that gives several labels, all labels of the image come first, even more than
    `topk`. With `least`, so do all classes of the image's set: those of at least this probability.
    """
    if thresholds is not None:
        return _best_labels(probabilities, class_names, thresholds, topk)
    if least is not None:
        return _best_sets(probabilities, class_names, least, topk)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :topk]
    values = np.take_along_axis(probabilities, order, axis=1)
    return [
        [Prediction(class_names[i], p, i) for p, i in zip(row, indices, strict=True)]
        for row, indices in zip(values.tolist(), order.tolist(), strict=True)
    ]


def _best_sets(
    probabilities: np.ndarray, class_names: Sequence[str], least: float, topk: int
) -> list[list[Prediction]]:
    chosen = members(probabilities, least)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return [
        [SetPrediction(class_names[i], values[i], i, inside[i]) for i in indices[: max(topk, sum(inside))]]
        for indices, values, inside in zip(order.tolist(), probabilities.tolist(), chosen.tolist(), strict=True)
    ]


def _best_labels(
    probabilities: np.ndarray, class_names: Sequence[str], thresholds: Sequence[float], topk: int
) -> list[list[Prediction]]:
    selected = probabilities >= np.array(thresholds, np.float64)
    order = np.argsort(-(probabilities + selected), axis=1, kind="stable")
    return [
        [
            LabelPrediction(class_names[i], values[i], i, chosen[i], thresholds[i])
            for i in indices[: max(topk, sum(chosen))]
        ]
        for indices, values, chosen in zip(order.tolist(), probabilities.tolist(), selected.tolist(), strict=True)
    ]
