"""The arithmetic of operations that compute every output value from one value of each input."""

from __future__ import annotations

from math import copysign, inf
from typing import Any

import torch
from torch import Tensor

from ..tracing.graph import Call, Ref, Step
from ..tracing.replay import replay
from ..tracing.torch_functions import DROPOUTS, PASSES, bind
from .unit import Arithmetic, Term, Unit, Unsupported, arguments_of, as_float, as_float64, as_index

FORMULAS = {
    "relu": "max(0, x)", "relu6": "min(max(0, x), 6)", "sigmoid": "1 / (1 + exp(-x))", "tanh": "tanh(x)",
    "silu": "x / (1 + exp(-x))", "hardsigmoid": "min(max(0, x + 3), 6) / 6", "softplus": "log(1 + exp(x))",
    "hardswish": "x * min(max(0, x + 3), 6) / 6", "leaky_relu": "x if x > 0 else negative_slope * x",
    "elu": "x if x > 0 else alpha * (exp(x) - 1)", "gelu": "x * Phi(x)", "mish": "x * tanh(log(1 + exp(x)))",
    "hardtanh": "min(max(min_val, x), max_val)", "softsign": "x / (1 + |x|)", "prelu": "x if x > 0 else weight * x",
    "selu": "scale * (x if x > 0 else alpha * (exp(x) - 1))", "celu": "max(0, x) + min(0, alpha * (exp(x/alpha) - 1))",
    "log_sigmoid": "-log(1 + exp(-x))", "neg": "-x", "square": "x^2", "sqrt": "sqrt(x)", "exp": "exp(x)",
}  # fmt: skip


def aligned(unit: Unit, shape: torch.Size) -> tuple[int, ...]:
    """Return the position in a tensor of `shape` that broadcasting takes for this unit of the output."""
    full = unit.batch_position[len(unit.batch_position) - len(shape) :]
    return tuple(0 if size == 1 else i for i, size in zip(full, shape, strict=True))


def operand(unit: Unit, argument: Any) -> Term:
    """Return the one value of an argument as a term; a plain number is a "constant"."""
    argument = unit.source(argument)
    if isinstance(argument, bool | int | float):
        return Term("constant", [None, None, None], float(argument))
    tensor = unit.tensor(argument)
    position = aligned(unit, tensor.shape)
    # A tensor with all axes has the image in front; a weight may have fewer.
    in_image = position[1:] if isinstance(argument, Ref) or len(position) == len(unit.batch_position) else position
    return Term(unit.name(argument), as_index(in_image), as_float(tensor[position]))


def addition(unit: Unit, call: Call) -> Arithmetic:
    """Return the sum or the difference of two values."""
    given = arguments_of(call)
    first, second = operand(unit, given["input"]), operand(unit, given["other"])
    if call.name == "rsub":
        first, second = second, first
    factor = float(given.get("alpha", 1))
    for term, weight in ((first, 1.0), (second, factor if call.name == "add" else -factor)):
        term.weight, term.product = weight, weight * term.value
    return unit.result("sum", [first, second], "a + b" if call.name == "add" else "a - b")


def product(unit: Unit, call: Call) -> Arithmetic:
    """Return one value times (or divided by) another: a gate, a scale."""
    given = arguments_of(call)
    if given.get("rounding_mode") is not None:
        raise Unsupported
    term, factor = operand(unit, given["input"]), operand(unit, given["other"])
    term.weight = factor.value if call.name == "mul" else _inverse(factor.value)
    term.product = term.value * term.weight
    term.weight_from = {"input": factor.input, "index": factor.index}
    return unit.result("sum of products", [term], "a * b" if call.name == "mul" else "a / b")


def _inverse(value: float) -> float:
    return 1 / value if value else copysign(inf, value)


def larger_or_smaller(unit: Unit, call: Call) -> Arithmetic:
    """Return the larger or the smaller of two values."""
    given = arguments_of(call)
    terms = [operand(unit, given["input"]), operand(unit, given["other"])]
    best = (max if call.name == "maximum" else min)(terms, key=lambda term: term.value)
    best.chosen = True
    return unit.result("maximum", terms, f"{call.name[:3]}(a, b)", best.value)


def function(unit: Unit) -> Arithmetic:
    """Return the result of a chain of pointwise functions, called again on this one value in float64."""
    drawn = [call for call in unit.node.calls if call.name in DROPOUTS and bind(call)["training"]]
    if drawn:
        return _dropped(unit, drawn[0])
    terms: dict[str, Term] = {}

    def one_value(argument: Ref | Tensor, call: Call) -> Tensor:
        if isinstance(argument, Ref):
            terms.setdefault(argument.node, operand(unit, argument))
        tensor = unit.tensor(argument)
        if call.name == "prelu" and not isinstance(argument, Ref) and argument.ndim == 1 and len(argument) > 1:
            return as_float64(argument[unit.batch_position[1]]).reshape(1)
        one = tensor[aligned(unit, tensor.shape)].detach().cpu().reshape(1)
        return one.double() if one.is_floating_point() else one

    value = float(replay(unit.node, one_value, skip=PASSES | DROPOUTS))
    called = [call for call in unit.node.calls if call.name not in PASSES | DROPOUTS]
    parameters: dict[str, Any] = {}
    for call in called[:1] if len(called) == 1 else ():
        parameters = {
            key: as_float(v[unit.batch_position[1]] if v.numel() > 1 else v) if isinstance(v, Tensor) else v
            for key, v in bind(call).items()
            if key not in ("input", "inplace") and isinstance(v, bool | int | float | str | torch.nn.Parameter)
        }
    if not called:
        (term,) = terms.values()
        return unit.result("copy", [term], "x", value)
    if len(called) == 1:
        formula = FORMULAS.get(called[0].name, f"{called[0].name}(x)")
    else:
        formula = ", then ".join(_step(call) for call in called)
    return unit.result("function", terms.values(), formula, value, **parameters)


def _dropped(unit: Unit, call: Call) -> Arithmetic:
    """Return what dropout that is always on made of one value: 0, or more of it."""
    share = float(bind(call)["p"])
    if len(unit.node.calls) > 1 or call.name.endswith("alpha_dropout") or share >= 1:
        raise Unsupported
    term = operand(unit, bind(call)["input"])
    term.weight = 0.0 if float(unit.output[unit.batch_position]) == 0 else 1 / (1 - share)
    term.product = term.value * term.weight
    return unit.result("function", [term], "x / (1 - p), or 0 where it was dropped", p=share)


def _step(call: Call) -> str:
    """Return one call of a chain in words: `mul 0.67`."""
    numbers = [f"{v:.6g}" for v in call.arguments[1:] if isinstance(v, int | float) and not isinstance(v, bool)]
    if any(isinstance(v, Step | Ref) for v in call.arguments[1:]):
        numbers.append("x" if isinstance(call.arguments[1], Ref) else "...")
    return " ".join([call.name, *numbers])
