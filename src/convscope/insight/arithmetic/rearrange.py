"""The arithmetic of operations that only rearrange numbers: concatenation, flattening, slicing, padding."""

from __future__ import annotations

import torch
from torch import Tensor

from ...nested import leaves
from ..tracing.graph import Call, Ref
from ..tracing.replay import replay
from ..tracing.torch_functions import PASSES, bind
from .unit import Arithmetic, Term, Unit, Unsupported, as_float, as_index


def unchanged(unit: Unit, source: Ref) -> Arithmetic:
    """Return the value at the same position of the input."""
    value = as_float(unit.tensor(source)[unit.batch_position])
    return unit.result("copy", [Term(source.node, as_index(unit.position), value, 1.0, value)], "x")


def rearranged(unit: Unit) -> Arithmetic:
    """Return the one input value that is at this position now.

    To find it, the operation runs again on tensors in which every number is the number of its own position.
    """
    numbered: list[tuple[Ref | Tensor, Tensor, int]] = []
    total = 1  # 0 is what padding fills in

    def numbers(argument: Ref | Tensor, call: Call) -> Tensor:
        nonlocal total
        tensor = unit.tensor(argument)
        if not tensor.is_floating_point() and (not isinstance(argument, Ref) or _is_index(argument, call)):
            return tensor
        numbered.append((argument, tensor, total))
        positions = torch.arange(total, total + tensor.numel(), dtype=torch.float64).view(tensor.shape)
        total += tensor.numel()
        return positions

    fill = 0.0
    for call in unit.node.calls:
        if call.name == "pad" and bind(call)["mode"] == "constant":
            fill = as_float(bind(call)["value"], 0.0)
        if call.name == "setitem" and isinstance(call.arguments[2], int | float):
            raise Unsupported
    number = int(replay(unit.node, numbers, skip=PASSES, fill=0.0)[unit.batch_position])
    if number == 0:
        term = Term(unit.node.inputs[0], [None, None, None], fill, 1.0, fill, padded=True)
        return unit.result("copy", [term], "x")
    argument, tensor, first = next(entry for entry in reversed(numbered) if number >= entry[2])
    position = tuple(int(i) for i in torch.unravel_index(torch.tensor(number - first), tensor.shape))
    value = as_float(tensor[position])
    with_image = len(position) == unit.output.ndim or isinstance(argument, Ref)
    index = as_index(position[1:] if with_image else position)
    image = position[0] if isinstance(argument, Ref) and position and position[0] != unit.image else None
    return unit.result("copy", [Term(unit.name(argument), index, value, 1.0, value, image=image)], "x")


def _is_index(argument: Ref, call: Call) -> bool:
    """Tell whether an activation says which numbers are taken or overwritten, such as a mask."""
    where = call.arguments[1:2] if call.name in ("getitem", "setitem") else call.arguments[2:3]
    return any(argument == leaf for leaf in leaves(where)) and argument != call.arguments[0]
