"""The arithmetic of normalisations: the value minus a mean, divided by a standard deviation; response normalisation."""

from __future__ import annotations

from math import sqrt
from typing import Any

from torch import Tensor

from ...nested import leaves
from ..tracing.graph import Call
from ..tracing.torch_functions import PASSES
from .unit import Arithmetic, Term, Unit, Unsupported, arguments_of, as_float, as_float64, as_index


def _normalised(
    unit: Unit, given: dict[str, Any], mean: float, variance: float, scale: int | tuple[int, ...]
) -> Arithmetic:
    """Return a normalised value; `scale` is the index of the learned factor and shift that follow."""
    value = as_float(unit.tensor(given["input"])[unit.batch_position])
    eps = float(given["eps"])
    parameters: dict[str, Any] = {"mean": mean, "variance": variance, "eps": eps}
    formula, result = "(x - mean) / sqrt(variance + eps)", (value - mean) / sqrt(variance + eps)
    if given["weight"] is not None:
        parameters["weight"] = as_float(unit.tensor(given["weight"])[scale])
        formula, result = f"{formula} * weight", result * parameters["weight"]
    if given["bias"] is not None:
        parameters["bias"] = as_float(unit.tensor(given["bias"])[scale])
        formula, result = f"{formula} + bias", result + parameters["bias"]
    term = Term(unit.name(given["input"]), as_index(unit.position), value)
    return unit.result("normalise", [term], formula, result, **parameters)


def _moments(values: Tensor) -> tuple[float, float]:
    values = as_float64(values)
    return float(values.mean()), float(values.var(unbiased=False))


def batch_norm(unit: Unit, call: Call) -> Arithmetic:
    """Return a value normalised by the map's mean and variance in training (or in this batch, if none were kept)."""
    given = arguments_of(call)
    channel = unit.batch_position[1]
    if given["training"]:
        mean, variance = _moments(unit.tensor(given["input"]).transpose(0, 1)[channel])
    else:
        mean = as_float(unit.tensor(given["running_mean"])[channel])
        variance = as_float(unit.tensor(given["running_var"])[channel])
    return _normalised(unit, given, mean, variance, channel)


def instance_norm(unit: Unit, call: Call) -> Arithmetic:
    """Return a value normalised by mean and variance of its map in this image."""
    given = arguments_of(call)
    image, channel = unit.batch_position[:2]
    if not given["use_input_stats"]:
        mean = as_float(unit.tensor(given["running_mean"])[channel])
        variance = as_float(unit.tensor(given["running_var"])[channel])
    else:
        mean, variance = _moments(unit.tensor(given["input"])[image, channel])
    return _normalised(unit, given, mean, variance, channel)


def group_norm(unit: Unit, call: Call) -> Arithmetic:
    """Return a value normalised by mean and variance of its group of maps in this image."""
    given = arguments_of(call)
    inputs = unit.tensor(given["input"])
    image, channel = unit.batch_position[:2]
    size = inputs.shape[1] // given["num_groups"]
    first = channel // size * size
    mean, variance = _moments(inputs[image, first : first + size])
    return _normalised(unit, given, mean, variance, channel)


def channel_norm(unit: Unit) -> Arithmetic:
    """Return a value normalised over the channels at its position: ConvNeXt's LayerNorm2d, which puts them last."""
    calls = [call for call in unit.node.calls if call.name not in PASSES]
    if [call.name for call in calls] != ["permute", "layer_norm", "permute"]:
        raise Unsupported
    to_last, norm, back = calls
    given = {**arguments_of(norm), "input": to_last.arguments[0]}
    orders = [tuple(leaves(call.arguments[1:])) for call in (to_last, back)]
    if orders != [(0, 2, 3, 1), (0, 3, 1, 2)] or len(given["normalized_shape"]) != 1:
        raise Unsupported
    image, channel, y, x = unit.batch_position
    mean, variance = _moments(unit.tensor(given["input"])[image, :, y, x])
    return _normalised(unit, given, mean, variance, channel)


def layer_norm(unit: Unit, call: Call) -> Arithmetic:
    """Return a value normalised by mean and variance over the last axes."""
    given = arguments_of(call)
    shape = given["normalized_shape"]
    axes = 1 if isinstance(shape, int) else len(shape)
    mean, variance = _moments(unit.tensor(given["input"])[unit.batch_position[:-axes]])
    return _normalised(unit, given, mean, variance, unit.batch_position[-axes:])


def local_response_norm(unit: Unit, call: Call) -> Arithmetic:
    """Return a value divided by the activity of the neighbouring maps at the same position."""
    given = arguments_of(call)
    inputs, name = unit.tensor(given["input"]), unit.name(given["input"])
    if inputs.ndim < 3:
        raise Unsupported
    image, channel, *position = unit.batch_position
    size, alpha, beta, k = (given[key] for key in ("size", "alpha", "beta", "k"))
    first, last = max(channel - size // 2, 0), min(channel + (size - 1) // 2, inputs.shape[1] - 1)
    column: tuple[Any, ...] = (image, slice(first, last + 1), *position)
    values = as_float64(inputs[column]).tolist()
    terms = [
        Term(name, as_index((first + i, *position)), value, value, value * value, chosen=first + i == channel)
        for i, value in enumerate(values)
    ]
    energy = sum(value * value for value in values)
    value = values[channel - first] / (k + alpha * energy / size) ** beta
    return unit.result(
        "normalise", terms, "x / (k + alpha / size * sum(x^2)) ^ beta", value, size=size, alpha=alpha, beta=beta, k=k,
        sum=energy,
    )  # fmt: skip
