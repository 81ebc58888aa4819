"""What is said about one output value, and where its numbers are looked up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import fsum, isfinite, prod
from typing import Any

from torch import Tensor, nn

from ..tracing.graph import Call, Node, Ref, Step, Trace
from ..tracing.torch_functions import PASSES, bind

Place = tuple[int | None, ...]


class Unsupported(Exception):  # noqa: N818 - not an error: another way is taken
    """The operation has no arithmetic of its own here."""


@dataclass
class Term:
    """One number that takes part: `value` comes from `input` at `index`; `product` is what it adds.

    `padded` marks what lies outside of the input (a border of zeros, or a copy of an inner value), `chosen` the
    maximum. `weight_from` says where a factor comes from that is itself an activation.
    """

    input: str
    index: list[int | None]
    value: float
    weight: float | None = None
    product: float | None = None
    padded: bool = False
    chosen: bool = False
    weight_from: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `weight_from` only where there is one."""
        found = dict(vars(self))
        if self.weight_from is None:
            del found["weight_from"]
        return found


@dataclass
class Arithmetic:
    """One output value taken apart; `terms` are in the order of `grid`: channel, row, column."""

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
        """Plain values for JSON."""
        return {**vars(self), "terms": [term.to_dict() for term in self.terms]}


class Unit:
    """One place in the output of one node, and the way to the numbers behind it."""

    def __init__(self, trace: Trace, node: Node, image: int, channel: int, y: int | None, x: int | None):
        self.trace, self.node, self.image = trace, node, image
        self.output = trace.output(node.name)
        self.place = tuple(i for i in (channel, y, x) if i is not None)
        self.index = [channel, y, x]
        if not node.shape:
            self.place = self.place[:-1] if self.place == (0,) else self.place
        inside = len(self.place) == len(node.shape) and all(
            0 <= i < size for i, size in zip(self.place, node.shape, strict=False)
        )
        if len(node.shape) > 3:
            raise ValueError(f"{node.name} gives {len(node.shape)} axes an image; arithmetic knows up to three")
        if not inside:
            shape = " x ".join(map(str, node.shape)) or "one number"
            raise ValueError(f"{node.name} gives {shape} an image; there is no place {list(self.place)} in it")
        if self.output.ndim and not 0 <= image < len(self.output):
            raise ValueError(f"there is no image {image} in a batch of {len(self.output)}")

    @property
    def full(self) -> tuple[int, ...]:
        """The place with the image in front."""
        return (self.image, *self.place) if self.output.ndim else ()

    @property
    def layer(self) -> nn.Module | None:
        """The module that ran, None for a function."""
        return None if self.node.module is None else self.trace.modules[self.node.module]

    def source(self, argument: Any) -> Any:
        """Where an argument comes from, seen through changes of type; Unsupported if the node computed it itself."""
        while isinstance(argument, Step):
            call = self.node.calls[argument.call]
            if call.name not in PASSES:
                raise Unsupported
            argument = call.arguments[0]
        return argument

    def tensor(self, argument: Any) -> Tensor:
        """The numbers of an argument: the output of a node, a weight, a constant."""
        argument = self.source(argument)
        if isinstance(argument, Ref):
            return self.trace.output(argument.node)
        if not isinstance(argument, Tensor):
            raise Unsupported
        return argument

    def name(self, argument: Any) -> str:
        """The node that an argument comes from, the path of a weight, or "constant"."""
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
        """The answer; without `value`, it is the sum of the products and the bias."""
        terms = list(terms)
        sums: list[float] = []
        if channels is not None and terms and terms[0].product is not None:
            size = prod(window)
            sums = [total(t.product or 0.0 for t in terms[i : i + size]) for i in range(0, len(terms), size)]
        if value is None:
            value = total([*(t.product or 0.0 for t in terms), bias or 0.0])
        return Arithmetic(
            layer=self.node.name, kind=self.node.kind, type=self.node.type, index=self.index, operation=operation,
            terms=terms, formula=formula, value=value, network_value=float(self.output[self.full]), bias=bias,
            grid=None if channels is None else {"channels": channels, "height": window[0], "width": window[1]},
            parameters=parameters, partial_sums=sums,
        )  # fmt: skip


def exact(tensor: Tensor) -> Tensor:
    """Float64 on the CPU."""
    return tensor.detach().cpu().double()


def total(values: Iterable[float]) -> float:
    """The sum without rounding in between; NaN where plus and minus infinity meet, as in the network."""
    values = list(values)
    return fsum(values) if all(map(isfinite, values)) else sum(values)


def number(tensor: Any, default: float | None = None) -> float:
    """A float of one element."""
    if isinstance(tensor, Tensor):
        return float(tensor.detach())
    value = default if tensor is None else tensor
    assert value is not None
    return float(value)


def shown(place: Iterable[int | None]) -> list[int | None]:
    """A place of one image as [channel, y, x]."""
    indices = list(place)
    return indices + [None] * (3 - len(indices))


def settings(call: Call) -> dict[str, Any]:
    """The arguments of a call by name; Unsupported if one that is needed is not there."""
    bound = bind(call)
    if "input" in bound and bound["input"] is None:
        raise Unsupported
    return bound
