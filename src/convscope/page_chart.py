"""Charts as SVG inside a page, which sets their colours, size and typeface."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any


def empty_chart(ink: str) -> tuple[Any, Any]:
    """Return a figure and its axes, without a frame, with horizontal lines and numbers in the colour `ink`."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": 10}):
        figure = Figure(figsize=(5.2, 2.9), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
    axes.grid(axis="y", color=ink, alpha=0.25, linewidth=0.8)
    axes.tick_params(which="both", colors=ink, length=0)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    return figure, axes


def page_svg(figure: Any, colours: Mapping[str, str], salt: str) -> str:
    """Return a figure as SVG, with the page's name for each of the `colours`; charts on one page differ in `salt`."""
    import matplotlib as mpl

    content = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "font.size": 10, "svg.hashsalt": salt}):
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = content.getvalue()
    svg = svg[svg.index("<svg") :]
    for written, named in colours.items():
        svg = svg.replace(written, named)
    # Remove size and typeface, which the page sets.
    svg = re.sub(r"font: [0-9.]+px [^;\"]*", "font-size: 10px", svg)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
