"""The arithmetic of mean, sum, maximum and minimum over whole axes, such as global average pooling."""

from __future__ import annotations

from itertools import product
from typing import Any

from torch import Tensor

from ..tracing.graph import Call
from .unit import Arithmetic, Term, Unit, arguments_of, as_float64, as_index


def reduction(unit: Unit, call: Call) -> Arithmetic:
    """Return the mean, the sum, the largest or the smallest value over one or more axes."""
    given = arguments_of(call)
    inputs, name = unit.tensor(given["input"]), unit.name(given["input"])
    axes = _axes(given["dim"], inputs)
    rest = iter([i for axis, i in enumerate(unit.batch_position) if not given["keepdim"] or axis not in axes])
    ranges = [range(size) if axis in axes else [next(rest)] for axis, size in enumerate(inputs.shape)]
    values = inputs[tuple(slice(None) if axis in axes else r[0] for axis, r in enumerate(ranges))].flatten()
    n = len(values)
    weight = {"mean": 1 / n, "sum": 1.0}.get(call.name)
    terms = [
        Term(name, as_index(position[1:]), value, weight, None if weight is None else value * weight)
        for position, value in zip(product(*ranges), as_float64(values).tolist(), strict=True)
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
