"""Normalisations: a value less a mean, divided by a spread. And softmax, which makes a sum one."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

from torch import Tensor

from ...nested import leaves
from ..tracing.graph import Call
from ..tracing.torch_functions import PASSES
from .unit import Arithmetic, Term, Unit, Unsupported, exact, number, settings, shown


def _normalised(
    unit: Unit, given: dict[str, Any], mean: float, variance: float, scale: int | tuple[int, ...]
) -> Arithmetic:
    """`scale` is the place of the factor and the shift, which follow the normalisation."""
    value = number(unit.tensor(given["input"])[unit.full])
    eps = float(given["eps"])
    parameters: dict[str, Any] = {"mean": mean, "variance": variance, "eps": eps}
    formula, result = "(x - mean) / sqrt(variance + eps)", (value - mean) / sqrt(variance + eps)
    if given["weight"] is not None:
        parameters["weight"] = number(unit.tensor(given["weight"])[scale])
        formula, result = f"{formula} * weight", result * parameters["weight"]
    if given["bias"] is not None:
        parameters["bias"] = number(unit.tensor(given["bias"])[scale])
        formula, result = f"{formula} + bias", result + parameters["bias"]
    term = Term(unit.name(given["input"]), shown(unit.place), value)
    return unit.result("normalise", [term], formula, result, **parameters)


def _moments(values: Tensor) -> tuple[float, float]:
    values = exact(values)
    return float(values.mean()), float(values.var(unbiased=False))


def batch_norm(unit: Unit, call: Call) -> Arithmetic:
    """Mean and variance of the map, learnt from the training images (or of this batch, where none were kept)."""
    given = settings(call)
    channel = unit.full[1]
    if given["training"]:
        mean, variance = _moments(unit.tensor(given["input"]).transpose(0, 1)[channel])
    else:
        mean = number(unit.tensor(given["running_mean"])[channel])
        variance = number(unit.tensor(given["running_var"])[channel])
    return _normalised(unit, given, mean, variance, channel)


def instance_norm(unit: Unit, call: Call) -> Arithmetic:
    """Mean and variance of this map of this image."""
    given = settings(call)
    image, channel = unit.full[:2]
    if not given["use_input_stats"]:
        mean = number(unit.tensor(given["running_mean"])[channel])
        variance = number(unit.tensor(given["running_var"])[channel])
    else:
        mean, variance = _moments(unit.tensor(given["input"])[image, channel])
    return _normalised(unit, given, mean, variance, channel)


def group_norm(unit: Unit, call: Call) -> Arithmetic:
    """Mean and variance of a group of maps of this image."""
    given = settings(call)
    inputs = unit.tensor(given["input"])
    image, channel = unit.full[:2]
    size = inputs.shape[1] // given["num_groups"]
    first = channel // size * size
    mean, variance = _moments(inputs[image, first : first + size])
    return _normalised(unit, given, mean, variance, channel)


def channel_norm(unit: Unit) -> Arithmetic:
    """A layer norm over the channels of maps, which are put last for it and then back: LayerNorm2d of ConvNeXt."""
    calls = [call for call in unit.node.calls if call.name not in PASSES]
    if [call.name for call in calls] != ["permute", "layer_norm", "permute"]:
        raise Unsupported
    there, norm, back = calls
    given = {**settings(norm), "input": there.arguments[0]}
    orders = [tuple(leaves(call.arguments[1:])) for call in (there, back)]
    if orders != [(0, 2, 3, 1), (0, 3, 1, 2)] or len(given["normalized_shape"]) != 1:
        raise Unsupported
    image, channel, y, x = unit.full
    mean, variance = _moments(unit.tensor(given["input"])[image, :, y, x])
    return _normalised(unit, given, mean, variance, channel)


def layer_norm(unit: Unit, call: Call) -> Arithmetic:
    """Mean and variance over the last axes."""
    given = settings(call)
    shape = given["normalized_shape"]
    axes = 1 if isinstance(shape, int) else len(shape)
    mean, variance = _moments(unit.tensor(given["input"])[unit.full[:-axes]])
    return _normalised(unit, given, mean, variance, unit.full[-axes:])


def local_response_norm(unit: Unit, call: Call) -> Arithmetic:
    """Divided by the activity of the neighbouring maps at the same place."""
    given = settings(call)
    inputs, name = unit.tensor(given["input"]), unit.name(given["input"])
    if inputs.ndim < 3:
        raise Unsupported
    image, channel, *place = unit.full
    size, alpha, beta, k = (given[key] for key in ("size", "alpha", "beta", "k"))
    first, last = max(channel - size // 2, 0), min(channel + (size - 1) // 2, inputs.shape[1] - 1)
    column: tuple[Any, ...] = (image, slice(first, last + 1), *place)
    values = exact(inputs[column]).tolist()
    terms = [
        Term(name, shown((first + i, *place)), value, value, value * value, chosen=first + i == channel)
        for i, value in enumerate(values)
    ]
    energy = sum(value * value for value in values)
    value = values[channel - first] / (k + alpha * energy / size) ** beta
    return unit.result(
        "normalise", terms, "x / (k + alpha / size * sum(x^2)) ^ beta", value, size=size, alpha=alpha, beta=beta, k=k,
        sum=energy,
    )  # fmt: skip


def softmax(unit: Unit, call: Call) -> Arithmetic:
    """The share of one exponential in the sum of all; `product` is the exponential, less the maximum for safety."""
    given = settings(call)
    if given["dim"] is None:
        raise Unsupported
    inputs, name = unit.tensor(given["input"]), unit.name(given["input"])
    axis = given["dim"] % inputs.ndim
    values = exact(inputs[tuple(slice(None) if a == axis else i for a, i in enumerate(unit.full))]).tolist()
    largest = max(values)
    powers = [exp(value - largest) for value in values]
    total = sum(powers)
    terms = []
    for i, (value, power) in enumerate(zip(values, powers, strict=True)):
        place = (*unit.full[:axis], i, *unit.full[axis + 1 :])
        terms.append(Term(name, shown(place[1:]), value, None, power, chosen=i == unit.full[axis]))
    own = unit.full[axis]
    if call.name == "log_softmax":
        formula, result = "x - max - log(sum(exp(x - max)))", values[own] - largest - log(total)
    else:
        formula, result = "exp(x - max) / sum(exp(x - max))", powers[own] / total
    return unit.result("softmax", terms, formula, result, maximum=largest, sum=total)
