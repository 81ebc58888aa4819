"""The layer table (`summary`): one row per layer with shape, parameters, multiply-accumulates and receptive field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from .. import notebook_html
from .layer_rows import NOT_RUN, LayerRow, Measured, layer_rows
from .tracing.unwrapped import unwrapped

MEGABYTE = 2**20
LAYER_COLUMNS = ("layer", "type", "output", "parameters", "MACs", "connections", "field")


@dataclass(frozen=True)
class LayerTable:
    """The result of `summary`; `str()` of it is a plain table with the totals below.

    The totals are the sums of the rows. Megabytes (of 2^20 bytes) are for one image: `input_mb`, `passes_mb` for the
    outputs of all rows, forward and backward, `parameters_mb`. `fully_connected` parameters and multiply-accumulates
    are those of linear layers; of the parameters, frozen ones count too.
    """

    model: str
    input_size: tuple[int, ...]
    layers: tuple[LayerRow, ...]
    parameters: int
    macs: int
    connections: int
    receptive_field: int | None
    frozen_parameters: int = 0
    input_mb: float = 0.0
    passes_mb: float = 0.0
    parameters_mb: float = 0.0
    fully_connected_parameters: int = 0
    fully_connected_macs: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        table = [LAYER_COLUMNS, *self.rows()]
        widths = [max(len(row[column]) for row in table) for column in range(len(LAYER_COLUMNS))]
        sides = [str.ljust] * 3 + [str.rjust] * 4
        lines = ["  ".join(side(c, w) for side, c, w in zip(sides, row, widths, strict=True)) for row in table]
        return "\n".join([*(line.rstrip() for line in lines), "", *self.totals()])

    def _repr_html_(self) -> str:
        caption = f"{self.model}, input {shape_text(self.input_size)}"
        shown = notebook_html.table(caption, LAYER_COLUMNS, self.rows(), numbers=range(3, len(LAYER_COLUMNS)))
        return shown + notebook_html.paragraph(self.totals())

    def rows(self) -> list[tuple[str, ...]]:
        """Return the cells of the table below its header, with the totals as the last row."""
        rows = [
            (r.name, r.type, shape_text(r.output_shape), f"{r.parameters + r.frozen_parameters:,}", f"{r.macs:,}",
             f"{r.connections:,}", "" if r.receptive_field == 0 else field_text(r.receptive_field))
            for r in self.layers
        ]  # fmt: skip
        counts = (self.parameters + self.frozen_parameters, self.macs, self.connections)
        return [*rows, ("total", "", "", *(f"{v:,}" for v in counts), "")]

    def totals(self) -> list[str]:
        """Return the lines below the table."""
        every = self.parameters + self.frozen_parameters
        lines = [
            f"parameters: {self.parameters:,} trainable, {self.frozen_parameters:,} frozen",
            f"fully connected: {self.fully_connected_parameters:,} parameters "
            f"({_share(self.fully_connected_parameters, every)}), {self.fully_connected_macs:,} MACs "
            f"({_share(self.fully_connected_macs, self.macs)})",
            f"MB: input {self.input_mb:.2f}, forward and backward pass {self.passes_mb:.2f}, "
            f"parameters {self.parameters_mb:.2f}",
        ]
        idle = [row for row in self.layers if row.type == NOT_RUN]
        if idle:
            count = sum(row.parameters + row.frozen_parameters for row in idle)
            lines.append(f"not run in evaluation: {count:,} parameters, in {len(idle)} layers")
        return lines


def summary(network: nn.Module, input_size: Sequence[int], name: str | None = None) -> LayerTable:
    """Return the layer table of `network` for one image of `input_size` (channels, height, width).

    Rows stand in the order in which the layers ran. A layer that runs twice has two rows, and its parameters count
    once. Multiply-accumulates are those of the operations that PyTorch's `FlopCounterMode` knows (convolutions, matrix
    products, attention), half of its figure; a layer of ours with a method `count` is counted as in its paper instead.
    The pass runs in evaluation mode and on shapes alone (the meta device), so that it takes no memory and leaves the
    network as it is.

    >>> table = summary(nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2)), (1, 28, 28))
    >>> table.parameters, table.macs, table.layers[-1].output_shape
    (156, 86400, (6, 12, 12))
    """
    network = unwrapped(network)
    measured = Measured(network, input_size)
    found = layer_rows(network, measured)
    rows = [row for row, _ in found]
    # The field of the last maps before all of the image is pooled or flattened; shorter branches beside it see less.
    fields = [row.receptive_field for row in rows if row.receptive_field is not None and row.receptive_field > 1]
    connected = [row for row in rows if row.fully_connected]
    weights = {id(p): p.numel() * p.element_size() for p in network.parameters()}
    return LayerTable(
        model=name or type(network).__name__,
        input_size=tuple(input_size),
        layers=tuple(rows),
        parameters=sum(row.parameters for row in rows),
        macs=sum(row.macs for row in rows),
        connections=sum(row.connections for row in rows),
        receptive_field=max(fields, default=None),
        frozen_parameters=sum(row.frozen_parameters for row in rows),
        input_mb=measured.bytes["input"] / MEGABYTE,
        passes_mb=2 * sum(measured.bytes[node] for _, node in found if node) / MEGABYTE,
        parameters_mb=sum(weights.values()) / MEGABYTE,
        fully_connected_parameters=sum(row.parameters + row.frozen_parameters for row in connected),
        fully_connected_macs=sum(row.macs for row in connected),
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def shape_text(shape: Sequence[int]) -> str:
    """Return `6 × 28 × 28`."""
    return " × ".join(map(str, shape))


def field_text(field: int | None) -> str:
    """Return the size of a receptive field, `all` where a unit sees the whole image."""
    return "all" if field is None else str(field)
