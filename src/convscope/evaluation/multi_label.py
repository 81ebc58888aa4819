"""Metrics of a classifier that gives an image several labels: average precision, F1 scores, exactly right images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from ..data.label_names import label_names
from ..data.split import Split
from ..errors import DataError, printable
from ..files import csv_text
from ..task import THRESHOLD, Task


@dataclass
class MultiLabelEvaluation:
    """The probabilities of every label for every image of a split, and the metrics that follow from them.

    `logits` are N x classes, `labels` N x classes (0 or 1), both on the CPU; `loss` is the network's mean loss; `task`
    has the thresholds from which on a label is predicted.
    """

    class_names: list[str]
    names: list[str]
    labels: Tensor
    logits: Tensor
    loss: float
    task: Task

    # The figures that training measures after every epoch.
    PER_EPOCH = ("loss", "map", "micro_f1", "macro_f1", "subset_accuracy")

    @property
    def probabilities(self) -> Tensor:
        """N x classes, each from 0 to 1 by itself."""
        return self.task.probabilities(self.logits)

    @property
    def predictions(self) -> Tensor:
        """The labels that are predicted, N x classes (bool)."""
        return self.task.selected(self.probabilities)

    @property
    def losses(self) -> Tensor:
        """Binary cross-entropy of each image, the mean over the labels, N."""
        return F.binary_cross_entropy_with_logits(self.logits, self.labels.float(), reduction="none").mean(1)

    def figures(self) -> dict[str, Any]:
        """Return `n`, `loss`, `map`, `micro_f1`, `macro_f1` and `subset_accuracy`.

        `map` is the mean of the labels' average precision. Means over labels leave out labels that no image has, since
        their figures are undefined; 0 without any. `subset_accuracy` is the share of images whose labels are all right.
        """
        rows = [row for row in self.per_class() if row["support"]]
        predicted, true = self.predictions, self.labels.bool()
        correct, total = int((predicted & true).sum()), int(predicted.sum()) + int(true.sum())
        return {
            "n": len(self.labels),
            "loss": self.loss,
            "map": float(np.mean([row["average_precision"] for row in rows])) if rows else 0.0,
            "micro_f1": 2 * correct / max(total, 1),
            "macro_f1": float(np.mean([row["f1"] for row in rows])) if rows else 0.0,
            "subset_accuracy": float((predicted == true).all(1).double().mean()),
        }

    def per_class(self) -> list[dict[str, Any]]:
        """Return `label`, `precision`, `recall`, `f1`, `average_precision`, `support` and `threshold` of every label.

        0 where one would divide by zero; the figures of a label that no image has are None.
        """
        predicted, true = self.predictions, self.labels.bool()
        columns = zip(
            self.class_names,
            (predicted & true).sum(0).tolist(),
            predicted.sum(0).tolist(),
            true.sum(0).tolist(),
            self.task.thresholds or (),
            strict=True,
        )
        scores, marks = self.logits.double().numpy(), true.numpy()
        return [
            {
                "label": label,
                "precision": correct / max(n, 1) if support else None,
                "recall": correct / support if support else None,
                "f1": 2 * correct / (n + support) if support else None,
                "average_precision": average_precision(scores[:, i], marks[:, i]) if support else None,
                "support": support,
                "threshold": threshold,
            }
            for i, (label, correct, n, support, threshold) in enumerate(columns)
        ]

    def worst(self, count: int) -> list[int]:
        """Return the indices of the images with a wrong label or without a right one, the highest loss first."""
        wrong = (self.predictions != self.labels.bool()).any(1).nonzero().flatten()
        order = self.losses[wrong].argsort(descending=True, stable=True)
        return wrong[order[:count]].tolist()

    def table(self, safe: bool = False) -> str:
        """Return CSV text `path,label,prediction,loss` and a column with the probability of each label.

        Several labels stand with `|` between them; `safe` is as in `csv_text`.
        """
        header = ("path", "label", "prediction", "loss", *(f"probability: {name}" for name in self.class_names))
        rows = zip(
            self.names,
            label_names(self.labels.numpy(), self.class_names),
            label_names(self.predictions.numpy(), self.class_names),
            [f"{loss:.6f}" for loss in self.losses.tolist()],
            *([f"{p:.6f}" for p in column] for column in self.probabilities.T.tolist()),
            strict=True,
        )
        return csv_text([header, *rows], safe)


def average_precision(scores: np.ndarray, marks: np.ndarray) -> float:
    """Return the average precision, sum over n of (R_n - R_(n-1)) P_n over the descending scores, as in scikit-learn.

    Scores N, marks N (bool); equal scores count as one step.
    """
    precision, recall, _ = _curve(scores, marks)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def choose_thresholds(probabilities: Tensor, labels: Tensor) -> Task:
    """Return the task with the threshold of each label that has the best F1 score. Probabilities, labels N x classes.

    A threshold lies in the middle between the last probability that it accepts and the first that it rejects; of
    equally good ones it is the one nearest to 0.5, which is also that of a label that no image or every image has.
    """
    columns = zip(probabilities.double().numpy().T, labels.bool().numpy().T, strict=True)
    return Task(tuple(_best_threshold(column, marks) for column, marks in columns))


def _best_threshold(probabilities: np.ndarray, marks: np.ndarray) -> float:
    if marks.all() or not marks.any():
        return THRESHOLD
    precision, recall, accepted = _curve(probabilities, marks)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    rejected = np.append(accepted[1:], 0.0)
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    # From the first rejected probability on (exclusive) to the last accepted one, every threshold decides alike.
    choices = [
        THRESHOLD if rejected[i] < THRESHOLD <= accepted[i] else (accepted[i] + rejected[i]) / 2 for i in best.tolist()
    ]
    return float(min(choices, key=lambda threshold: abs(threshold - THRESHOLD)))


def _curve(scores: np.ndarray, marks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return precision and recall if all images from a score on are accepted, and these scores, descending."""
    order = np.argsort(-scores, kind="stable")
    sorted_scores, hits = scores[order], np.cumsum(marks[order])
    last = np.flatnonzero(np.append(np.diff(sorted_scores) != 0, True))
    return hits[last] / (last + 1), hits[last] / max(int(marks.sum()), 1), sorted_scores[last]


def relabel_marks(split: Split, names_in_data: Sequence[str], class_names: Sequence[str]) -> Split:
    """Return the same images with label marks in the order of `class_names`; DataError for an unknown label."""
    used = [i for i in range(len(names_in_data)) if split.labels[:, i].any()]
    if unknown := [names_in_data[i] for i in used if names_in_data[i] not in class_names]:
        known = ", ".join(map(printable, class_names[:10])) + (", ..." if len(class_names) > 10 else "")
        raise DataError(f"the classifier does not know the label '{printable(unknown[0])}'; it knows {known}")
    marks = np.zeros((len(split), len(class_names)), dtype=np.uint8)
    for i in used:
        marks[:, class_names.index(names_in_data[i])] = split.labels[:, i]
    return Split(split.images, marks, split.names)
