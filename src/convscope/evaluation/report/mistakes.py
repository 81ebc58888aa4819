"""Which images are wrong, and which classes are taken for which."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from torch import Tensor

from ...errors import printable
from ..label_errors import doubtful_labels
from ..metrics import Evaluation
from ..multi_label import MultiLabelEvaluation
from ..proportion import wilson_interval
from .heat_maps import explained_label
from .pictures import picture_url, pixels_url, shrunk
from .report import Report

# Pictures behind a cell of the confusion matrix, and behind all.
MAX_WRONG_IN_CELL, MAX_RIGHT_IN_CELL, MAX_IN_CELLS = 12, 6, 240
# The accuracy from which on a network is good enough to doubt labels.
FEWEST_RIGHT = 0.9


def weakest_class(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return the class with the lowest recall and its interval; None if all images are right."""
    rows = [row for row in evaluation.per_class() if row["support"] and row["recall"] < 1]
    if not rows:
        return None
    row = min(rows, key=lambda row: (row["recall"], -row["support"]))
    return {**row, "interval": wilson_interval(round(row["recall"] * row["support"]), row["support"])}


def frequent_confusions(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return the pairs of a true and a wrongly predicted class, the most frequent first."""
    names, counts = evaluation.class_names, np.array(evaluation.confusion())
    totals = counts.sum(1)
    np.fill_diagonal(counts, 0)
    pairs = [
        {"true": names[i], "predicted": names[j], "count": int(counts[i, j]), "share": float(counts[i, j] / totals[i])}
        for i, j in np.argwhere(counts).tolist()
    ]
    return sorted(pairs, key=lambda pair: -pair["count"])


def cell_pictures(report: Report, evaluation: Evaluation) -> dict[str, list[list[Any]]]:
    """Return by cell of the confusion matrix, "row,column", a few pictures: address, name, probability of the answer.

    Wrong cells have more than right ones, and all together have at most a limited number and size.
    """
    chosen: dict[str, list[int]] = {}
    wrong_first = (evaluation.predictions == evaluation.labels).int().argsort(stable=True)
    total = 0
    for i in wrong_first.tolist():
        true, answer = int(evaluation.labels[i]), int(evaluation.predictions[i])
        cell = chosen.setdefault(f"{true},{answer}", [])
        if len(cell) < (MAX_WRONG_IN_CELL if true != answer else MAX_RIGHT_IN_CELL) and total < MAX_IN_CELLS:
            cell.append(i)
            total += 1
    return {
        key: [
            [
                pixels_url(shrunk(report.pixels[i])),
                printable(evaluation.names[i]),
                float(evaluation.probabilities[i].max()),
            ]
            for i in cell
        ]
        for key, cell in chosen.items()
        if cell
    }


def worst_mistakes(
    report: Report, evaluation: Evaluation, count: int, suspected: Collection[int] = ()
) -> list[dict[str, Any]]:
    """Return picture, heat map, name, classes and probabilities of the wrongly classified images with the highest loss.

    Those whose index is among `suspected` may have a wrong label.
    """
    names, probabilities = evaluation.class_names, evaluation.probabilities
    mistakes = []
    for i in evaluation.worst(count):
        true, predicted = int(evaluation.labels[i]), int(evaluation.predictions[i])
        mistakes.append(
            {
                "picture": picture_url(report.pixels[i]),
                "heat": _heat(report, i),
                "suspected": i in suspected,
                "name": evaluation.names[i],
                "true": names[true],
                "predicted": names[predicted],
                "probability": float(probabilities[i, predicted]),
                "true_probability": float(probabilities[i, true]),
            }
        )
    return mistakes


def worst_label_mistakes(report: Report, evaluation: MultiLabelEvaluation, count: int) -> list[dict[str, Any]]:
    """Return picture, name and labels of the images with wrong or missing labels and the highest loss.

    `wrong` are labels that were predicted and are not there, `missing` those that are there and were not predicted, and
    `right` the others that were predicted: pairs of name and probability.
    """
    predicted, true, probabilities = evaluation.predictions, evaluation.labels.bool(), evaluation.probabilities

    def labels(i: int, chosen: Tensor) -> list[tuple[str, float]]:
        return [(evaluation.class_names[k], float(probabilities[i, k])) for k in chosen.nonzero().flatten().tolist()]

    return [
        {
            "picture": picture_url(report.pixels[i]),
            "heat": _heat(report, i),
            "name": evaluation.names[i],
            "wrong": labels(i, predicted[i] & ~true[i]),
            "missing": labels(i, true[i] & ~predicted[i]),
            "right": labels(i, true[i] & predicted[i]),
        }
        for i in evaluation.worst(count)
    ]


def right_pictures(report: Report) -> list[dict[str, Any]]:
    """Return picture, heat map, name, class and probability of the right answers that were looked at."""
    evaluation, look = report.evaluation, report.look
    if look is None or look.heat is None:
        return []
    labels = {i: explained_label(evaluation, i) for i in look.right if i in look.heat.pictures}
    return [
        {
            "picture": picture_url(report.pixels[i]),
            "heat": look.heat.pictures[i],
            "name": evaluation.names[i],
            "label": evaluation.class_names[label],
            "probability": float(evaluation.probabilities[i, label]),
        }
        for i, label in labels.items()
    ]


def suspected_labels(evaluation: Evaluation) -> set[int]:
    """Return the indices of images whose label is doubtful by the network's own probabilities (confident learning).

    Only of images that the network was not trained on. None below 90 % accuracy: the mistakes of a weak network say
    more about the network.
    """
    if float((evaluation.predictions == evaluation.labels).double().mean()) < FEWEST_RIGHT:
        return set()
    pairs = doubtful_labels(evaluation.labels.numpy(), evaluation.probabilities.double().numpy())
    return {i for i, _ in pairs}


def _heat(report: Report, i: int) -> str | None:
    heat = report.look.heat if report.look else None
    return heat.pictures.get(i) if heat else None
