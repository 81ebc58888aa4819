"""The layer table (`summary`): one row per layer with shape, parameters, multiply-accumulates and receptive field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

# The documented place of this class (PyTorch, "Extending all torch API with modes"); no public module has it.
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from .receptive_field import field_size
from .tracing.graph import Node, Trace
from .tracing.trace import trace_shapes


@dataclass(frozen=True)
class LayerRow:
    """One call of one layer, for one image.

    `connections` are counted as LeNet's paper counts them: the inputs of every output unit that are multiplied by a
    weight, plus its bias. `receptive_field` is in input pixels (the longer side), None where a unit sees the whole
    image.
    """

    name: str
    type: str
    output_shape: tuple[int, ...]
    parameters: int
    macs: int
    connections: int
    receptive_field: int | None


@dataclass(frozen=True)
class LayerTable:
    """The result of `summary`; `str()` of it is a plain table."""

    model: str
    input_size: tuple[int, ...]
    layers: tuple[LayerRow, ...]
    parameters: int
    macs: int
    connections: int
    receptive_field: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        header = ("layer", "type", "output", "parameters", "MACs", "connections", "field")
        rows = [
            (r.name, r.type, shape_text(r.output_shape), *(f"{v:,}" for v in (r.parameters, r.macs, r.connections)),
             field_text(r.receptive_field))
            for r in self.layers
        ]  # fmt: skip
        total = ("total", "", "", *(f"{v:,}" for v in (self.parameters, self.macs, self.connections)), "")
        table = [header, *rows, total]
        widths = [max(len(row[column]) for row in table) for column in range(len(header))]
        sides = [str.ljust] * 3 + [str.rjust] * 4
        lines = ["  ".join(side(c, w) for side, c, w in zip(sides, row, widths, strict=True)) for row in table]
        return "\n".join(line.rstrip() for line in lines)


def summary(network: nn.Module, input_size: Sequence[int], name: str | None = None) -> LayerTable:
    """Return the layer table of `network` for one image of `input_size` (channels, height, width).

    Rows stand in the order in which the layers ran. A layer that runs twice has two rows, and its parameters count
    once; only trainable parameters count. The pass runs on shapes alone (the meta device), so that it takes no memory
    and leaves the network as it is.
    """
    macs: dict[str, int] = {}
    counter, before = _MultiplyAccumulates(), 0

    def observe(node: str, output: Tensor) -> None:
        nonlocal before
        macs[node], before = counter.total - before, counter.total

    with counter:
        trace = trace_shapes(network, input_size, observe)
    rows = _rows(network, trace, macs)
    # The field of the last maps before all of the image is pooled or flattened; shorter branches beside it see less.
    fields = [row.receptive_field for row in rows if row.receptive_field is not None and row.receptive_field > 1]
    return LayerTable(
        model=name or type(network).__name__,
        input_size=tuple(input_size),
        layers=tuple(rows),
        parameters=sum(p.numel() for p in network.parameters() if p.requires_grad),
        macs=sum(row.macs for row in rows),
        connections=sum(row.connections for row in rows),
        receptive_field=max(fields, default=None),
    )


class _MultiplyAccumulates(TorchDispatchMode):
    """Counts multiply-accumulates while it is active.

    PyTorch's `FlopCounterMode` has the same formulas, but takes three times as long: it hooks every module of every
    network in the process and tries to decompose every operation.
    """

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            # It counts a multiplication and an addition as two.
            self.total += formula(*args, **(kwargs or {}), out_val=output) // 2
        return output


def _rows(network: nn.Module, trace: Trace, macs: dict[str, int]) -> list[LayerRow]:
    counted: set[nn.Parameter] = set()
    rows = []
    for node in _layers(network, trace, macs):
        module = network.get_submodule(node.module or "")
        own = {p for p in module.parameters() if p.requires_grad} - counted
        counted |= own
        multiplied, connections = _counts(node, module, macs[node.name])
        rows.append(
            LayerRow(
                name=node.module or node.type, type=node.type, output_shape=node.shape,
                parameters=sum(p.numel() for p in own), macs=multiplied, connections=connections,
                receptive_field=field_size(trace, node.name),
            )
        )  # fmt: skip
    return rows


def _layers(network: nn.Module, trace: Trace, macs: dict[str, int]) -> list[Node]:
    """Return the nodes that are layers; a network that calls functions only is one layer."""
    layers = [node for node in trace.nodes if node.module is not None and not node.part]
    if layers or not trace.answers:
        return layers
    answer = trace.node(trace.answers[0])
    macs[answer.name] = sum(macs.values())
    return [replace(answer, module="", type=type(network).__name__)]


def _counts(node: Node, module: nn.Module, measured: int) -> tuple[int, int]:
    """Return multiply-accumulates and connections; a layer with a method `count` knows its own."""
    count = getattr(module, "count", None)
    if callable(count):
        macs, connections = count(torch.Size((1, *node.shape)))
        return macs, connections
    bias = prod(node.shape) if measured and getattr(module, "bias", None) is not None else 0
    return measured, measured + bias


def shape_text(shape: Sequence[int]) -> str:
    """Return `6 × 28 × 28`."""
    return " × ".join(map(str, shape))


def field_text(field: int | None) -> str:
    """Return the size of a receptive field, `all` where a unit sees the whole image."""
    return "all" if field is None else str(field)
