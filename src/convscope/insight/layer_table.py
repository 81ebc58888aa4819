"""A row a layer: output shape, parameters, multiply-accumulates, connections, receptive field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_leaves

from .receptive_field import ArithmeticTracker
from .tracing.hooks import hooked, in_evaluation


@dataclass(frozen=True)
class LayerRow:
    """One call of one layer, for one image.

    `connections` counts as LeNet's paper does: the inputs of every output unit that are multiplied with a weight, plus
    its bias. `receptive_field` is in input pixels (the longer side), None where a unit sees the whole image.
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
    """What `summary` returns; `str()` of it is a plain table."""

    model: str
    input_size: tuple[int, ...]
    layers: tuple[LayerRow, ...]
    parameters: int
    macs: int
    connections: int
    receptive_field: int | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
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
    """Measure `network` on one image of `input_size` (channels, height, width).

    Layers are the modules without children that ran, in the order in which they ran; one that runs twice has two rows
    (and its parameters count once). Shapes and counts are for one image. Nothing is left behind in the network.
    """
    rows: list[LayerRow] = []
    counted: set[nn.Parameter] = set()
    names = {module: path or type(module).__name__ for path, module in network.named_modules()}

    def parameters_of(module: nn.Module) -> int:
        # `parameters(recurse=False)` of the original module: the pass itself runs on shapes alone.
        own = [p for p in originals[module] if p not in counted]
        counted.update(own)
        return sum(p.numel() for p in own)

    originals = {m: [p for p in m.parameters(recurse=False) if p.requires_grad] for m in network.modules()}
    before: dict[nn.Module, int] = {}

    def enter(module: nn.Module, inputs: Any) -> None:
        before[module] = tracker.macs

    def leave(module: nn.Module, inputs: Any, output: Any) -> None:
        if output is None:  # the layer raised
            return
        tensor = next(t for t in tree_leaves(output) if isinstance(t, Tensor))
        count: Any = getattr(module, "count", None)
        if callable(count):
            macs, connections = count(tensor.shape)
        else:
            macs = tracker.macs - before[module]
            connections = macs + (tensor.numel() if macs and getattr(module, "bias", None) is not None else 0)
        field = tracker.field(tensor)
        seen = None if field is None or math.isinf(max(field.size)) else int(max(field.size))
        shape = tuple(tensor.shape[1:])
        rows.append(
            LayerRow(names[module], type(module).__name__, shape, parameters_of(module), macs, connections, seen)
        )

    leaves = [m for m in network.modules() if not list(m.children())]
    images = torch.zeros(1, *input_size, device="meta", dtype=_dtype(network))
    tracker = ArithmeticTracker(images)
    with in_evaluation(network), hooked(leaves, enter, leave), torch.no_grad(), tracker:
        functional_call(network, _on_meta(network), (images,))
    # Of the last feature map before the whole image is pooled or flattened; beside it, shorter branches see less.
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


def shape_text(shape: Sequence[int]) -> str:
    """6 x 28 x 28."""
    return " × ".join(map(str, shape))


def field_text(field: int | None) -> str:
    """`all` where a unit sees the whole image."""
    return "all" if field is None else str(field)


def _on_meta(network: nn.Module) -> dict[str, Tensor]:
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    return {key: tensor.to("meta") for key, tensor in tensors.items()}


def _dtype(network: nn.Module) -> torch.dtype:
    return next((p.dtype for p in network.parameters() if p.is_floating_point()), torch.float32)
