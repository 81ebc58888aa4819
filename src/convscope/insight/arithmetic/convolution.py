"""Convolutions and pools: a window over the maps."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf, isnan
from typing import Any

import torch
from torch import Tensor

from ..tracing.graph import Call, Step
from ..tracing.torch_functions import pair
from .unit import Arithmetic, Term, Unit, Unsupported, exact, number, settings


@dataclass
class Maps:
    """The maps that a window slides over, with what a padding before it has put around them."""

    name: str
    tensor: Tensor  # C x H x W of the one image
    before: tuple[int, int] = (0, 0)
    after: tuple[int, int] = (0, 0)
    mode: str = "constant"
    fill: float = 0.0

    @property
    def size(self) -> tuple[int, int]:
        """Height and width with the padding."""
        height, width = self.tensor.shape[1:]
        return height + self.before[0] + self.after[0], width + self.before[1] + self.after[1]

    def look(self, place: int | None, axis: int) -> tuple[int | None, int | None, float]:
        """A row (axis 0) or column (1) of the padded maps: its number, the one whose value it has, or what fills it."""
        if place is None:
            return None, None, 0.0
        size, here = self.tensor.shape[1 + axis], place - self.before[axis]
        if 0 <= here < size:
            return here, here, 0.0
        if not 0 <= place < self.size[axis]:
            return here, None, 0.0
        if self.mode == "constant":
            return here, None, self.fill
        if self.mode == "circular":
            return here, here % size, 0.0
        if self.mode == "replicate":
            return here, min(max(here, 0), size - 1), 0.0
        if self.mode == "reflect":
            return here, -here if here < 0 else 2 * (size - 1) - here, 0.0
        raise Unsupported

    def taps(
        self, channels: range, rows: list[int | None], columns: list[int | None], weights: Any = None
    ) -> list[Term]:
        """A term for every place of the window; `weights` are channels x rows x columns."""
        ys, xs = [self.look(row, 0) for row in rows], [self.look(column, 1) for column in columns]
        block = self.tensor[channels.start : channels.stop]
        block = block[:, [y or 0 for _, y, _ in ys]][:, :, [x or 0 for _, x, _ in xs]]
        values = exact(block).tolist()
        terms = []
        for c, channel in enumerate(channels):
            for i, (y, source_y, fill_y) in enumerate(ys):
                for j, (x, source_x, fill_x) in enumerate(xs):
                    outside = source_y is None or source_x is None
                    value = (fill_y or fill_x) if outside else values[c][i][j]
                    weight = None if weights is None else weights[c][i][j]
                    product = None if weight is None else value * weight
                    padded = outside or y != source_y or x != source_x
                    terms.append(Term(self.name, [channel, y, x], value, weight, product, padded))
        return terms


def maps_behind(unit: Unit, argument: Any) -> Maps:
    """The maps that a window takes, seen through a padding that the same layer put around them."""
    if isinstance(argument, Step) and unit.node.calls[argument.call].name == "pad":
        padding = settings(unit.node.calls[argument.call])
        sides = [int(side) for side in padding["pad"]]
        if len(sides) != 4:
            raise Unsupported
        inner = maps_behind(unit, padding["input"])
        return Maps(
            inner.name, inner.tensor, (sides[2], sides[0]), (sides[3], sides[1]), padding["mode"],
            number(padding["value"], 0.0),
        )  # fmt: skip
    tensor = unit.tensor(argument)
    if tensor.ndim != 4 or len(unit.place) != 3:
        raise Unsupported
    return Maps(unit.name(argument), tensor[unit.image])


def positions(start: int, kernel: int, dilation: int) -> list[int | None]:
    """Rows or columns of a window."""
    return [start + k * dilation for k in range(kernel)]


def convolution(unit: Unit, call: Call) -> Arithmetic:
    """The sum over the window of value times weight, plus the bias of the map."""
    given = settings(call)
    maps, weight = maps_behind(unit, given["input"]), unit.tensor(given["weight"])
    stride, dilation, kernel = pair(given["stride"]), pair(given["dilation"]), pair(weight.shape[2:])
    if isinstance(given["padding"], str):
        padding = tuple(d * (k - 1) // 2 if given["padding"] == "same" else 0
                        for d, k in zip(dilation, kernel, strict=True))  # fmt: skip
    else:
        padding = pair(given["padding"])
    channel, *place = unit.place
    rows, columns = (positions(place[a] * stride[a] - padding[a], kernel[a], dilation[a]) for a in (0, 1))
    inputs = weight.shape[1]
    first = channel // (len(weight) // given["groups"]) * inputs
    channels = range(first, first + inputs)
    bias = None if given["bias"] is None else number(unit.tensor(given["bias"])[channel])
    return unit.result(
        "sum of products", maps.taps(channels, rows, columns, exact(weight[channel]).tolist()),
        "sum(w * x)" + ("" if bias is None else " + b"), bias=bias, channels=list(channels), window=kernel,
    )  # fmt: skip


def transposed_convolution(unit: Unit, call: Call) -> Arithmetic:
    """Every input spreads the kernel around itself; here, the inputs whose kernels reach this place."""
    given = settings(call)
    maps, weight = maps_behind(unit, given["input"]), unit.tensor(given["weight"])
    stride, dilation, padding = pair(given["stride"]), pair(given["dilation"]), pair(given["padding"])
    kernel = pair(weight.shape[2:])
    channel, *place = unit.place
    rows: list[int | None] = []
    columns: list[int | None] = []
    for axis, reached in enumerate((rows, columns)):
        offsets = [place[axis] + padding[axis] - k * dilation[axis] for k in range(kernel[axis])]
        reached += [o // stride[axis] if o % stride[axis] == 0 else None for o in offsets]
    inputs = len(weight) // given["groups"]
    group, own = divmod(channel, weight.shape[1])
    channels = range(group * inputs, (group + 1) * inputs)
    bias = None if given["bias"] is None else number(unit.tensor(given["bias"])[channel])
    weights = exact(weight[channels.start : channels.stop, own]).tolist()
    return unit.result(
        "sum of products", maps.taps(channels, rows, columns, weights), "sum(w * x)" + ("" if bias is None else " + b"),
        bias=bias, channels=list(channels), window=kernel,
    )  # fmt: skip


def max_pool(unit: Unit, call: Call) -> Arithmetic:
    """The largest of the window; a border takes no part."""
    given = settings(call)
    maps = maps_behind(unit, given["input"])
    kernel, stride = pair(given["kernel_size"]), pair(given["stride"])
    padding, dilation = pair(given["padding"]), pair(given["dilation"])
    channel, *place = unit.place
    rows, columns = (positions(place[a] * stride[a] - padding[a], kernel[a], dilation[a]) for a in (0, 1))
    return _maximum(unit, maps, channel, rows, columns)


def _maximum(unit: Unit, maps: Maps, channel: int, rows: list[int | None], columns: list[int | None]) -> Arithmetic:
    terms = maps.taps(range(channel, channel + 1), rows, columns)
    inside = [
        term for term in terms
        if _within(maps, term) and not (term.padded and isinf(term.value))
    ]  # fmt: skip
    best = next((t for t in inside if isnan(t.value)), None) or max(inside, key=lambda term: term.value)
    best.chosen = True
    for term in terms:
        if isinf(term.value) and term.padded:  # no number that JSON knows, and it takes no part
            term.value = 0.0
    return unit.result(
        "maximum", terms, "max(x)", best.value, channels=[channel], window=(len(rows), len(columns))
    )  # fmt: skip


def _within(maps: Maps, term: Term) -> bool:
    """Inside of the maps and of what a padding layer put around them."""
    _, y, x = term.index
    assert y is not None and x is not None
    return 0 <= y + maps.before[0] < maps.size[0] and 0 <= x + maps.before[1] < maps.size[1]


def average_pool(unit: Unit, call: Call) -> Arithmetic:
    """The sum of the window, divided by its size, by what of it is inside, or by a given number."""
    given = settings(call)
    maps = maps_behind(unit, given["input"])
    kernel, stride, padding = pair(given["kernel_size"]), pair(given["stride"]), pair(given["padding"])
    channel, *place = unit.place
    starts = [place[a] * stride[a] - padding[a] for a in (0, 1)]
    rows, columns = (positions(starts[a], kernel[a], 1) for a in (0, 1))
    counted, inside = 1, 1
    for start, k, size, p in zip(starts, kernel, maps.size, padding, strict=True):
        counted *= min(start + k, size + p) - start
        inside *= min(start + k, size) - max(start, 0)
    divisor = given["divisor_override"] or (counted if given["count_include_pad"] else inside)
    return _average(unit, maps, channel, rows, columns, divisor)


def _average(
    unit: Unit, maps: Maps, channel: int, rows: list[int | None], columns: list[int | None], divisor: int
) -> Arithmetic:
    weights = torch.full((1, len(rows), len(columns)), 1 / divisor, dtype=torch.float64).tolist()
    return unit.result(
        "average", maps.taps(range(channel, channel + 1), rows, columns, weights), "sum(x) / n", channels=[channel],
        window=(len(rows), len(columns)), n=divisor,
    )  # fmt: skip


def adaptive_pool(unit: Unit, call: Call) -> Arithmetic:
    """Windows that divide the map into as many parts as there are outputs; they may overlap by one."""
    maps = maps_behind(unit, settings(call)["input"])
    channel, *place = unit.place
    rows: list[int | None] = []
    columns: list[int | None] = []
    for axis, window in enumerate((rows, columns)):
        size, parts, i = maps.size[axis], unit.node.shape[1 + axis], place[axis]
        window += range(i * size // parts, -(-(i + 1) * size // parts))
    if "max" in call.name:
        return _maximum(unit, maps, channel, rows, columns)
    return _average(unit, maps, channel, rows, columns, len(rows) * len(columns))
