"""One output value (a unit) of a node, the numbers that it was computed from, and the result that shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import fsum, isfinite, prod
from typing import Any

from torch import Tensor, nn

from ..tracing.graph import Call, Node, Ref, Step, Trace
from ..tracing.torch_functions import PASSES, bind


class Unsupported(Exception):  # noqa: N818 - no error: `arithmetic` then computes by the gradient
    """There is no formula for this operation with these arguments."""


@dataclass
class Term:
    """One number that takes part: `value` comes from `input` at `index`; `product` is what it adds.

    `padded` marks what lies outside of the input (a border of zeros, or a copy of an inner value), `chosen` the
    maximum. `weight_from` says where a factor comes from that is itself an activation. `image` is the place in the
    first axis, where it is not that of the computed value.
    """

    input: str
    index: list[int | None]
    value: float
    weight: float | None = None
    product: float | None = None
    padded: bool = False
    chosen: bool = False
    weight_from: dict[str, Any] | None = None
    image: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `weight_from` and `image` only where there is one."""
        values = dict(vars(self))
        for key in ("weight_from", "image"):
            if values[key] is None:
                del values[key]
        return values


@dataclass
class Arithmetic:
    """How one output value was computed; `terms` are in the order of `grid`: channel, row, column."""

    layer: str
    kind: str
    type: str
    index: list[int | None]
    operation: str
    terms: list[Term]
    formula: str
    value: float
    network_value: float
    grid: dict[str, Any] | None = None
    bias: float | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    partial_sums: list[float] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**vars(self), "terms": [term.to_dict() for term in self.terms]}


class Unit:
    """One position in the output of one node; ValueError if it does not exist.

    `position` is (channel, y, x), as many of them as the output has axes; of more axes `channel` is all of it.
    """

    def __init__(
        self, trace: Trace, node: Node, image: int, channel: int | tuple[int, ...], y: int | None, x: int | None
    ):
        self.trace, self.node, self.image = trace, node, image
        self.output = trace.output(node.name)
        if self.output.is_complex() or self.output.is_meta:
            what = "is complex" if self.output.is_complex() else "has no numbers (meta device)"
            raise ValueError(f"{node.name}: its output {what}; arithmetic takes real numbers")
        whole = channel if isinstance(channel, tuple) else (channel, y, x)
        self.position = tuple(i for i in whole if i is not None)
        self.index = as_index(whole)
        if not node.shape and self.position == (0,):
            self.position = ()
        if len(node.shape) > 3 and not isinstance(channel, tuple):
            raise ValueError(
                f"{node.name}: an output with {len(node.shape)} axes per image: give all of the position as a tuple"
            )
        exists = len(self.position) == len(node.shape) and all(
            0 <= i < size for i, size in zip(self.position, node.shape, strict=False)
        )
        if not exists:
            shape = " x ".join(map(str, node.shape)) or "one number"
            raise ValueError(f"{node.name} has no unit {list(self.position)}: its output is {shape} per image")
        if self.output.ndim and not 0 <= image < len(self.output):
            raise ValueError(f"there is no image {image} in a batch of {len(self.output)}")

    @property
    def batch_position(self) -> tuple[int, ...]:
        """The position with the image in front."""
        return (self.image, *self.position) if self.output.ndim else ()

    @property
    def layer(self) -> nn.Module | None:
        """The module that ran, None for a function."""
        return None if self.node.module is None else self.trace.modules[self.node.module]

    def source(self, argument: Any) -> Any:
        """Return where an argument comes from, past changes of number type; Unsupported if the node computed it."""
        while isinstance(argument, Step):
            call = self.node.calls[argument.call]
            if call.name not in PASSES:
                raise Unsupported
            argument = call.arguments[0]
        return argument

    def tensor(self, argument: Any) -> Tensor:
        """Return the numbers of an argument: the output of a node, a weight, a constant."""
        argument = self.source(argument)
        if isinstance(argument, Ref):
            return self.trace.output(argument.node)
        if not isinstance(argument, Tensor):
            raise Unsupported
        return argument

    def name(self, argument: Any) -> str:
        """Return the node that an argument comes from, the path of a weight, or "constant"."""
        argument = self.source(argument)
        if isinstance(argument, Ref):
            return argument.node
        root = self.trace.modules[""]
        return next((path for path, weight in root.named_parameters() if weight is argument), "constant")

    def result(
        self,
        operation: str,
        terms: Iterable[Term],
        formula: str,
        value: float | None = None,
        bias: float | None = None,
        channels: list[int] | None = None,
        window: tuple[int, int] = (1, 1),
        **parameters: Any,
    ) -> Arithmetic:
        """Return the arithmetic of this unit; without `value`, that is the sum of the products and the bias."""
        terms = list(terms)
        sums: list[float] = []
        if channels is not None and terms and terms[0].product is not None:
            size = prod(window)
            sums = [exact_sum(t.product or 0.0 for t in terms[i : i + size]) for i in range(0, len(terms), size)]
        if value is None:
            value = exact_sum([*(t.product or 0.0 for t in terms), bias or 0.0])
        return Arithmetic(
            layer=self.node.name, kind=self.node.kind, type=self.node.type, index=self.index, operation=operation,
            terms=terms, formula=formula, value=value, network_value=float(self.output[self.batch_position]), bias=bias,
            grid=None if channels is None else {"channels": channels, "height": window[0], "width": window[1]},
            parameters=parameters, partial_sums=sums,
        )  # fmt: skip


def as_float64(tensor: Tensor) -> Tensor:
    """Return the numbers in float64 on the CPU."""
    return tensor.detach().cpu().double()


def as_float(value: Any, default: float | None = None) -> float:
    """Return a number, also one in a tensor, as a float; `default` for None."""
    if isinstance(value, Tensor):
        return float(value.detach())
    value = default if value is None else value
    assert value is not None
    return float(value)


def exact_sum(values: Iterable[float]) -> float:
    """Return the sum without rounding in between; NaN where plus and minus infinity meet, as in the network."""
    values = list(values)
    return fsum(values) if all(map(isfinite, values)) else sum(values)


def as_index(position: Iterable[int | None]) -> list[int | None]:
    """Return a position in one image as [channel, y, x], with None for axes that are not there."""
    indices = list(position)
    return indices + [None] * (3 - len(indices))


def arguments_of(call: Call) -> dict[str, Any]:
    """Return the arguments of a call by name; Unsupported without an input."""
    bound = bind(call)
    if "input" in bound and bound["input"] is None:
        raise Unsupported
    return bound
