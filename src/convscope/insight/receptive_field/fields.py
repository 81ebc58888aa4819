"""The receptive fields of all positions of a tensor: for each row and each column, which pixels it sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class AxisField:
    """Position i sees the pixels of the image from `start[i]` up to, but not including, `stop[i]`.

    Pixels beyond the image, which padding adds, count with negative numbers and on behind the last one. `start` is
    infinite where a position sees nothing, `stop` where it sees the whole image. `jump` is the distance between the
    fields of neighbouring positions, in pixels; with it, positions in the padding have fields too.
    """

    start: Array
    stop: Array
    jump: float = 1.0

    def __len__(self) -> int:
        return len(self.start)

    def at(self, position: Array) -> AxisField:
        """Return the fields of these positions, of which some may lie in the padding."""
        inside = np.clip(position, 0, len(self) - 1)
        beyond = (position - inside) * self.jump
        return AxisField(self.start[inside] + beyond, self.stop[inside] + beyond, self.jump)

    def through(self, first: Array, last: Array, stride: float, dilation: int = 1) -> AxisField:
        """Return the fields behind windows: output i takes the positions from `first[i]` to `last[i]`, all included.

        `stride` is the distance between neighbouring windows. Where `last[i]` is below `first[i]`, the window is empty.
        """
        widest = int((last - first).max(initial=0))
        positions = [np.minimum(first + step, last) for step in range(0, widest + 1, dilation)]
        seen = reduce(AxisField.joined, (self.at(position) for position in positions))
        empty = last < first
        start, stop = np.where(empty, np.inf, seen.start), np.where(empty, -np.inf, seen.stop)
        return AxisField(start, stop, self.jump * stride)

    def joined(self, other: AxisField) -> AxisField:
        """Return the fields of positions that two paths lead to: from the first pixel to the last of both."""
        start, stop = np.minimum(self.start, other.start), np.maximum(self.stop, other.stop)
        return AxisField(start, stop, max(self.jump, other.jump))


def of_pixels(count: int) -> AxisField:
    """Return the fields of the image's own rows or columns: each sees itself."""
    pixels = np.arange(count, dtype=float)
    return AxisField(pixels, pixels + 1)


def everything(count: int = 1) -> AxisField:
    """Return the fields of `count` positions that see the whole image."""
    return AxisField(np.full(count, -np.inf), np.full(count, np.inf))


@dataclass(frozen=True, eq=False)
class Fields:
    """The fields of a tensor's rows and columns.

    `axes` says which of its axes these are, counted from the last one: (-2, -1) for N x C x H x W, (-3, -2) for
    N x H x W x C. It is None where the positions lie on no grid: in vectors, in flattened maps.
    """

    rows: AxisField
    columns: AxisField
    axes: tuple[int, int] | None = (-2, -1)

    @property
    def positions(self) -> int:
        """How many there are: rows times columns."""
        return len(self.rows) * len(self.columns)


WHOLE = Fields(everything(), everything(), None)


def joined(parts: Sequence[Fields]) -> Fields:
    """Return the fields of positions that several paths lead to; parts of one row or column are broadcast."""
    result = parts[0]
    for other in parts[1:]:
        on_one_grid = result.axes == other.axes or 1 in (result.positions, other.positions)
        pairs = ((result.rows, other.rows), (result.columns, other.columns))
        if not on_one_grid or any(len(a) != len(b) and 1 not in (len(a), len(b)) for a, b in pairs):
            return WHOLE
        rows, columns = (a.joined(b) for a, b in pairs)
        result = Fields(rows, columns, result.axes if result.axes is not None else other.axes)
    return result
