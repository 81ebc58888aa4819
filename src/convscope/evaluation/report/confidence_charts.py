"""The reliability diagram and the accuracy by coverage, as SVG that takes its colours from the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 360, 300, 40, 10, 12, 28


def reliability_chart(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]] | None) -> str:
    """Return accuracy by confidence with its band, from the points of `smooth_curve` without and with temperature."""
    rows = [*before, *(after or [])]
    low = min([1.0, *(min(row["confidence"], row["accuracy"]) for row in rows)])
    low = max(math.floor(10 * low - 1e-9) / 10, 0.0)
    plot = Plot(low, low)
    parts = [f'<path class="ideal" d="M{plot.place(low, low)}L{plot.place(1, 1)}"/>']
    for name, points in (("before", before), ("after", after or ())):
        if points:
            top = [plot.place(p["confidence"], p["interval"][1]) for p in points]
            bottom = [plot.place(p["confidence"], p["interval"][0]) for p in reversed(points)]
            line = [plot.place(p["confidence"], p["accuracy"]) for p in points]
            parts.append(f'<path class="band {name}" d="M{"L".join([*top, *bottom])}Z"/>')
            parts.append(f'<path class="curve {name}" d="M{"L".join(line)}"/>')
    return plot.svg(parts, "reliability")


def coverage_chart(steps: Sequence[dict[str, float]]) -> str:
    """Return the accuracy by coverage of the steps that `calibration.coverage_curve` gives."""
    least = min(step["accuracy"] for step in steps)
    low = max(math.floor(20 * least - 1e-9) / 20, 0.0)
    plot = Plot(0.0, low)
    points = "L".join(f"{plot.x(step['coverage']):.1f} {plot.y(step['accuracy']):.1f}" for step in steps)
    mark = (
        f'<circle class="coverage-mark" r="5" cx="{plot.x(1):.1f}" cy="{plot.y(steps[0]["accuracy"]):.1f}" '
        f'data-left="{LEFT}" data-top="{TOP}" data-width="{plot.width}" data-height="{plot.height}" data-low="{low}"/>'
    )
    return plot.svg([f'<path class="curve" d="M{points}"/>', mark], "coverage")


class Plot:
    """Places in a chart whose axes go from `left` and `low` to `right` and 1."""

    def __init__(self, left: float, low: float, right: float = 1.0):
        self.left, self.low, self.right = left, low, right
        self.width, self.height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(self, value: float) -> float:
        """Return how far right a value is."""
        return LEFT + self.width * (value - self.left) / (self.right - self.left)

    def y(self, value: float) -> float:
        """Return how far down a value is."""
        return TOP + self.height * (1 - (value - self.low) / (1 - self.low))

    def place(self, x: float, y: float) -> str:
        """Return the place of two values as a path has it; beyond the axes, at their end."""
        return f"{self.x(min(max(x, self.left), self.right)):.1f} {self.y(max(y, self.low)):.1f}"

    def svg(self, parts: Sequence[str], caption: str) -> str:
        """Return the chart with its grid below `parts`, named by the element whose id is `caption`."""
        lines = []
        for share in _ticks(self.low, 1):
            y = self.y(share)
            lines.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
            lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{100 * share:g}</text>')
        for share in _ticks(self.left, self.right):
            lines.append(f'<text x="{self.x(share):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{100 * share:g}</text>')
        start = f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{caption}">'
        return "".join([start, *lines, *parts, "</svg>"])


def _ticks(low: float, high: float) -> list[float]:
    steps = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    step = next(s for s in steps if (high - low) / s <= 6.01)
    return [round(high - step * i, 4) for i in range(int((high - low) / step + 1e-6), -1, -1)]
