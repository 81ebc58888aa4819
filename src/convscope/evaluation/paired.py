"""Compare two classifiers on the same images: McNemar's test, and the images on which they differ."""

from __future__ import annotations

from typing import Any

from ..errors import DataError
from .metrics import Evaluation
from .proportion import mcnemar, wilson_interval


def compare(first: Evaluation, second: Evaluation) -> dict[str, Any]:
    """Return the comparison of two evaluations over the images that both have, matched by name and true class.

    `both_right`, `only_first`, `only_second` and `both_wrong` count images; `p_value` is McNemar's exact two-sided one.
    `differing` lists the images on which the answers differ, those first on which one of the two is right. DataError
    without an image in common.
    """
    answers = {name: i for i, name in enumerate(second.names)}
    pairs = [(i, answers[name]) for i, name in enumerate(first.names) if name in answers]
    if not pairs:
        raise DataError("the two classifiers have no image in common: give data that both can use")
    rows = [_row(first, second, i, j) for i, j in pairs]
    right = [(row["first_right"], row["second_right"]) for row in rows]
    only_first, only_second = right.count((True, False)), right.count((False, True))
    n, both = len(rows), right.count((True, True))
    differing = [row for row in rows if row["first"] != row["second"]]
    return {
        "n": n,
        "top1": [(both + only_first) / n, (both + only_second) / n],
        "intervals": [list(wilson_interval(both + only, n)) for only in (only_first, only_second)],
        "both_right": both,
        "only_first": only_first,
        "only_second": only_second,
        "both_wrong": right.count((False, False)),
        "p_value": mcnemar(only_first, only_second),
        "differing": sorted(differing, key=lambda row: row["first_right"] == row["second_right"]),
    }


def _row(first: Evaluation, second: Evaluation, i: int, j: int) -> dict[str, Any]:
    truth = first.class_names[int(first.labels[i])]
    if second.class_names[int(second.labels[j])] != truth:
        raise DataError(f"{first.names[i]}: the two classifiers were given different true classes")
    answers = [e.class_names[int(e.predictions[k])] for e, k in ((first, i), (second, j))]
    chances = [float(e.probabilities[k].max()) for e, k in ((first, i), (second, j))]
    return {
        "path": first.names[i],
        "label": truth,
        "first": answers[0],
        "second": answers[1],
        "probabilities": chances,
        "first_right": answers[0] == truth,
        "second_right": answers[1] == truth,
    }
