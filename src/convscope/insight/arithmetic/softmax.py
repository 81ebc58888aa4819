"""The arithmetic of softmax and of its logarithm."""

from __future__ import annotations

from math import exp, log

from ..tracing.graph import Call
from .unit import Arithmetic, Term, Unit, Unsupported, arguments_of, as_float64, as_index


def softmax(unit: Unit, call: Call) -> Arithmetic:
    """Return the share of one exponential in the sum of all, or the logarithm of the share.

    `product` of each term is its exponential, after the largest value was subtracted, so that nothing overflows.
    """
    given = arguments_of(call)
    if given["dim"] is None:
        raise Unsupported
    inputs, name = unit.tensor(given["input"]), unit.name(given["input"])
    axis = given["dim"] % inputs.ndim
    line = tuple(slice(None) if a == axis else i for a, i in enumerate(unit.batch_position))
    values = as_float64(inputs[line]).tolist()
    largest = max(values)
    powers = [exp(value - largest) for value in values]
    total, own = sum(powers), unit.batch_position[axis]
    terms = []
    for i, (value, power) in enumerate(zip(values, powers, strict=True)):
        position = (*unit.batch_position[:axis], i, *unit.batch_position[axis + 1 :])
        terms.append(Term(name, as_index(position[1:]), value, None, power, chosen=i == own))
    if call.name == "log_softmax":
        formula, result = "x - max - log(sum(exp(x - max)))", values[own] - largest - log(total)
    else:
        formula, result = "exp(x - max) / sum(exp(x - max))", powers[own] / total
    return unit.result("softmax", terms, formula, result, maximum=largest, sum=total)
