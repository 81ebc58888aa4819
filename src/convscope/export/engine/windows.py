"""Translate convolutions and pooling. The engine knows the size of the output, so that it needs no padding behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from ...insight.tracing.graph import Call
from ...insight.tracing.torch_functions import bind, pair
from .builder import Builder, UnsupportedError, Value

_CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_TRANSPOSED = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
_DEFAULTS = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}


def _sides(value: Any, flat: bool, fill: int) -> list[int]:
    """Return a setting for rows and columns; of one-dimensional layers (`flat`), for one row."""
    if not flat:
        return list(pair(value))
    return [fill, int(value if isinstance(value, int) else value[0])]


def _as_maps(shape: Sequence[int], flat: bool) -> list[int]:
    return [shape[0], 1, shape[1]] if flat else list(shape)


def _convolution(builder: Builder, call: Call) -> Value:
    transposed, flat = "transpose" in call.name, call.name.endswith("1d")
    names = _TRANSPOSED if transposed else _CONVOLUTION
    bound = {**_DEFAULTS, **dict(zip(names, call.arguments, strict=False)), **call.options}
    weight = bound["weight"]
    if not isinstance(weight, Tensor):
        raise UnsupportedError("kernels that are computed from the image")
    if flat:
        weight = weight[:, :, None]
    dilation = _sides(bound["dilation"], flat, 1)
    if bound["padding"] == "valid":
        padding = [0, 0]
    elif bound["padding"] == "same":  # an odd border has its larger part behind
        padding = [d * (k - 1) // 2 for d, k in zip(dilation, weight.shape[2:], strict=True)]
    else:
        padding = _sides(bound["padding"], flat, 0)
    source = builder.value(bound["input"])
    return builder.reshape(
        builder.add(
            "transposed_convolution" if transposed else "convolution",
            [builder.reshape(source, _as_maps(source.shape, flat)), builder.dense_kernels or weight, bound["bias"]],
            _as_maps(call.shapes[0], flat),
            stride=_sides(bound["stride"], flat, 1), padding=padding, dilation=dilation, groups=bound["groups"],
        ),
        call.shapes[0],
    )  # fmt: skip


def _pool_settings(call: Call, flat: bool) -> dict[str, Any]:
    names = {
        "max": ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
        "avg": ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
        "lp_": ("input", "norm_type", "kernel_size", "stride", "ceil_mode"),
    }[call.name[:3]]
    bound = {**dict(zip(names, call.arguments, strict=False)), **call.options}
    kernel = bound["kernel_size"]
    return {
        **bound,
        "kernel": _sides(kernel, flat, 1),
        "stride": _sides(bound.get("stride") or kernel, flat, 1),
        "padding": _sides(bound.get("padding", 0), flat, 0),
        "dilation": _sides(bound.get("dilation", 1), flat, 1),
    }


def _pool(builder: Builder, call: Call) -> Value:
    """Maximum and average pooling, and LP pooling as the root of an average of powers."""
    flat = call.name.endswith("1d")
    given = _pool_settings(call, flat)
    source, shape = builder.value(given["input"]), _as_maps(call.shapes[0], flat)
    maps = builder.reshape(source, _as_maps(source.shape, flat))
    window = {name: given[name] for name in ("kernel", "stride", "padding")}
    if call.name.startswith("max"):
        result = builder.add("max_pool", [maps], shape, **window, dilation=given["dilation"])
    elif call.name.startswith("avg"):
        divisor, counted = given.get("divisor_override"), given.get("count_include_pad", True)
        result = builder.add("average_pool", [maps], shape, **window, count_padding=counted, divisor=divisor)
    else:
        power, area = float(given["norm_type"]), given["kernel"][0] * given["kernel"][1]
        powers = builder.add("pow", [maps, power], maps.shape)
        means = builder.add("average_pool", [powers], shape, **window, count_padding=True, divisor=None)
        sums = builder.add("multiply", [means, float(area)], shape)
        result = builder.add("pow", [sums, 1 / power], shape)
    return builder.reshape(result, call.shapes[0])


def _adaptive_pool(builder: Builder, call: Call) -> Value:
    flat = call.name.endswith("1d")
    bound = bind(call)
    source = builder.value(bound["input"])
    op = "adaptive_max_pool" if "max" in call.name else "adaptive_average_pool"
    maps = builder.reshape(source, _as_maps(source.shape, flat))
    return builder.reshape(builder.add(op, [maps], _as_maps(call.shapes[0], flat)), call.shapes[0])


HANDLERS: dict[str, Callable[[Builder, Call], Value]] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"), _convolution),
    **dict.fromkeys([f"{kind}_pool{n}d" for kind in ("max", "avg", "lp") for n in (1, 2)], _pool),
    **dict.fromkeys([f"adaptive_{kind}_pool{n}d" for kind in ("max", "avg") for n in (1, 2)], _adaptive_pool),
}
