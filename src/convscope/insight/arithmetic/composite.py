"""The arithmetic of operations without a formula here: explained by the layer itself, or by local gradients."""

from __future__ import annotations

from contextlib import ExitStack
from math import isfinite, sqrt
from typing import Any

import torch
from torch import Tensor, nn

from ..tracing.graph import Call, Ref
from ..tracing.hooks import in_evaluation
from ..tracing.replay import replay
from .unit import Arithmetic, Term, Unit, as_float64, as_index

MOST_TERMS = 4096


def by_layer(unit: Unit, module: nn.Module) -> Arithmetic:
    """Return the arithmetic that a layer gives with its method `terms(inputs, index)`, for inputs of one image."""
    inputs = [unit.trace.output(name)[unit.image].detach().cpu() for name in unit.node.inputs]
    with torch.no_grad():
        explained: dict[str, Any] = module.terms([t.double() for t in inputs], unit.position)  # type: ignore[operator]
    terms = []
    for given in explained.get("terms", ()):
        term = Term(**{"input": unit.node.inputs[0], **given})
        term.index = as_index(term.index)
        if term.product is None and term.weight is not None:
            term.product = term.value * term.weight
        terms.append(term)
    grid = explained.get("grid") or {}
    window = (grid["height"], grid["width"]) if grid else (1, 1)
    return unit.result(
        explained.get("operation", "sum of products"), terms, explained.get("formula", ""), explained.get("value"),
        explained.get("bias"), grid.get("channels"), window, **explained.get("parameters", {}),
    )  # fmt: skip


def by_gradient(unit: Unit) -> Arithmetic:
    """Return the inputs that this value depends on, each with its local gradient as weight.

    At most `MOST_TERMS`, those with the largest products. Where the operation cannot run again (or has no gradient)
    there are no terms, and `value` is the network's. ValueError if it runs again with another value.
    """
    network_value, others = float(unit.output[unit.batch_position]), []
    for precise in (True, False):
        try:
            value, gradients = _differentiated(unit, precise)
        except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
            continue
        if not _is_near(unit, value, network_value):
            others.append(value)
            continue
        terms = [term for name, pair in gradients.items() for term in _terms(unit, name, *pair)]
        strongest = sorted(terms, key=lambda term: abs(term.product or 0.0), reverse=True)[:MOST_TERMS]
        kept = {id(term) for term in strongest}
        largest = [term for term in terms if id(term) in kept]
        return unit.result("composite", largest, "weights are local gradients", value, inputs=len(terms))
    if others:
        raise ValueError(
            f"{unit.node.name}: when it runs again it gives {others[-1]:.6g}, not the network's {network_value:.6g}: "
            "it draws random numbers, or takes some that the network changed later"
        )
    return unit.result("composite", [], "", network_value, inputs=0)


def _is_near(unit: Unit, value: float, network_value: float) -> bool:
    """Tell whether two values differ by rounding alone, in the precision of the network."""
    if value == network_value or not isfinite(value) or not isfinite(network_value):
        return value == network_value or isfinite(value) == isfinite(network_value)
    if not unit.output.is_floating_point():
        return False
    largest = float(unit.output.detach().abs().nan_to_num(0, 0).max())
    return abs(value - network_value) <= sqrt(torch.finfo(unit.output.dtype).eps) * max(largest, abs(value))


def _differentiated(unit: Unit, precise: bool) -> tuple[float, dict[str, tuple[Tensor, Tensor]]]:
    """Run the node's calls again; return the unit's value and, for each input node, values and gradients.

    `precise` computes in float64, which not every operation can.
    """
    leaves: dict[str, Tensor] = {}

    def leaf(argument: Ref | Tensor, call: Call) -> Tensor:
        tensor = unit.tensor(argument).detach()
        if precise:
            tensor = as_float64(tensor) if tensor.is_floating_point() else tensor.cpu()
        if not isinstance(argument, Ref):
            return tensor
        if argument.node not in leaves:
            leaves[argument.node] = tensor.clone().requires_grad_(tensor.is_floating_point())
        return leaves[argument.node].clone()  # a call may change it in place

    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for call in unit.node.calls:
            if isinstance(call.function, nn.Module):
                stack.enter_context(in_evaluation(call.function))
        if not unit.node.calls:
            raise RuntimeError("it has no calls")
        one = replay(unit.node, leaf)[unit.batch_position]
        inputs = {name: values for name, values in leaves.items() if values.requires_grad}
        found = torch.autograd.grad(one, list(inputs.values()), allow_unused=True)
    pairs = zip(inputs.items(), found, strict=True)
    return float(one.detach()), {name: (v.detach(), gradient) for (name, v), gradient in pairs if gradient is not None}


def _terms(unit: Unit, name: str, values: Tensor, gradient: Tensor) -> list[Term]:
    values, gradient = as_float64(values), as_float64(gradient)
    positions = gradient.nonzero()
    rows = zip(positions.tolist(), values[gradient != 0].tolist(), gradient[gradient != 0].tolist(), strict=True)
    return [
        Term(
            name, as_index(position), value, weight, value * weight,
            image=image if image != unit.image and len(values) > 1 else None,
        )
        for (image, *position), value, weight in rows
    ]  # fmt: skip
