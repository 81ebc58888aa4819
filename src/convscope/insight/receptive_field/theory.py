"""The theoretical receptive field of every unit of a traced network.

Araujo, Norris, Sim, *Computing Receptive Fields of Convolutional Neural Networks*, Distill 2019: along each path a
layer of kernel k widens the field by k - 1 times the distance between neighbouring fields, and its stride multiplies
that distance; where paths join, the widest counts. Here the fields of all rows and all columns are followed one by one:
the numbers are the same, and exact also where windows are of unequal size (adaptive pooling, interpolation, transposed
convolution).

A gate that was made from the whole image (squeeze and excitation) is not counted, nor are the statistics of a norm.
"""

from __future__ import annotations

import math
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from ...nested import leaves
from ..tracing.graph import Call, Node, Ref, Shape, Step, Trace
from .fields import WHOLE, AxisField, Fields, joined, of_pixels
from .rules import through

# Fractions of a pixel come from the padding of maps whose neighbours' fields are not whole pixels apart; a rounding
# error must not widen a field by a pixel.
ROUNDING = 1e-6


class Box(NamedTuple):
    """Rows `top` to `bottom` and columns `left` to `right`, the last of each not included."""

    top: int
    left: int
    bottom: int
    right: int


_KNOWN: WeakKeyDictionary[Trace, dict[str, Fields]] = WeakKeyDictionary()


def field_of(trace: Trace, name: str, y: int | None = None, x: int | None = None) -> Box:
    """Return the theoretical receptive field of unit (y, x) of a node, in pixels of the input.

    With padding it may reach beyond the image. A unit of a vector sees the whole image; one that does not depend on the
    image sees Box(0, 0, 0, 0). ValueError for an unknown node.

    >>> import torch
    >>> from convscope.insight.tracing.trace import trace
    >>> network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3), torch.nn.Conv2d(1, 1, 3))
    >>> field_of(trace(network, torch.zeros(1, 1, 9, 9)), "1", 2, 3)
    Box(top=2, left=3, bottom=7, right=8)
    """
    fields, (height, width) = _fields(trace).get(trace.node(name).name), _image_size(trace)
    if fields is None:
        return Box(0, 0, 0, 0)
    if fields.axes is None and fields.positions > 1:
        return Box(0, 0, height, width)
    top, bottom = _ends(fields.rows, y or 0, height)
    left, right = _ends(fields.columns, x or 0, width)
    return Box(top, left, bottom, right) if top < bottom and left < right else Box(0, 0, 0, 0)


def field_size(trace: Trace, name: str) -> int | None:
    """Return the longer side of the field of a node's units, the widest of them; None where they see the whole image.

    0 where no unit depends on the image. ValueError for an unknown node.
    """
    fields = _fields(trace).get(trace.node(name).name)
    if fields is None:
        return 0
    sides = [float(np.max(axis.stop - axis.start)) for axis in (fields.rows, fields.columns)]
    return None if math.inf in sides else max(math.ceil(max(sides) - ROUNDING), 0)


def seen_by(trace: Trace, name: str, row: int, column: int) -> Box:
    """Return the units of a node in whose theoretical receptive field this pixel of the input lies; empty if none.

    ValueError for an unknown node.

    >>> import torch
    >>> from convscope.insight.tracing.trace import trace
    >>> network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3))
    >>> seen_by(trace(network, torch.zeros(1, 1, 9, 9)), "0", 4, 4)
    Box(top=2, left=2, bottom=5, right=5)
    """
    shape, fields = trace.node(name).shape, _fields(trace).get(name)
    if fields is None:
        return Box(0, 0, 0, 0)
    if fields is WHOLE or (fields.axes is None and fields.positions > 1):
        return Box(0, 0, *(shape[-2:] if len(shape) == 3 else (1, 1)))
    rows, columns = _positions(fields.rows, row), _positions(fields.columns, column)
    return Box(rows[0], columns[0], rows[1], columns[1])


def _ends(axis: AxisField, position: int, size: int) -> tuple[int, int]:
    """Return first and last pixel (not included) that a position sees, of `size` pixels if it sees them all."""
    seen = axis.at(np.asarray(position))
    if math.isinf(seen.start):
        return (0, size) if seen.stop > 0 else (0, 0)
    return math.floor(seen.start + ROUNDING), math.ceil(seen.stop - ROUNDING)


def _positions(axis: AxisField, pixel: int) -> tuple[int, int]:
    """Return first and last position (not included) that sees a pixel."""
    sees = (np.floor(axis.start + ROUNDING) <= pixel) & (pixel < np.ceil(axis.stop - ROUNDING))
    found = sees.nonzero()[0]
    return (int(found[0]), int(found[-1]) + 1) if len(found) else (0, 0)


def _image_size(trace: Trace) -> tuple[int, int]:
    height, width = (1, 1, *trace.nodes[0].shape)[-2:]
    return height, width


def _fields(trace: Trace) -> dict[str, Fields]:
    """Return the fields of every node that depends on the image."""
    if trace not in _KNOWN:
        shape = trace.nodes[0].shape
        known = {"input": Fields(of_pixels(shape[-2]), of_pixels(shape[-1])) if len(shape) > 2 else WHOLE}
        for node in trace.nodes[1:]:
            fields = _through_node(trace, node, known)
            if fields is not None:
                known[node.name] = fields
        _KNOWN[trace] = known
    return _KNOWN[trace]


def _through_node(trace: Trace, node: Node, known: dict[str, Fields]) -> Fields | None:
    """Return the fields of a node's output, along its calls; None if it does not depend on the image."""
    results: list[list[Fields | None]] = []

    def of(source: Ref | Step) -> tuple[Fields | None, Shape]:
        if isinstance(source, Ref):
            return known.get(source.node), trace.node(source.node).shape
        return results[source.call][source.part or 0], node.calls[source.call].shapes[source.part or 0]

    for call in node.calls:
        given = [of(value) for value in leaves((call.arguments, call.options)) if isinstance(value, Ref | Step)]
        results.append(_through_call(call, [(fields, shape) for fields, shape in given if fields is not None]))
    if node.result is None:  # the input changed in place
        return next((known[name] for name in node.inputs if name in known), None)
    return of(node.result)[0]


def _through_call(call: Call, given: list[tuple[Fields, Shape]]) -> list[Fields | None]:
    """Return the fields of each tensor that a call returned; gates of one position beside maps are not counted."""
    if not given:
        return [None] * len(call.shapes)
    largest = max(_pixels(*one) for one in given)
    counted = [one for one in given if _pixels(*one) > 1 or largest == 1]
    fields = joined([fields for fields, _ in counted])
    return [through(call, fields, counted[0][1], after) for after in call.shapes]


def _pixels(fields: Fields, shape: Shape) -> int:
    """Return the number of positions of a tensor: 1 for a vector and for maps of one pixel."""
    if fields.axes is not None:
        return fields.positions
    return math.prod(shape) if len(shape) == 3 and (1, 1) not in (shape[1:], shape[:2]) else 1
