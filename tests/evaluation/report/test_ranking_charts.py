"""The curves of the report: the mean and the worst classes, good classifiers magnified, small for any data."""

from __future__ import annotations

import re

import torch

from convscope.evaluation.ranking_curves import POINTS
from convscope.evaluation.report.confidence_charts import HEIGHT, LEFT, RIGHT, TOP, WIDTH
from convscope.evaluation.report.page import render
from convscope.evaluation.report.ranking_charts import ranking_of, roc_chart
from convscope.evaluation.report.report import Report
from convscope.evaluation.scores import trust_figures

from ..test_scores import evaluation_of


def curve_places(svg: str, name: str) -> list[list[float]]:
    path = re.search(rf'class="curve {name}" d="M([^"]*)"', svg).group(1)  # type: ignore[union-attr]
    return [[float(number) for number in place.split()] for place in path.split("L")]


def test_the_ends_of_the_axes_stand_at_the_edges():
    row = {"roc": [[0.0, 0.0], [0.0, 0.5], [0.5, 0.75], [1.0, 1.0]]}
    left, middle, top = LEFT, LEFT + (WIDTH - LEFT - RIGHT) / 2, TOP
    places = curve_places(roc_chart([row]), "rank-0")
    assert places[0] == [left, HEIGHT - 28] and places[2][0] == middle and places[-1] == [WIDTH - RIGHT, top]
    # Of a classifier that finds all at one false alarm in a hundred, only that part of the axis is shown.
    good = roc_chart([{"roc": [[0.0, 0.0], [0.0, 0.9], [0.005, 1.0], [1.0, 1.0]]}])
    assert curve_places(good, "rank-0")[2] == [middle, top] and ">1</text>" in good


def test_the_worst_classes_are_named_and_the_section_stays_small():
    evaluation = evaluation_of(2000, classes=200)
    curves = trust_figures(evaluation)["curves"]
    found = ranking_of(curves)
    assert [row["label"] for row in found["classes"]] == [row["label"] for row in curves[1:4]]
    assert len(found["roc"] + found["precision_recall"]) < 4 * 2 * POINTS * 20 + 4000
    assert ranking_of([]) is None
    pixels = torch.zeros(2000, 1, 4, 4, dtype=torch.uint8)
    page = render(Report("net", "test", evaluation, pixels, "x", {"parameters": 1}))
    assert f"<bdi>{curves[1]['label']}</bdi>" in page and "ROC 曲线下面积" in page
