"""The maps that a window slides over, with the padding around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..tracing.graph import Step
from .unit import Term, Unit, Unsupported, arguments_of, as_float, as_float64


@dataclass
class PaddedMaps:
    """C x H x W of one image, with the rows and columns that a padding layer put `before` and `after` them."""

    name: str
    tensor: Tensor
    before: tuple[int, int] = (0, 0)
    after: tuple[int, int] = (0, 0)
    mode: str = "constant"
    fill: float = 0.0

    @property
    def size(self) -> tuple[int, int]:
        """Height and width with the padding."""
        height, width = self.tensor.shape[1:]
        return height + self.before[0] + self.after[0], width + self.before[1] + self.after[1]

    def source_of(self, position: int | None, axis: int) -> tuple[int | None, int | None, float]:
        """Return where a row (axis 0) or a column (1) of the padded maps has its values from.

        That is its number in the maps without padding, the number of the row or column whose values it has (None: it is
        filled), and what it is filled with. A position of None, a gap between the inputs, is filled with 0.
        """
        if position is None:
            return None, None, 0.0
        size, own = self.tensor.shape[1 + axis], position - self.before[axis]
        if 0 <= own < size:
            return own, own, 0.0
        if not 0 <= position < self.size[axis]:
            return own, None, 0.0
        if self.mode == "constant":
            return own, None, self.fill
        if self.mode == "circular":
            return own, own % size, 0.0
        if self.mode == "replicate":
            return own, min(max(own, 0), size - 1), 0.0
        if self.mode == "reflect":
            return own, -own if own < 0 else 2 * (size - 1) - own, 0.0
        raise Unsupported

    def terms(
        self, channels: range, rows: list[int | None], columns: list[int | None], weights: Any = None
    ) -> list[Term]:
        """Return a term for every position of a window; `weights` are channels x rows x columns."""
        ys, xs = [self.source_of(row, 0) for row in rows], [self.source_of(column, 1) for column in columns]
        block = self.tensor[channels.start : channels.stop]
        block = block[:, [y or 0 for _, y, _ in ys]][:, :, [x or 0 for _, x, _ in xs]]
        values = as_float64(block).tolist()
        terms = []
        for c, channel in enumerate(channels):
            for i, (y, source_y, fill_y) in enumerate(ys):
                for j, (x, source_x, fill_x) in enumerate(xs):
                    outside = source_y is None or source_x is None
                    value = (fill_y or fill_x) if outside else values[c][i][j]
                    weight = None if weights is None else weights[c][i][j]
                    product = None if weight is None else value * weight
                    padded = outside or y != source_y or x != source_x
                    terms.append(Term(self.name, [channel, y, x], value, weight, product, padded))
        return terms


def padded_maps(unit: Unit, argument: Any) -> PaddedMaps:
    """Return the maps that a window takes, and the padding that the same layer put around them."""
    if isinstance(argument, Step) and unit.node.calls[argument.call].name == "pad":
        padding = arguments_of(unit.node.calls[argument.call])
        sides = [int(side) for side in padding["pad"]]
        if len(sides) != 4:
            raise Unsupported
        inner = padded_maps(unit, padding["input"])
        return PaddedMaps(
            inner.name, inner.tensor, (sides[2], sides[0]), (sides[3], sides[1]), padding["mode"],
            as_float(padding["value"], 0.0),
        )  # fmt: skip
    tensor = unit.tensor(argument)
    if tensor.ndim != 4 or len(unit.position) != 3:
        raise Unsupported
    return PaddedMaps(unit.name(argument), tensor[unit.image])


def window_positions(start: int, kernel: int, dilation: int) -> list[int | None]:
    """Return the rows or the columns of a window."""
    return [start + k * dilation for k in range(kernel)]
