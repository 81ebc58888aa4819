"""ROC and precision-recall curves of the mean of the classes and of those told apart worst, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .confidence_charts import Plot

# Classes beside the mean, and how much of the axis of false alarms is shown: so much that the mean finds nearly all.
MOST_CLASSES, NEARLY_ALL = 3, 0.995
RIGHTS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def ranking_of(curves: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return what the page shows of `ranking_curves`: two charts and the areas; None without curves."""
    if not curves:
        return None
    mean, *classes = curves[: 1 + MOST_CLASSES]
    rows = [mean, *classes] if len(curves) > 2 else [mean]
    return {"roc": roc_chart(rows), "precision_recall": precision_recall_chart(rows), "mean": mean, "classes": rows[1:]}


def roc_chart(rows: Sequence[dict[str, Any]]) -> str:
    """Return the true by the false positive rate; of good classifiers the left end, where they differ."""
    right = next((r for r in RIGHTS if _at(rows[0]["roc"], r) >= NEARLY_ALL), 1.0)
    low = 0.0
    if right < 1:
        low = math.floor(10 * min(_at(row["roc"], right / 10) for row in rows) - 1e-9) / 10
    plot = Plot(0.0, min(max(low, 0.0), 0.9), right)
    parts = [] if low > right else [f'<path class="ideal" d="M{plot.place(low, low)}L{plot.place(right, right)}"/>']
    for i, row in reversed(list(enumerate(rows))):
        shown = [place for place in row["roc"] if place[0] <= right]
        places = [plot.place(*place) for place in [*shown, [right, _at(row["roc"], right)]]]
        parts.append(f'<path class="curve rank-{i}" d="M{"L".join(places)}"/>')
    return plot.svg(parts, "roc")


def precision_recall_chart(rows: Sequence[dict[str, Any]]) -> str:
    """Return the precision by the recall, in steps."""
    least = min(precision for row in rows for _, precision in row["precision_recall"])
    plot = Plot(0.0, min(max(math.floor(10 * least - 1e-9) / 10, 0.0), 0.9))
    parts = []
    for i, row in reversed(list(enumerate(rows))):
        places = "L".join(plot.place(*place) for place in row["precision_recall"])
        parts.append(f'<path class="curve rank-{i}" d="M{places}"/>')
    return plot.svg(parts, "precision-recall")


def _at(curve: Sequence[Sequence[float]], false: float) -> float:
    """Return the true positive rate at a false positive rate."""
    before = max((place for place in curve if place[0] <= false), key=lambda place: (place[0], place[1]))
    after = next((place for place in curve if place[0] > false), before)
    if after is before:
        return before[1]
    return before[1] + (after[1] - before[1]) * (false - before[0]) / (after[0] - before[0])
