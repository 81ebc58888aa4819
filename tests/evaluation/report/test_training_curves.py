"""The curves of a training: what is drawn, the best epoch, and errors of 0."""

from __future__ import annotations

import re

from convscope.evaluation.report.training_curves import curves


def history(val: list[float]) -> list[dict[str, float]]:
    rows = zip(range(1, 9), val, strict=False)
    return [{"epoch": i, "train/loss": 2 / i, "train/top1": 0.8, "val/loss": 1 / i, "val/top1": v} for i, v in rows]


def points(svg: str) -> list[int]:
    """The number of points of each line in the colour of the validation images."""
    paths = re.findall(r'<path d="([^"]*)"[^>]*style="fill: none; stroke: var\(--accent\)', svg)
    return [len(re.findall(r"[ML] ", path)) for path in paths]


def test_an_error_of_nothing_is_drawn_at_0():
    for values in ([0.5, 0.9, 1.0, 1.0, 1.0], [0.5, 0.9, 0.95, 0.99, 0.992], [1.0] * 5):
        svg = curves(history(values))["error"]
        assert points(svg) == [5], values
        assert (">0</text>" in svg) == (max(values) == 1.0)


def test_the_best_epoch_is_marked():
    charts = curves(history([0.5, 0.9, 0.95, 0.9]), 3)
    assert all(chart.count("stroke-dasharray") == 2 for chart in charts.values())  # training, and the best epoch
    assert all(chart.count("stroke-dasharray") == 1 for chart in curves(history([0.5, 0.9, 0.95, 0.9])).values())
