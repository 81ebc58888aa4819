"""Compute one output value of a network by hand: which inputs, weights and constants make it up, and how."""

from __future__ import annotations

from collections.abc import Callable

from ..tracing.graph import Call, Ref, Step, Trace
from ..tracing.torch_functions import JOINS, PASSES, POINTWISE, REARRANGEMENTS, REDUCTIONS
from . import convolution, linear, norms, pointwise, pooling, rearrange, reductions
from .composite import by_gradient, by_layer
from .softmax import softmax
from .unit import Arithmetic, Term, Unit, Unsupported

__all__ = ["Arithmetic", "Term", "arithmetic"]

Handler = Callable[[Unit, Call], Arithmetic]
HANDLERS: dict[str, Handler] = {
    "conv2d": convolution.convolution,
    "conv_transpose2d": convolution.transposed_convolution,
    "max_pool2d": pooling.max_pool,
    "avg_pool2d": pooling.average_pool,
    "adaptive_max_pool2d": pooling.adaptive_pool,
    "adaptive_avg_pool2d": pooling.adaptive_pool,
    "linear": linear.linear,
    **dict.fromkeys(("matmul", "bmm", "mm"), linear.matmul),
    **dict.fromkeys(REDUCTIONS, reductions.reduction),
    "batch_norm": norms.batch_norm,
    "instance_norm": norms.instance_norm,
    "layer_norm": norms.layer_norm,
    "group_norm": norms.group_norm,
    "local_response_norm": norms.local_response_norm,
    **dict.fromkeys(("softmax", "log_softmax"), softmax),
    **dict.fromkeys(("add", "sub", "rsub"), pointwise.addition),
    **dict.fromkeys(("mul", "div"), pointwise.product),
    **dict.fromkeys(("maximum", "minimum"), pointwise.larger_or_smaller),
}


def arithmetic(
    trace: Trace,
    name: str,
    channel: int | tuple[int, ...],
    y: int | None = None,
    x: int | None = None,
    image: int = 0,
) -> Arithmetic:
    """Return how the output of node `name` at [channel, y, x] was computed, for one image of the batch.

    `y` and `x` are None where the output has fewer axes; in a vector, `channel` is the
    position; of outputs with more axes it is all of it, as a tuple. `value` is computed
    here in float64 and equals `network_value` up to the rounding of the network. The outputs of the node and of those
    that feed it must have been kept. ValueError for a name or a position that does not exist.

    >>> import torch
    >>> from convscope.insight.tracing.trace import trace
    >>> network = torch.nn.Conv2d(1, 1, 2, bias=False)
    >>> _ = network.weight.data.copy_(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
    >>> found = arithmetic(trace(torch.nn.Sequential(network), torch.arange(9.0).view(1, 1, 3, 3)), "0", 0, 1, 1)
    >>> found.value, found.formula
    (67.0, 'sum(w * x)')
    """
    node = trace.node(name)
    unit = Unit(trace, node, image, channel, y, x)
    try:
        return _by_formula(unit)
    except Unsupported:
        return by_gradient(unit)


def _by_formula(unit: Unit) -> Arithmetic:
    """Return the arithmetic of an operation with a known formula; Unsupported if it has none."""
    node = unit.node
    module = unit.layer
    if module is not None and callable(getattr(module, "terms", None)):
        return by_layer(unit, module)
    if isinstance(node.result, Ref):
        return rearrange.unchanged(unit, node.result)
    if node.result is None:
        if not node.inputs:
            raise ValueError("the input is not computed: choose a layer behind it")
        raise Unsupported
    names = {call.name for call in node.calls}
    heavy = [call for call in node.calls if call.name not in PASSES | {"pad"}]
    if len(heavy) == 1 and heavy[0].name in HANDLERS and _gives_result(unit, heavy[0]):
        return HANDLERS[heavy[0].name](unit, heavy[0])
    if {"permute", "layer_norm"} == names - PASSES:
        return norms.channel_norm(unit)
    if names <= REARRANGEMENTS | JOINS | PASSES | {"pad", "setitem"}:
        return rearrange.rearranged(unit)
    if names <= POINTWISE:
        return pointwise.function(unit)
    raise Unsupported


def _gives_result(unit: Unit, call: Call) -> bool:
    """Tell whether the call's first result is the node's output, perhaps in another number type."""
    result = unit.node.result
    assert isinstance(result, Step)
    rest = unit.node.calls[unit.node.calls.index(call) + 1 : result.call + 1]
    return result.part in (None, 0) and all(later.name in PASSES for later in rest)
