"""Operations that only put numbers elsewhere: concatenation, flattening, slicing, padding."""

from __future__ import annotations

import torch
from torch import Tensor

from ..tracing.graph import Call, Ref
from ..tracing.replay import replay
from ..tracing.torch_functions import PASSES, bind
from .unit import Arithmetic, Term, Unit, Unsupported, number, shown


def unchanged(unit: Unit, source: Ref) -> Arithmetic:
    """The same place of the input."""
    value = number(unit.tensor(source)[unit.full])
    return unit.result("copy", [Term(source.node, shown(unit.place), value, 1.0, value)], "x")


def moved(unit: Unit) -> Arithmetic:
    """The one input value that lies here now: the operation is done once more on numbers that count the places."""
    counted: list[tuple[Ref | Tensor, Tensor, int]] = []
    total = 1  # 0 is what a padding puts in

    def look(argument: Ref | Tensor, call: Call) -> Tensor:
        nonlocal total
        tensor = unit.tensor(argument)
        if not isinstance(argument, Ref) and not tensor.is_floating_point():
            return tensor  # an index
        counted.append((argument, tensor, total))
        places = torch.arange(total, total + tensor.numel(), dtype=torch.float64).view(tensor.shape)
        total += tensor.numel()
        return places

    fill = 0.0
    for call in unit.node.calls:
        if call.name == "pad" and bind(call)["mode"] == "constant":
            fill = number(bind(call)["value"], 0.0)
        if call.name == "setitem" and isinstance(call.arguments[2], int | float):
            raise Unsupported
    position = int(replay(unit.node, look, skip=PASSES, fill=0.0)[unit.full])
    if position == 0:
        term = Term(unit.node.inputs[0], [None, None, None], fill, 1.0, fill, padded=True)
        return unit.result("copy", [term], "x")
    argument, tensor, start = next(entry for entry in reversed(counted) if position >= entry[2])
    place = tuple(int(i) for i in torch.unravel_index(torch.tensor(position - start), tensor.shape))
    value = number(tensor[place])
    rest = place[1:] if len(place) == unit.output.ndim or isinstance(argument, Ref) else place
    return unit.result("copy", [Term(unit.name(argument), shown(rest), value, 1.0, value)], "x")
