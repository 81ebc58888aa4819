"""The reliability diagram and the accuracy by coverage, as SVG that takes its colours from the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 360, 300, 40, 10, 12, 28


def reliability_chart(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]] | None) -> str:
    """Return accuracy by confidence of the bins that `calibration.reliability` gives, without and with temperature."""
    rows = [*before, *(after or [])]
    low = min(1.0, *(min(row["confidence"], row["accuracy"]) for row in rows))
    low = max(math.floor(10 * low - 1e-9) / 10, 0.0)
    plot = _Plot(low, low)
    parts = [f'<path class="ideal" d="M{plot.x(low):.1f} {plot.y(low):.1f}L{plot.x(1):.1f} {plot.y(1):.1f}"/>']
    for name, bins in (("before", before), ("after", after or ())):
        for row in bins:
            x, (bottom, top) = plot.x(row["confidence"]), row["interval"]
            ends = f"M{x:.1f} {plot.y(max(bottom, low)):.1f}V{plot.y(top):.1f}"
            parts.append(f'<path class="range {name}" d="{ends}"/>')
            parts.append(f'<circle class="{name}" cx="{x:.1f}" cy="{plot.y(row["accuracy"]):.1f}" r="4"/>')
    return plot.svg(parts)


def coverage_chart(steps: Sequence[dict[str, float]]) -> str:
    """Return the accuracy by coverage of the steps that `calibration.coverage_curve` gives."""
    least = min(step["accuracy"] for step in steps)
    low = max(math.floor(20 * least - 1e-9) / 20, 0.0)
    plot = _Plot(0.0, low)
    points = "L".join(f"{plot.x(step['coverage']):.1f} {plot.y(step['accuracy']):.1f}" for step in steps)
    mark = (
        f'<circle class="coverage-mark" r="5" cx="{plot.x(1):.1f}" cy="{plot.y(steps[0]["accuracy"]):.1f}" '
        f'data-left="{LEFT}" data-top="{TOP}" data-width="{plot.width}" data-height="{plot.height}" data-low="{low}"/>'
    )
    return plot.svg([f'<path class="curve" d="M{points}"/>', mark])


class _Plot:
    """Places in a chart whose axes go from `left` and `low` to 1."""

    def __init__(self, left: float, low: float):
        self.left, self.low = left, low
        self.width, self.height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(self, value: float) -> float:
        return LEFT + self.width * (value - self.left) / (1 - self.left)

    def y(self, value: float) -> float:
        return TOP + self.height * (1 - (value - self.low) / (1 - self.low))

    def svg(self, parts: Sequence[str]) -> str:
        lines = []
        for share in _ticks(self.low):
            y = self.y(share)
            lines.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
            lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{100 * share:g}</text>')
        for share in _ticks(self.left):
            lines.append(f'<text x="{self.x(share):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{100 * share:g}</text>')
        return f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join([*lines, *parts])}</svg>'


def _ticks(low: float) -> list[float]:
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if (1 - low) / s <= 6.01)
    return [round(low + step * i, 4) for i in range(round((1 - low) / step) + 1)]
