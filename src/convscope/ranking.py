"""The likeliest classes of images, best first, from their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .abstention import Refusal
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
class ImageResult:
    """The predictions for one image, best first, as `Classifier.best` has them.

    Without any, `reason` says why the image cannot be used. `refusal` says why the answer should be "unknown".
    """

    image: ImageLike
    predictions: list[Prediction]
    reason: str = ""
    refusal: Refusal | None = None


def best(
    probabilities: np.ndarray, class_names: Sequence[str], thresholds: Sequence[float] | None, topk: int
) -> list[list[Prediction]]:
    """Return the `topk` likeliest classes for each row of probabilities; equal ones in the order of the classes.

    With `thresholds`, of a classifier that gives several labels, all labels of the image come first, even more than
    `topk`.
    """
    if thresholds is not None:
        return _best_labels(probabilities, class_names, thresholds, topk)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :topk]
    values = np.take_along_axis(probabilities, order, axis=1)
    return [
        [Prediction(class_names[i], p, i) for p, i in zip(row, indices, strict=True)]
        for row, indices in zip(values.tolist(), order.tolist(), strict=True)
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
