"""Pictures of a network: its blocks and layers, and every operation with who feeds whom."""

from __future__ import annotations

from ..tracing.graph import Trace
from .boxes import build
from .dot import graph_dot
from .layout import arrange
from .svg import draw

__all__ = ["graph_dot", "graph_svg", "structure_svg"]

MOST_BOXES = 90


def structure_svg(trace: Trace, most_boxes: int = MOST_BOXES) -> str:
    """The structure as an SVG: blocks as frames, in them boxes of a layer with the norm and activation behind it.

    Where there would be more than `most_boxes`, the innermost blocks are one box each. Each box says what its layers
    are and what shape an image has behind them; residual, concatenating and gating paths have colours of their own.
    """
    return draw(arrange(build(trace, most_boxes)), trace)


def graph_svg(trace: Trace) -> str:
    """The computational graph as an SVG: every node of the trace has a box."""
    return draw(arrange(build(trace, None)), trace)
