"""Run the calls of a node again, on other numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from torch import Tensor

from ...nested import tensors_in
from .graph import Call, Node, Ref, Step
from .torch_functions import bind


def replay(
    node: Node,
    substitute: Callable[[Ref | Tensor, Call], Tensor],
    skip: Collection[str] = (),
    fill: float | None = None,
) -> Tensor:
    """Return the result of the node's calls, with `substitute(argument, call)` for every activation and weight.

    Calls named in `skip` return their first argument. `fill` is the value that constant padding gets instead of its
    own.
    """
    results: list[Any] = []

    def given(value: Any, call: Call) -> Any:
        if isinstance(value, Step):
            result = results[value.call]
            return result if value.part is None else tensors_in(result)[value.part]
        if isinstance(value, Ref | Tensor):
            return substitute(value, call)
        if type(value) in (tuple, list):
            return type(value)(given(part, call) for part in value)
        return value

    for call in node.calls:
        arguments = [given(value, call) for value in call.arguments]
        options = {key: given(value, call) for key, value in call.options.items()}
        if call.name in skip:
            result = arguments[0]
        elif call.name == "pad" and fill is not None and bind(call)["mode"] == "constant":
            result = call.function(arguments[0], bind(call)["pad"], value=fill)
        else:
            result = call.function(*arguments, **options)
        results.append(arguments[0] if result is None else result)
    assert node.result is not None
    return given(node.result, node.calls[-1])
