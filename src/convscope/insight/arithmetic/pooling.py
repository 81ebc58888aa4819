"""The arithmetic of maximum, average and adaptive pooling."""

from __future__ import annotations

from math import isinf, isnan

import torch

from ..tracing.graph import Call
from ..tracing.torch_functions import pair
from .padded_maps import PaddedMaps, padded_maps, window_positions
from .unit import Arithmetic, Term, Unit, arguments_of


def max_pool(unit: Unit, call: Call) -> Arithmetic:
    """Return the largest value of the window; a border takes no part."""
    given = arguments_of(call)
    maps = padded_maps(unit, given["input"])
    kernel, stride = pair(given["kernel_size"]), pair(given["stride"])
    padding, dilation = pair(given["padding"]), pair(given["dilation"])
    channel, *position = unit.position
    rows, columns = (
        window_positions(position[a] * stride[a] - padding[a], kernel[a], dilation[a]) for a in (0, 1)
    )  # fmt: skip
    return _maximum(unit, maps, channel, rows, columns)


def average_pool(unit: Unit, call: Call) -> Arithmetic:
    """Return the sum of the window, divided by its size, by what of it is inside, or by a given number."""
    given = arguments_of(call)
    maps = padded_maps(unit, given["input"])
    kernel, stride, padding = pair(given["kernel_size"]), pair(given["stride"]), pair(given["padding"])
    channel, *position = unit.position
    starts = [position[a] * stride[a] - padding[a] for a in (0, 1)]
    rows, columns = (window_positions(starts[a], kernel[a], 1) for a in (0, 1))
    counted, inside = 1, 1
    for start, k, size, p in zip(starts, kernel, maps.size, padding, strict=True):
        counted *= min(start + k, size + p) - start
        inside *= min(start + k, size) - max(start, 0)
    divisor = given["divisor_override"] or (counted if given["count_include_pad"] else inside)
    return _average(unit, maps, channel, rows, columns, divisor)


def adaptive_pool(unit: Unit, call: Call) -> Arithmetic:
    """Return the maximum or the mean of the window that divides the map into as many parts as there are outputs.

    Windows may overlap by one row or column.
    """
    maps = padded_maps(unit, arguments_of(call)["input"])
    channel, *position = unit.position
    rows: list[int | None] = []
    columns: list[int | None] = []
    for axis, window in enumerate((rows, columns)):
        size, parts, i = maps.size[axis], unit.node.shape[1 + axis], position[axis]
        window += range(i * size // parts, -(-(i + 1) * size // parts))
    if "max" in call.name:
        return _maximum(unit, maps, channel, rows, columns)
    return _average(unit, maps, channel, rows, columns, len(rows) * len(columns))


def _maximum(
    unit: Unit, maps: PaddedMaps, channel: int, rows: list[int | None], columns: list[int | None]
) -> Arithmetic:
    terms = maps.terms(range(channel, channel + 1), rows, columns)
    inside = [
        term for term in terms
        if _within(maps, term) and not (term.padded and isinf(term.value))
    ]  # fmt: skip
    best = next((t for t in inside if isnan(t.value)), None) or max(inside, key=lambda term: term.value)
    best.chosen = True
    for term in terms:
        if isinf(term.value) and term.padded:  # it takes no part, and JSON has no infinity
            term.value = 0.0
    return unit.result(
        "maximum", terms, "max(x)", best.value, channels=[channel], window=(len(rows), len(columns))
    )  # fmt: skip


def _within(maps: PaddedMaps, term: Term) -> bool:
    """Tell whether a term lies in the maps or in what a padding layer put around them."""
    _, y, x = term.index
    assert y is not None and x is not None
    return 0 <= y + maps.before[0] < maps.size[0] and 0 <= x + maps.before[1] < maps.size[1]


def _average(
    unit: Unit, maps: PaddedMaps, channel: int, rows: list[int | None], columns: list[int | None], divisor: int
) -> Arithmetic:
    weights = torch.full((1, len(rows), len(columns)), 1 / divisor, dtype=torch.float64).tolist()
    return unit.result(
        "average", maps.terms(range(channel, channel + 1), rows, columns, weights), "sum(x) / n", channels=[channel],
        window=(len(rows), len(columns)), n=divisor,
    )  # fmt: skip
