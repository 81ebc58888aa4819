"""Which pixels of the input one unit sees, and which units see one pixel.

Araujo, Norris, Sim, *Computing Receptive Fields of Convolutional Neural Networks*, Distill 2019. A gate (squeeze and
excitation) that was made from the whole image does not count here, nor do the statistics of a norm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from .receptive_field import EVERYTHING, Field
from .tracing.graph import Call, Node, Ref, Step, Trace
from .tracing.torch_functions import ADAPTIVE, JOINS, POINTWISE, bind, pair
from .tracing.trace import record

# One place of the output looks at the same place of the input (and, in a norm, at nothing that would count).
LOCAL = POINTWISE | JOINS | {
    "batch_norm", "layer_norm", "group_norm", "instance_norm", "local_response_norm", "rms_norm", "normalize",
    "softmax", "log_softmax", "setitem", "channel_shuffle", "chunk", "split", "narrow",
}  # fmt: skip


class Box(NamedTuple):
    """Rows `top` to `bottom` and columns `left` to `right`, the last of each not included."""

    top: int
    left: int
    bottom: int
    right: int


FIRST = Field()  # of a pixel: itself


@dataclass(frozen=True)
class _Seen:
    """A field, and which axes of the tensor are rows and columns (networks may put the channels last)."""

    field: Field = FIRST
    axes: tuple[int, int] = (2, 3)

    def everything(self) -> _Seen:
        return _Seen(Field(EVERYTHING, self.field.jump))

    def with_field(self, field: Field) -> _Seen:
        return replace(self, field=field)

    @property
    def whole(self) -> bool:
        return math.inf in self.field.size


_KNOWN: WeakKeyDictionary[Trace, dict[str, _Seen]] = WeakKeyDictionary()


def field_of(trace: Trace, name: str, y: int | None = None, x: int | None = None) -> Box:
    """The theoretical receptive field of unit (y, x) of a node, in pixels of the input.

    With padding it may reach beyond the image. A unit behind the whole image (a vector) sees all of it; one that does
    not depend on the image sees Box(0, 0, 0, 0).
    """
    seen, height, width = _seen(trace).get(trace.node(name).name), *trace.nodes[0].shape[-2:]
    if seen is None:
        return Box(0, 0, 0, 0)
    if seen.whole:
        return Box(0, 0, height, width)
    (top, bottom), (left, right) = (_ends(seen.field, axis, place or 0) for axis, place in enumerate((y, x)))
    return Box(top, left, bottom, right)


def seen_by(trace: Trace, name: str, row: int, column: int) -> Box:
    """The units of a node in whose theoretical receptive field this pixel of the input lies; empty if there is none."""
    node, seen = trace.node(name), _seen(trace).get(name)
    height, width = _size(node, seen.axes) if seen is not None else (0, 0)
    if seen is None or seen.whole:
        return Box(0, 0, height, width)
    sides = []
    for axis, (count, pixel) in enumerate(((height, row), (width, column))):
        units = [i for i in range(count) if _ends(seen.field, axis, i)[0] <= pixel < _ends(seen.field, axis, i)[1]]
        sides.append((units[0], units[-1] + 1) if units else (0, 0))
    return Box(sides[0][0], sides[1][0], sides[0][1], sides[1][1])


def measured_field(network: nn.Module, images: Tensor, name: str, y: int | None = None, x: int | None = None) -> Box:
    """The pixels of `images` by which unit (y, x) of a node, in any of its channels, has a gradient that is not zero.

    It lies within the theoretical field, except behind gates, and is smaller where rectifiers and maxima shut paths.
    (Luo et al. 2016 show that the effective field is smaller still: the gradient fades towards the border.)
    """
    trace = record(network, images, ["input", name], differentiable=True)
    output, source = trace.output(name), trace.output("input")
    units = output[:, :, y, x] if output.ndim == 4 else output.flatten(1)
    # Channels with random signs: with equal ones, kernels that mirror each other would cancel.
    factors = torch.randn(units.shape[1], generator=torch.Generator().manual_seed(0)).to(units)
    (gradient,) = torch.autograd.grad((units * factors).sum(), source, allow_unused=True)
    if gradient is None:
        return Box(0, 0, 0, 0)
    touched = (gradient != 0).any(0).any(0)
    rows, columns = touched.any(1).nonzero().flatten().tolist(), touched.any(0).nonzero().flatten().tolist()
    return Box(rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) if rows else Box(0, 0, 0, 0)


def _ends(field: Field, axis: int, place: int) -> tuple[int, int]:
    begin = field.start[axis] + place * field.jump[axis]
    # Fractions come from windows of unequal size; a rounding error must not widen a field by a pixel.
    return math.floor(begin + 1e-6), math.ceil(begin + field.size[axis] - 1e-6)


def _seen(trace: Trace) -> dict[str, _Seen]:
    if trace not in _KNOWN:
        known: dict[str, _Seen] = {"input": _Seen()}
        for node in trace.nodes[1:]:
            seen = _behind(trace, node, known)
            if seen is not None:
                known[node.name] = seen
        _KNOWN[trace] = known
    return _KNOWN[trace]


def _behind(trace: Trace, node: Node, known: dict[str, _Seen]) -> _Seen | None:
    """Through the calls of one node."""
    results: list[_Seen | None] = []
    source = next((trace.node(name) for name in node.inputs if name in known), None)
    if source is None:
        return None
    if not node.calls:
        return known[source.name]
    for call in node.calls:
        arguments = [v for v in _flat((*call.arguments, *call.options.values())) if isinstance(v, Ref | Step)]
        found = [results[v.call] if isinstance(v, Step) else known.get(v.node) for v in arguments]
        gate = [isinstance(v, Ref) and _pixels(trace.node(v.node)) == 1 for v in arguments]
        counted = [s for s, g in zip(found, gate, strict=True) if s is not None and not (g and _pixels(node) > 1)]
        joined = _joined(counted or [s for s in found if s is not None])
        results.append(None if joined is None else _through(call, joined, source, node))
    return results[node.result.call] if isinstance(node.result, Step) else known[source.name]


def _joined(parts: list[_Seen]) -> _Seen | None:
    joined = parts[0] if parts else None
    for other in parts[1:]:
        assert joined is not None
        same = joined.axes == other.axes
        joined = joined.with_field(joined.field.widest(other.field)) if same else joined.everything()
    return joined


def _through(call: Call, seen: _Seen, source: Node, node: Node) -> _Seen:
    name, field = call.name, seen.field
    if name in LOCAL or seen.whole:
        return seen
    if name in ("permute", "transpose"):
        return _turned(call, seen)
    if name == "linear" and max(seen.axes) < len(node.shape):
        return seen  # over the channels, which are behind rows and columns
    before, after = _size(source, seen.axes), _size(node, seen.axes)
    if seen.axes == (2, 3):
        given = bind(call)
        if name == "pad" and len(given["pad"]) == 4:
            left, _, top, _ = given["pad"]
            return seen.with_field(field.through((1, 1), (1, 1), (top, left)))
        if name == "getitem":
            return _sliced(call, seen, before, after)
        window = _window(call, given, before, after)
        if window is not None:
            return seen.with_field(field.through(*window))
    if name in ("roll", "flip", "matmul", "scaled_dot_product_attention"):
        return seen.everything()
    return seen if before == after and name not in ("linear", "cumsum") else seen.everything()


Window = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


def _window(call: Call, given: dict[str, Any], before: tuple[int, int], after: tuple[int, int]) -> Window | None:
    """Kernel, stride and padding, in inputs of the call."""
    name = call.name
    if name in ADAPTIVE:
        if after == (1, 1):
            return EVERYTHING, (1, 1), (0, 0)
        ratio = (before[0] / after[0], before[1] / after[1])
        # Windows that do not divide evenly begin and end up to one input earlier or later.
        slack = [0.0 if r == int(r) else (n - 1) / n for r, n in zip(ratio, after, strict=True)]
        return (ratio[0] + 2 * slack[0], ratio[1] + 2 * slack[1]), ratio, (slack[0], slack[1])
    if name == "interpolate":
        return (3, 3), (before[0] / after[0], before[1] / after[1]), (1, 1)
    if name in ("max_pool2d", "avg_pool2d"):
        kernel, stride = pair(given["kernel_size"]), pair(given["stride"])
        dilation = pair(given.get("dilation", 1))
    elif name in ("conv2d", "conv_transpose2d") and isinstance(given["weight"], Tensor):
        kernel, stride, dilation = pair(given["weight"].shape[2:]), pair(given["stride"]), pair(given["dilation"])
    else:
        return None
    reach = ((kernel[0] - 1) * dilation[0], (kernel[1] - 1) * dilation[1])
    if given["padding"] == "same":
        return (1 + reach[0], 1 + reach[1]), stride, (reach[0] // 2, reach[1] // 2)
    padding = (0, 0) if given["padding"] == "valid" else pair(given["padding"])
    if name == "conv_transpose2d":
        h, w = stride
        back = ((reach[0] - padding[0]) / h, (reach[1] - padding[1]) / w)
        return (1 + reach[0] / h, 1 + reach[1] / w), (1 / h, 1 / w), back
    return (1 + reach[0], 1 + reach[1]), stride, padding


def _sliced(call: Call, seen: _Seen, before: tuple[int, int], after: tuple[int, int]) -> _Seen:
    index = call.arguments[1] if isinstance(call.arguments[1], tuple) else (call.arguments[1],)
    if len(index) <= 2 and before == after:
        return seen
    if len(index) != 4 or not all(isinstance(part, slice) for part in index):
        return seen if before == after else seen.everything()
    (top, _, down), (left, _, across) = (
        part.indices(size) for part, size in zip(index[2:], before, strict=True)
    )  # fmt: skip
    return seen.with_field(seen.field.through((1, 1), (down, across), (-top, -left)))


def _turned(call: Call, seen: _Seen) -> _Seen:
    numbers = [v for v in _flat((*call.arguments, *call.options.values())) if isinstance(v, int)]
    if call.name == "permute":
        order = [n % len(numbers) for n in numbers]
    else:
        order = list(range(4))
        a, b = (n % 4 for n in numbers)
        order[a], order[b] = order[b], order[a]
    if len(order) != 4:
        return seen.everything()
    return replace(seen, axes=(order.index(seen.axes[0]), order.index(seen.axes[1])))


def _size(node: Node, axes: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of a node; a vector is one unit."""
    if len(node.shape) != 3 or 0 in axes:
        return (1, 1)
    return node.shape[axes[0] - 1], node.shape[axes[1] - 1]


def _pixels(node: Node) -> int:
    """1 for a vector and for one pixel a channel, wherever the channels are."""
    maps = len(node.shape) == 3 and node.shape[1:] != (1, 1) and node.shape[:2] != (1, 1)
    return math.prod(node.shape) if maps else 1


def _flat(values: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        found += _flat(value) if isinstance(value, tuple | list) else [value]
    return found
