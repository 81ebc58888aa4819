"""One output value of a network taken apart into the numbers that made it."""

from __future__ import annotations

from collections.abc import Callable

from ..tracing.graph import Call, Ref, Step, Trace
from ..tracing.torch_functions import JOINS, MOVES, PASSES, POINTWISE, REDUCTIONS
from . import convolution, linear, norms, pointwise, rearrange
from .composite import composite, told_by_the_layer
from .unit import Arithmetic, Term, Unit, Unsupported

__all__ = ["Arithmetic", "Term", "arithmetic"]

Handler = Callable[[Unit, Call], Arithmetic]
HANDLERS: dict[str, Handler] = {
    "conv2d": convolution.convolution,
    "conv_transpose2d": convolution.transposed_convolution,
    "max_pool2d": convolution.max_pool,
    "avg_pool2d": convolution.average_pool,
    "adaptive_max_pool2d": convolution.adaptive_pool,
    "adaptive_avg_pool2d": convolution.adaptive_pool,
    "linear": linear.linear,
    "matmul": linear.matmul,
    "bmm": linear.matmul,
    "mm": linear.matmul,
    **dict.fromkeys(REDUCTIONS, linear.reduction),
    "batch_norm": norms.batch_norm,
    "instance_norm": norms.instance_norm,
    "layer_norm": norms.layer_norm,
    "group_norm": norms.group_norm,
    "local_response_norm": norms.local_response_norm,
    "softmax": norms.softmax,
    "log_softmax": norms.softmax,
    **dict.fromkeys(("add", "sub", "rsub"), pointwise.addition),
    **dict.fromkeys(("mul", "div"), pointwise.product),
    **dict.fromkeys(("maximum", "minimum"), pointwise.extreme),
}


def arithmetic(
    trace: Trace, name: str, channel: int, y: int | None = None, x: int | None = None, image: int = 0
) -> Arithmetic:
    """How the output of node `name` at [channel, y, x] of one image of the batch came about.

    `y` and `x` are None where the output has fewer axes; for vectors `channel` is the position. `value` is computed
    here in float64 and equals `network_value` up to the rounding of the network. The outputs of the node and of those
    that feed it must have been kept. ValueError for a name or a position that does not exist.
    """
    node = trace.node(name)
    unit = Unit(trace, node, image, channel, y, x)
    try:
        return _known(unit)
    except Unsupported:
        return composite(unit)


def _known(unit: Unit) -> Arithmetic:
    node = unit.node
    module = unit.layer
    if module is not None and callable(getattr(module, "terms", None)):
        return told_by_the_layer(unit, module)
    if isinstance(node.result, Ref):
        return rearrange.unchanged(unit, node.result)
    if node.result is None:
        if not node.inputs:
            raise ValueError("the input is where the numbers come from; choose a layer behind it")
        raise Unsupported
    names = {call.name for call in node.calls}
    heavy = [call for call in node.calls if call.name not in PASSES | {"pad"}]
    if len(heavy) == 1 and heavy[0].name in HANDLERS and _gives_result(unit, heavy[0]):
        return HANDLERS[heavy[0].name](unit, heavy[0])
    if {"permute", "layer_norm"} == names - PASSES:
        return norms.channel_norm(unit)
    if names <= MOVES | JOINS | PASSES | {"pad", "setitem"}:
        return rearrange.moved(unit)
    if names <= POINTWISE:
        return pointwise.function(unit)
    raise Unsupported


def _gives_result(unit: Unit, call: Call) -> bool:
    """The call's (first) result is what the node gave, at most in another type."""
    result = unit.node.result
    assert isinstance(result, Step)
    rest = unit.node.calls[unit.node.calls.index(call) + 1 : result.call + 1]
    return result.part in (None, 0) and all(later.name in PASSES for later in rest)
