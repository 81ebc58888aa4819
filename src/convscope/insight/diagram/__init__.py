"""Diagrams of a network: the structure of its blocks and layers, and the graph of all its operations."""

from __future__ import annotations

from ..tracing.graph import Trace
from .boxes import build
from .dot import graph_dot
from .layout import arrange
from .svg import draw

__all__ = ["graph_dot", "graph_svg", "structure_svg"]

MOST_BOXES = 90


def structure_svg(trace: Trace, most_boxes: int = MOST_BOXES) -> str:
    """Return the structure as an SVG: one frame per block, in it one box per layer with its norm and activation.

    Where there would be more than `most_boxes`, the innermost blocks become one box each. Each box says what its layers
    are and what shape an image has behind them; residual, concatenating and gating paths have colours of their own.

    >>> import torch
    >>> from convscope.insight.tracing.trace import trace
    >>> structure_svg(trace(torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3)), torch.zeros(1, 1, 6, 6)))[:4]
    '<svg'
    """
    return draw(arrange(build(trace, most_boxes)), trace)


def graph_svg(trace: Trace) -> str:
    """Return the computational graph as an SVG: one box per node of the trace."""
    return draw(arrange(build(trace, None)), trace)
