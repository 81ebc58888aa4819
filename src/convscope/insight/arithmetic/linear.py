"""The arithmetic of linear layers and matrix products."""

from __future__ import annotations

from typing import Any

from ..tracing.graph import Call
from .unit import Arithmetic, Term, Unit, Unsupported, arguments_of, as_float, as_float64, as_index


def linear(unit: Unit, call: Call) -> Arithmetic:
    """Return the sum of every input times its weight, plus the bias."""
    given = arguments_of(call)
    inputs, weight, name = unit.tensor(given["input"]), unit.tensor(given["weight"]), unit.name(given["input"])
    *before, out = unit.batch_position
    values, weights = as_float64(inputs[tuple(before)]).tolist(), as_float64(weight[out]).tolist()
    bias = None if given["bias"] is None else as_float(unit.tensor(given["bias"])[out])
    terms = [
        Term(name, as_index((*before[1:], i)), value, w, value * w)
        for i, (value, w) in enumerate(zip(values, weights, strict=True))
    ]
    return unit.result("sum of products", terms, "sum(w * x)" + ("" if bias is None else " + b"), bias=bias)


def matmul(unit: Unit, call: Call) -> Arithmetic:
    """Return a row of the first matrix times a column of the second."""
    given = call.arguments
    left, right = unit.tensor(given[0]), unit.tensor(given[1])
    if left.ndim != right.ndim or left.ndim < 2 or left.ndim != unit.output.ndim:
        raise Unsupported
    *batch, row, column = unit.batch_position
    rows = [0 if size == 1 else i for i, size in zip(batch, left.shape, strict=False)]
    columns = [0 if size == 1 else i for i, size in zip(batch, right.shape, strict=False)]
    whole_row: tuple[Any, ...] = (*rows, row)
    whole_column: tuple[Any, ...] = (*columns, slice(None), column)
    values, factors = as_float64(left[whole_row]).tolist(), as_float64(right[whole_column]).tolist()
    terms = [
        Term(
            unit.name(given[0]), as_index((*rows, row, k)[1:]), value, factor, value * factor,
            weight_from={"input": unit.name(given[1]), "index": as_index((*columns, k, column)[1:])},
        )
        for k, (value, factor) in enumerate(zip(values, factors, strict=True))
    ]  # fmt: skip
    return unit.result("sum of products", terms, "sum(a * b)")
