"""Operations with an arithmetic of their own: told by the layer, or measured by the gradient."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from ..tracing.graph import Call, Ref
from ..tracing.hooks import in_evaluation
from ..tracing.replay import replay
from .unit import Arithmetic, Term, Unit, exact, shown

MOST_TERMS = 4096


def told_by_the_layer(unit: Unit, module: nn.Module) -> Arithmetic:
    """What `module.terms(inputs, index)` says; `inputs` are those of the one image, without N."""
    inputs = [unit.trace.output(name)[unit.image].detach().cpu() for name in unit.node.inputs]
    with torch.no_grad():
        said: dict[str, Any] = module.terms([tensor.double() for tensor in inputs], unit.place)  # type: ignore[operator]
    terms = []
    for given in said.get("terms", ()):
        term = Term(**{"input": unit.node.inputs[0], **given})
        term.index = shown(term.index)
        if term.product is None and term.weight is not None:
            term.product = term.value * term.weight
        terms.append(term)
    grid = said.get("grid") or {}
    window = (grid["height"], grid["width"]) if grid else (1, 1)
    return unit.result(
        said.get("operation", "sum of products"), terms, said.get("formula", ""), said.get("value"), said.get("bias"),
        grid.get("channels"), window, **said.get("parameters", {}),
    )  # fmt: skip


def composite(unit: Unit) -> Arithmetic:
    """The inputs that this value depends on, each with its local gradient as weight.

    At most `MOST_TERMS`, those with the largest share. Where the operation cannot be done again (or has no gradient)
    there are no terms, and `value` is the network's.
    """
    for precise in (True, False):
        try:
            value, gradients = _differentiated(unit, precise)
        except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
            continue
        terms = [term for name, pair in gradients.items() for term in _terms(unit, name, *pair)]
        strongest = sorted(terms, key=lambda term: abs(term.product or 0.0), reverse=True)[:MOST_TERMS]
        kept = {id(term) for term in strongest}
        shown_terms = [term for term in terms if id(term) in kept]
        return unit.result("composite", shown_terms, "weights are local gradients", value, inputs=len(terms))
    value = float(unit.output[unit.full])
    return unit.result("composite", [], "", value, inputs=0)


def _differentiated(unit: Unit, precise: bool) -> tuple[float, dict[str, tuple[Tensor, Tensor]]]:
    leaves: dict[str, Tensor] = {}

    def look(argument: Ref | Tensor, call: Call) -> Tensor:
        tensor = unit.tensor(argument).detach()
        if precise:
            tensor = exact(tensor) if tensor.is_floating_point() else tensor.cpu()
        if not isinstance(argument, Ref):
            return tensor
        if argument.node not in leaves:
            leaves[argument.node] = tensor.clone().requires_grad_(tensor.is_floating_point())
        return leaves[argument.node].clone()  # which may be changed in place

    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for call in unit.node.calls:
            if isinstance(call.function, nn.Module):
                stack.enter_context(in_evaluation(call.function))
        if not unit.node.calls:
            raise RuntimeError("nothing to do again")
        one = replay(unit.node, look)[unit.full]
        inputs = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
        found = torch.autograd.grad(one, list(inputs.values()), allow_unused=True)
    pairs = zip(inputs.items(), found, strict=True)
    return float(one.detach()), {name: (leaf.detach(), grad) for (name, leaf), grad in pairs if grad is not None}


def _terms(unit: Unit, name: str, values: Tensor, gradient: Tensor) -> list[Term]:
    image = unit.image if unit.image < len(values) else 0
    values, gradient = exact(values[image]), exact(gradient[image])
    places = gradient.nonzero()
    rows = zip(places.tolist(), values[gradient != 0].tolist(), gradient[gradient != 0].tolist(), strict=True)
    return [Term(name, shown(place), value, weight, value * weight) for place, value, weight in rows]
