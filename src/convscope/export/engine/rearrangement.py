"""Translate what only puts numbers elsewhere: reshaping, slicing, permuting, padding.

The call is run once on numbers that count the elements of its input; where they are found afterwards says what it does.
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from ...insight.tracing.graph import Call, Ref, Step
from ...insight.tracing.torch_functions import bind
from ...nested import tensors_in
from .builder import Builder, UnsupportedError, Value

# Indices of single elements make the file larger by four bytes each.
MOST_INDICES = 100_000


def moved(builder: Builder, call: Call) -> list[Value]:
    """Add an operation for each tensor that the call returned."""
    if call.name == "interpolate" and {**call.options}.get("mode", "nearest") not in ("nearest", "nearest-exact"):
        raise UnsupportedError("interpolation between pixels")
    source = builder.value(call.arguments[0] if call.arguments else call.options["input"])
    if not source.batched:
        raise UnsupportedError("a rearranged weight")
    elements = torch.arange(prod(source.shape)).view(1, *source.shape)
    if call.name == "interpolate":
        elements = elements.double()
    arguments = [elements, *(_placeholder(builder, given) for given in call.arguments[1:])]
    options = {name: _placeholder(builder, given) for name, given in call.options.items() if name != "input"}
    try:
        results = tensors_in(call.function(*arguments, **options))
    except (RuntimeError, TypeError) as problem:
        raise UnsupportedError(f"{call.name} of this form") from problem
    return [_by_elements(builder, source, result, call.name) for result in results]


def _placeholder(builder: Builder, given: Any) -> Any:
    """Return an argument; of an activation (which `view_as` asks for its shape), zeros."""
    if isinstance(given, Ref | Step):
        return torch.zeros(1, *builder.value(given).shape)
    return given


def _by_elements(builder: Builder, source: Value, elements: Tensor, name: str) -> Value:
    """Add the operation that puts element `elements[i]` of the source at place i."""
    if elements.ndim == 0 or elements.shape[0] != 1:
        raise UnsupportedError(f"{name} along the batch")
    index = elements[0].long()
    shape = list(index.shape)
    if index.numel() == prod(source.shape) and bool((index.flatten() == torch.arange(index.numel())).all()):
        return builder.reshape(source, shape)
    offset, strides = _steps(index)
    expected = torch.tensor(offset)
    for axis, stride in enumerate(strides):
        steps = torch.arange(shape[axis]) * stride
        expected = expected + steps.view(-1, *[1] * (len(shape) - axis - 1))
    if bool((expected == index).all()):
        return builder.add("strided", [source], shape, offset=offset, strides=strides)
    if index.numel() > MOST_INDICES:
        raise UnsupportedError(f"{name} of so many numbers in this order")
    return builder.gather(source, index, shape)


def _steps(index: Tensor) -> tuple[int, list[int]]:
    """Return the first element and the distance of neighbours along each axis."""
    first = [0] * index.ndim
    offset = int(index[tuple(first)])
    strides = []
    for axis, size in enumerate(index.shape):
        place = [int(a == axis) for a in range(index.ndim)]
        strides.append(int(index[tuple(place)]) - offset if size > 1 else 0)
    return offset, strides


def padded(builder: Builder, call: Call) -> Value:
    """A border of one value around any axes (or, where a side is negative, cropping); other borders copy elements."""
    bound = bind(call)
    source = builder.value(bound["input"])
    if bound["mode"] != "constant":
        return moved(builder, Call("pad", _pad_counts, (bound["input"], bound["pad"], bound["mode"]), {}))[0]
    before = [0] * len(source.shape)
    for number, side in enumerate(list(bound["pad"])[::2]):
        if number >= len(before):
            raise UnsupportedError("padding along the batch")
        before[-1 - number] = int(side)
    value = 0.0 if bound["value"] is None else float(bound["value"])
    if value in (float("inf"), float("-inf")):  # JSON has no infinity
        value = 3e38 if value > 0 else -3e38
    return builder.add("pad", [source], call.shapes[0], before=before, value=value)


def _pad_counts(elements: Tensor, sides: Any, mode: str) -> Tensor:
    """Pad integers, which PyTorch does only for floating-point numbers."""
    return torch.nn.functional.pad(elements.double(), tuple(sides), mode)
