"""The plots of the experiments, as small SVG files: runs as dots, means as lines; accuracy against arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

INK, GRAY, DOT, MEAN = "#1f2933", "#9aa5b1", "#2563eb", "#d97706"
WIDTH, LEFT, RIGHT, ROW, TOP = 640, 190, 30, 24, 12


def dots(rows: Mapping[str, Sequence[float]], figure: str) -> str:
    """Return a plot with a line per name: a dot per run at its value, and their mean as a bar."""
    values = [value for some in rows.values() for value in some]
    low, high = _range(values)
    bottom = TOP + ROW * len(rows)
    parts = []
    for number, (name, some) in enumerate(rows.items()):
        y = TOP + ROW * (number + 0.5)
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y, GRAY, 0.6))
        parts.append(_text(LEFT - 10, y + 4, name, "end"))
        mean = _across(sum(some) / len(some), low, high)
        parts.append(_line(mean, y - 8, mean, y + 8, MEAN, 3))
        parts += [_dot(_across(value, low, high), y, name, value) for value in some]
    for value in _ticks(low, high):
        parts.append(_text(_across(value, low, high), bottom + 14, f"{value:g}", "middle"))
    parts.append(_text(WIDTH - RIGHT, bottom + 30, figure, "end"))
    return _svg(bottom + 36, parts)


def scatter(points: Mapping[str, tuple[float, Sequence[float]]], across: str, figure: str) -> str:
    """Return a plot of the figures of named runs against what each costs, on a logarithmic axis."""
    costs = [math.log10(cost) for cost, _ in points.values()]
    low, high = _range([value for _, some in points.values() for value in some])
    least, most = min(costs) - 0.1, max(costs) + 0.5
    height = 300

    def up(value: float) -> float:
        return TOP + (height - TOP) * (1 - (value - low) / (high - low))

    parts = [_line(70, height, WIDTH - RIGHT, height, GRAY, 0.8), _line(70, TOP, 70, height, GRAY, 0.8)]
    placed: list[tuple[float, float]] = []
    for name, (cost, some) in points.items():
        x = 70 + (WIDTH - RIGHT - 70) * (math.log10(cost) - least) / (most - least)
        parts += [_dot(x, up(value), name, value) for value in some]
        y = up(sum(some) / len(some)) + 4
        while any(abs(x - left) < 110 and abs(y - line) < 13 for left, line in placed):
            y += 4
        placed.append((x, y))
        parts.append(_text(x + 7, y, name, "start"))
    for value in _ticks(low, high):
        parts.append(_text(64, up(value) + 4, f"{value:g}", "end"))
    for exponent in range(math.ceil(least), math.floor(most) + 1):
        x = 70 + (WIDTH - RIGHT - 70) * (exponent - least) / (most - least)
        parts.append(_text(x, height + 16, f"10^{exponent}", "middle"))
    parts += [_text(WIDTH - RIGHT, height + 32, across, "end"), _text(74, TOP + 2, figure, "start")]
    return _svg(height + 40, parts)


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    edge = 0.06 * (high - low) or max(abs(high), 1) * 0.05
    return low - edge, high + edge


def _ticks(low: float, high: float) -> list[float]:
    """Return a few round values between two."""
    power = 10.0 ** math.floor(math.log10((high - low) / 3))
    step = next(factor * power for factor in (1, 2, 5, 10) if (high - low) / (factor * power) <= 5)
    return [round(number * step, 10) for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _across(value: float, low: float, high: float) -> float:
    return LEFT + (WIDTH - RIGHT - LEFT) * (value - low) / (high - low)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def _dot(x: float, y: float, name: str, value: float) -> str:
    title = f"<title>{escape(name)}: {value:.6g}</title>"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{DOT}" fill-opacity="0.6">{title}</circle>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(height: float, parts: Sequence[str]) -> str:
    style = f'font-family="DejaVu Sans, sans-serif" font-size="12" fill="{INK}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" {style}>'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>', *parts, "</svg>", ""])
