"""Translate calls of torch functions into the engine's operations."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from torch import Tensor

from ...insight.tracing.graph import Call, Ref, Step
from ...insight.tracing.torch_functions import DROPOUTS, PASSES, REARRANGEMENTS, bind
from . import rearrangement, windows
from .builder import Builder, UnsupportedError, Value

Handler = Callable[[Builder, Call], Value]
# One value of the input, one of the output, without settings.
FUNCTIONS = {"neg", "abs", "exp", "log", "sqrt", "rsqrt", "square", "reciprocal"}
# Activations with their settings; `clamp` and `hardtanh` are one operation.
PLAIN_ACTIVATIONS = {
    "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh", "hardsigmoid",
    "hardswish", "softplus", "softsign", "log_sigmoid", "logsigmoid",
}  # fmt: skip
SETTINGS = {"negative_slope", "alpha", "beta", "threshold", "approximate"}


def translate(builder: Builder, call: Call) -> list[Value]:
    """Add the operations of a call; return a value for each tensor that it returned.

    UnsupportedError if the engine lacks what it does.
    """
    if call.name in REARRANGEMENTS | {"interpolate"}:
        return rearrangement.moved(builder, call)
    if call.name not in HANDLERS:
        raise UnsupportedError(f"{call.name} is not among the engine's operations")
    value = HANDLERS[call.name](builder, call)
    if len(call.shapes) > 1 and not call.name.startswith(("max_pool", "adaptive_max_pool")):
        raise UnsupportedError(f"{call.name} returns several tensors")
    return [value]


def _shape(call: Call) -> list[int]:
    return list(call.shapes[0])


def _activation(builder: Builder, call: Call) -> Value:
    bound = bind(call)
    settings = {name: bound[name] for name in SETTINGS & bound.keys() if bound[name] is not None}
    name = "log_sigmoid" if call.name == "logsigmoid" else call.name
    return builder.add(name, [bound["input"]], _shape(call), **settings)


def _clamp(builder: Builder, call: Call) -> Value:
    names = {"clamp_min": ("min", ""), "clamp_max": ("", "max"), "hardtanh": ("min_val", "max_val")}
    bound = bind(call) if call.name in ("clamp", "hardtanh") else {**call.options, "input": call.arguments[0]}
    low, high = names.get(call.name, ("min", "max"))
    if call.name == "clip":
        bound = {**dict(zip(("input", "min", "max"), call.arguments, strict=False)), **call.options}
    elif call.name != "clamp" and len(call.arguments) > 1 and call.name != "hardtanh":
        bound[low or high] = call.arguments[1]
    least, most = bound.get(low), bound.get(high)
    if not all(isinstance(limit, int | float | None) for limit in (least, most)):
        raise UnsupportedError(f"{call.name} with a tensor as limit")
    return builder.add("clamp", [bound["input"]], _shape(call), low=least, high=most)


def _function(builder: Builder, call: Call) -> Value:
    return builder.add(call.name, [call.arguments[0]], _shape(call))


def _prelu(builder: Builder, call: Call) -> Value:
    """The slopes, one per channel, are broadcast along the axes behind the channels."""
    bound = bind(call)
    slopes: Tensor = bound["weight"]
    behind = len(call.shapes[0]) - 1
    slopes = slopes.view(-1, *[1] * behind) if slopes.numel() > 1 else slopes
    return builder.add("prelu", [bound["input"], slopes], _shape(call))


def _binary(builder: Builder, call: Call) -> Value:
    """Addition, subtraction, multiplication, division, the larger and the smaller of two, with broadcasting."""
    bound = bind(call) if call.name not in ("rdiv", "pow") else {"input": call.arguments[0], "other": call.arguments[1]}
    first, second = bound["input"], bound["other"]
    if bound.get("rounding_mode") is not None:
        raise UnsupportedError("a division that rounds")
    if bound.get("alpha", 1) != 1:
        shape = builder.value(second).shape
        second = builder.add("multiply", [second, bound["alpha"]], shape)
    names = {"add": "add", "sub": "subtract", "rsub": "subtract", "mul": "multiply", "div": "divide", "rdiv": "divide"}
    if call.name in ("rsub", "rdiv"):
        first, second = second, first
    if call.name == "pow" and not isinstance(second, int | float):
        raise UnsupportedError("a power whose exponent is a tensor")
    operands = [_aligned(builder, given, len(call.shapes[0])) for given in (first, second)]
    return builder.add(names.get(call.name, call.name), operands, _shape(call))


def _aligned(builder: Builder, given: Any, axes: int) -> Any:
    """Return an operand as it is broadcast to `axes` axes per image; a tensor loses its batch axis, which is 1."""
    if isinstance(given, Ref | Step | Value):
        value = builder.value(given)
        if value.batched and len(value.shape) != axes:
            raise UnsupportedError("a sum of activations with different numbers of axes")
        return value
    if isinstance(given, Tensor) and given.ndim > axes:
        if given.shape[0] != 1:
            raise UnsupportedError("a constant with one part per image")
        return given[0]
    return given


def _batch_norm(builder: Builder, call: Call) -> Value:
    bound = bind(call)
    if bound["training"]:
        raise UnsupportedError("batch norm by the statistics of each batch")
    operands = [bound[name] for name in ("input", "weight", "bias", "running_mean", "running_var")]
    return builder.add("batch_norm", operands, _shape(call), eps=bound["eps"], momentum=bound["momentum"])


def _group_norm(builder: Builder, call: Call) -> Value:
    """Group norm; instance norm is the same with one group for each channel."""
    bound = bind(call)
    if not bound.get("use_input_stats", True):
        operands = [bound[name] for name in ("input", "weight", "bias", "running_mean", "running_var")]
        return builder.add("batch_norm", operands, _shape(call), eps=bound["eps"], momentum=0.0)
    groups = bound.get("num_groups", call.shapes[0][0])
    operands = [bound[name] for name in ("input", "weight", "bias")]
    return builder.add("group_norm", operands, _shape(call), eps=bound["eps"], groups=groups)


def _layer_norm(builder: Builder, call: Call) -> Value:
    bound = bind(call)
    shape = bound["normalized_shape"]
    size = shape if isinstance(shape, int) else prod(shape)
    operands = [bound[name] for name in ("input", "weight", "bias")]
    return builder.add("layer_norm", operands, _shape(call), eps=bound["eps"], size=size)


def _local_response_norm(builder: Builder, call: Call) -> Value:
    bound = bind(call)
    settings = {name: bound[name] for name in ("size", "alpha", "beta", "k")}
    return builder.add("local_response_norm", [bound["input"]], _shape(call), **settings)


def _linear(builder: Builder, call: Call) -> Value:
    bound = bind(call)
    if isinstance(bound["weight"], Ref | Step):
        raise UnsupportedError("weights that are computed from the image")
    return builder.add("linear", [bound["input"], bound["weight"], bound["bias"]], _shape(call))


def _matmul(builder: Builder, call: Call) -> Value:
    first, second = (builder.value(given) for given in call.arguments[:2])
    if len(first.shape) != len(second.shape) or first.shape[:-2] != second.shape[:-2] or len(first.shape) < 2:
        raise UnsupportedError("a product of matrices with broadcasting")
    return builder.add("matmul", [first, second], _shape(call))


def _softmax(builder: Builder, call: Call) -> Value:
    bound = bind(call)
    axes = len(call.shapes[0]) + 1
    dim = bound["dim"] if bound["dim"] is not None else (0 if axes in (1, 3) else 1)
    return builder.add(call.name, [bound["input"]], _shape(call), axis=_image_axis(dim, axes))


def _reduction(builder: Builder, call: Call) -> Value:
    bound = bind(call)
    axes = len(builder.value(bound["input"]).shape) + 1
    dims = bound["dim"]
    if dims is None or dims == ():
        raise UnsupportedError(f"{call.name} over all images")
    reduced = sorted(_image_axis(dim, axes) for dim in ([dims] if isinstance(dims, int) else dims))
    return builder.add(call.name, [bound["input"]], _shape(call), axes=reduced)


def _image_axis(dim: int, axes: int) -> int:
    """Return the axis of one image that is axis `dim` of the batch, which has `axes` of them."""
    if dim % axes == 0:
        raise UnsupportedError("an operation along the batch")
    return dim % axes - 1


def _concatenation(builder: Builder, call: Call) -> Value:
    bound = bind(call)
    tensors, dim = list(bound["tensors"]), bound["dim"]
    axis = _image_axis(dim, len(call.shapes[0]) + 1)
    if call.name == "stack":
        shape = [*call.shapes[0][:axis], 1, *call.shapes[0][axis + 1 :]]
        tensors = [builder.reshape(given, shape) for given in tensors]
    return builder.add("concatenate", tensors, _shape(call), axis=axis)


def _unchanged(builder: Builder, call: Call) -> Value:
    return builder.value(call.arguments[0])


def _dropout(builder: Builder, call: Call) -> Value:
    """Nothing while the network is looked at; in training, single values are left out with probability `p`."""
    bound = {"p": 0.5, **dict(zip(("input", "p"), call.arguments, strict=False)), **call.options}
    return builder.add("dropout", [bound["input"]], _shape(call), p=bound["p"], maps=call.name[-2:] in ("1d", "2d"))


HANDLERS: dict[str, Handler] = {
    **windows.HANDLERS,
    **dict.fromkeys(PLAIN_ACTIVATIONS, _activation),
    **dict.fromkeys(("clamp", "clamp_min", "clamp_max", "clip", "hardtanh"), _clamp),
    **dict.fromkeys(FUNCTIONS, _function),
    "prelu": _prelu,
    **dict.fromkeys(("add", "sub", "rsub", "mul", "div", "rdiv", "maximum", "minimum", "pow"), _binary),
    "batch_norm": _batch_norm,
    **dict.fromkeys(("group_norm", "instance_norm"), _group_norm),
    "layer_norm": _layer_norm,
    "local_response_norm": _local_response_norm,
    "linear": _linear,
    **dict.fromkeys(("matmul", "bmm"), _matmul),
    **dict.fromkeys(("softmax", "log_softmax"), _softmax),
    **dict.fromkeys(("mean", "sum", "amax", "amin"), _reduction),
    **dict.fromkeys(("cat", "stack"), _concatenation),
    "pad": rearrangement.padded,
    **dict.fromkeys(PASSES, _unchanged),
    **dict.fromkeys(DROPOUTS, _dropout),
}
