"""Linear layers, products of matrices, and sums over whole axes."""

from __future__ import annotations

from itertools import product
from typing import Any

from torch import Tensor

from ..tracing.graph import Call
from .unit import Arithmetic, Term, Unit, Unsupported, exact, number, settings, shown


def linear(unit: Unit, call: Call) -> Arithmetic:
    """The sum of every input times its weight, plus the bias."""
    given = settings(call)
    inputs, weight, name = unit.tensor(given["input"]), unit.tensor(given["weight"]), unit.name(given["input"])
    *before, out = unit.full
    values, weights = exact(inputs[tuple(before)]).tolist(), exact(weight[out]).tolist()
    bias = None if given["bias"] is None else number(unit.tensor(given["bias"])[out])
    terms = [
        Term(name, shown((*before[1:], i)), value, w, value * w)
        for i, (value, w) in enumerate(zip(values, weights, strict=True))
    ]
    return unit.result("sum of products", terms, "sum(w * x)" + ("" if bias is None else " + b"), bias=bias)


def matmul(unit: Unit, call: Call) -> Arithmetic:
    """A row of the first times a column of the second."""
    given = call.arguments
    left, right = unit.tensor(given[0]), unit.tensor(given[1])
    if left.ndim != right.ndim or left.ndim < 2 or left.ndim != unit.output.ndim:
        raise Unsupported
    *batch, row, column = unit.full
    rows = [0 if size == 1 else i for i, size in zip(batch, left.shape, strict=False)]
    columns = [0 if size == 1 else i for i, size in zip(batch, right.shape, strict=False)]
    row_place: tuple[Any, ...] = (*rows, row)
    column_place: tuple[Any, ...] = (*columns, slice(None), column)
    values, factors = exact(left[row_place]).tolist(), exact(right[column_place]).tolist()
    terms = [
        Term(
            unit.name(given[0]), shown((*rows, row, k)[1:]), value, factor, value * factor,
            weight_from={"input": unit.name(given[1]), "index": shown((*columns, k, column)[1:])},
        )
        for k, (value, factor) in enumerate(zip(values, factors, strict=True))
    ]  # fmt: skip
    return unit.result("sum of products", terms, "sum(a * b)")


def reduction(unit: Unit, call: Call) -> Arithmetic:
    """Mean, sum or largest over one or more axes: global average pooling, for one."""
    given = settings(call)
    inputs, name = unit.tensor(given["input"]), unit.name(given["input"])
    axes = _axes(given["dim"], inputs)
    rest = iter([i for axis, i in enumerate(unit.full) if not given["keepdim"] or axis not in axes])
    ranges = [range(size) if axis in axes else [next(rest)] for axis, size in enumerate(inputs.shape)]
    picked = exact(inputs[tuple(slice(None) if axis in axes else r[0] for axis, r in enumerate(ranges))])
    values = picked.flatten().tolist()
    n = len(values)
    weight = {"mean": 1 / n, "sum": 1.0}.get(call.name)
    terms = [
        Term(name, shown(place[1:]), value, weight, None if weight is None else value * weight)
        for place, value in zip(product(*ranges), values, strict=True)
    ]
    grid: dict[str, Any] = {}
    if axes == {2, 3} and inputs.ndim == 4:
        grid = {"channels": [ranges[1][0]], "window": tuple(inputs.shape[2:])}
    if call.name == "mean":
        return unit.result("average", terms, "sum(x) / n", n=n, **grid)
    if call.name == "sum":
        return unit.result("sum", terms, "sum(x)", **grid)
    best = (max if call.name == "amax" else min)(terms, key=lambda term: term.value)
    best.chosen = True
    return unit.result("maximum", terms, f"{call.name[1:]}(x)", best.value, **grid)


def _axes(dim: Any, inputs: Tensor) -> set[int]:
    if dim is None or dim == ():
        return set(range(inputs.ndim))
    return {axis % inputs.ndim for axis in ([dim] if isinstance(dim, int) else dim)}
