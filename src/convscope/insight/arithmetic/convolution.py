"""The arithmetic of convolutions and transposed convolutions."""

from __future__ import annotations

from typing import Any

from ..tracing.graph import Call
from ..tracing.torch_functions import pair
from .padded_maps import padded_maps, window_positions
from .unit import Arithmetic, Unit, arguments_of, as_float, as_float64


def convolution(unit: Unit, call: Call) -> Arithmetic:
    """Return the sum over the window of value times weight, plus the bias of the map."""
    given = arguments_of(call)
    maps, weight = padded_maps(unit, given["input"]), unit.tensor(given["weight"])
    stride, dilation, kernel = pair(given["stride"]), pair(given["dilation"]), pair(weight.shape[2:])
    padding = _padding(given["padding"], dilation, kernel)
    channel, *position = unit.position
    rows, columns = (
        window_positions(position[a] * stride[a] - padding[a], kernel[a], dilation[a]) for a in (0, 1)
    )  # fmt: skip
    inputs = weight.shape[1]
    first = channel // (len(weight) // given["groups"]) * inputs
    channels = range(first, first + inputs)
    bias = None if given["bias"] is None else as_float(unit.tensor(given["bias"])[channel])
    return unit.result(
        "sum of products", maps.terms(channels, rows, columns, as_float64(weight[channel]).tolist()),
        _formula(bias), bias=bias, channels=list(channels), window=kernel,
    )  # fmt: skip


def transposed_convolution(unit: Unit, call: Call) -> Arithmetic:
    """Return the sum over the inputs whose kernels reach this position, plus the bias of the map.

    Every input spreads the kernel around itself, `stride` apart.
    """
    given = arguments_of(call)
    maps, weight = padded_maps(unit, given["input"]), unit.tensor(given["weight"])
    stride, dilation, padding = pair(given["stride"]), pair(given["dilation"]), pair(given["padding"])
    kernel = pair(weight.shape[2:])
    channel, *position = unit.position
    rows: list[int | None] = []
    columns: list[int | None] = []
    for axis, reaching in enumerate((rows, columns)):
        offsets = [position[axis] + padding[axis] - k * dilation[axis] for k in range(kernel[axis])]
        reaching += [o // stride[axis] if o % stride[axis] == 0 else None for o in offsets]
    inputs = len(weight) // given["groups"]
    group, own = divmod(channel, weight.shape[1])
    channels = range(group * inputs, (group + 1) * inputs)
    bias = None if given["bias"] is None else as_float(unit.tensor(given["bias"])[channel])
    weights = as_float64(weight[channels.start : channels.stop, own]).tolist()
    return unit.result(
        "sum of products", maps.terms(channels, rows, columns, weights), _formula(bias), bias=bias,
        channels=list(channels), window=kernel,
    )  # fmt: skip


def _padding(given: Any, dilation: tuple[int, int], kernel: tuple[int, int]) -> tuple[int, int]:
    if given == "same":
        return dilation[0] * (kernel[0] - 1) // 2, dilation[1] * (kernel[1] - 1) // 2
    return (0, 0) if given == "valid" else pair(given)


def _formula(bias: float | None) -> str:
    return "sum(w * x)" + ("" if bias is None else " + b")
