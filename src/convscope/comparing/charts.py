"""The charts of a comparison as SVG whose colours the page sets: curves by epoch, and the figure against its price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..page_chart import empty_chart, page_svg
from .comparison import Comparison, Trial, figure_of, is_share
from .plan import Plan

# Placeholder colours that Matplotlib writes, and the page's variables that replace them.
INK = "#010203"
COLOURS = tuple(f"#0102{number:02x}" for number in range(0x10, 0x18))
PAGE_COLOURS = {INK: "var(--faint)"} | {colour: f"var(--line-{i})" for i, colour in enumerate(COLOURS)}


def colour_of(number: int) -> str:
    """Return the page's colour of the variant with that number."""
    return f"var(--line-{number % len(COLOURS)})"


def curves(plan: Plan, trials: Sequence[Trial]) -> dict[str, str]:
    """Return charts by epoch, each variant's mean over the seeds: loss and error in training and on held-out images.

    Dashed is training. Empty where the runs have no epochs.
    """
    charts = {}
    held_out = "val" if any("val/loss" in row for t in trials for row in t["history"]) else "test"
    for name, column, scale in (("loss", "loss", 1.0), ("error", "top1", 100.0)):
        lines = []
        for number, variant in enumerate(plan.variants):
            for split, dashes in (("train", (0, (4, 2))), (held_out, "solid")):
                some = [t["history"] for t in trials if t["variant"] == variant.name]
                epochs, values = _mean_curve(some, f"{split}/{column}")
                if name == "error":
                    values = [scale * (1 - value) for value in values]
                if len(epochs) > 1:
                    lines.append((epochs, values, COLOURS[number % len(COLOURS)], dashes))
        if lines:
            charts[name] = _draw_lines(lines)
    return charts


def _mean_curve(histories: Sequence[list[dict[str, float]]], column: str) -> tuple[list[float], list[float]]:
    """Return the epochs that all runs have, and the mean of a column at each."""
    columns = [{row["epoch"]: row[column] for row in rows if row.get(column) is not None} for rows in histories]
    epochs = sorted(set.intersection(*map(set, columns))) if columns else []
    return epochs, [sum(some[epoch] for some in columns) / len(columns) for epoch in epochs]


def prices(plan: Plan, comparison: Comparison, trials: Sequence[Trial]) -> dict[str, str]:
    """Return the figure of every run against training time, parameters and multiply-accumulates."""
    charts = {}
    scale = 100.0 if is_share(comparison.figure) else 1.0
    for price in ("seconds", "parameters", "macs"):
        if len({trial[price] for trial in trials}) < 2:
            continue
        points = [
            (
                [trial[price] for trial in trials if trial["variant"] == variant.name],
                [scale * figure_of(t, comparison.figure) for t in trials if t["variant"] == variant.name],
                COLOURS[number % len(COLOURS)],
            )
            for number, variant in enumerate(plan.variants)
        ]
        charts[price] = _draw_points(points)
    return charts


def _draw_lines(lines: list[tuple[list[float], list[float], str, Any]]) -> str:
    from matplotlib.ticker import MaxNLocator

    figure, axes = empty_chart(INK)
    for epochs, values, colour, dashes in lines:
        axes.plot(epochs, values, color=colour, linestyle=dashes, linewidth=2.0 if dashes == "solid" else 1.4)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    return page_svg(figure, PAGE_COLOURS, salt="compare")


def _draw_points(points: list[tuple[list[float], list[float], str]]) -> str:
    figure, axes = empty_chart(INK)
    for across, up, colour in points:
        axes.scatter(across, up, color=colour, s=28)
    across = [value for one in points for value in one[0]]
    if min(across) > 0 and max(across) > 20 * min(across):
        axes.set_xscale("log")
    return page_svg(figure, PAGE_COLOURS, salt="compare")
