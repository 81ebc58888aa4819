"""Layers whose outputs are no maps, such as a transformer's tokens x features, as maps: then each value has a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from ..insight import Node
from ..insight.tracing.graph import Call
from ..nested import leaves

# Tokens before those of the patches: the class token, that of a distillation, registers.
MOST_PREFIX = 8
LAST = 2
TO_LAST = [0, 2, 3, 1]  # of permute
TURNS = ("transpose", "swapaxes", "movedim", "moveaxis")


@dataclass(frozen=True)
class LayerMaps:
    """Where the values of an output of two axes, or of more than three, lie in maps.

    Of tokens x features (`axis` 0; 1 for features x tokens) each feature is a map. The tokens of patches lie in it as
    the patches lie in the image; each of the `prefix` tokens before them is a row of its own above, all of whose places
    are that one value. Of rows x columns x maps (`axis` 2) the maps come last. Any other table is one map, and of more
    axes the last two make the maps (`axis` None). `windows` tells that the first axis of the table takes the place of
    the images: parts of the image, of which a transformer calculates each by itself.
    """

    table: tuple[int, ...]
    shape: tuple[int, int, int]
    axis: int | None = None
    prefix: int = 0
    windows: bool = False

    def planes(self, output: Tensor) -> Tensor:
        """Return one image's output, of shape `table`, as maps x rows x columns."""
        if self.axis is None:
            return output.reshape(self.shape)
        if self.axis == LAST:
            return output.permute(2, 0, 1)
        features = output if self.axis == 1 else output.T
        count, _, columns = self.shape
        above = features[:, : self.prefix, None].expand(-1, -1, columns)
        return torch.cat([above, features[:, self.prefix :].reshape(count, -1, columns)], 1)

    def position(self, map: int, y: int, x: int) -> tuple[int, ...]:
        """Return the index in the output of a place in a map."""
        _, rows, columns = self.shape
        if self.axis == LAST:
            return y, x, map
        if self.axis is None:
            flat = (map * rows + y) * columns + x
            index: list[int] = []
            for size in reversed(self.table):
                index.append(flat % size)
                flat //= size
            return tuple(reversed(index))
        token = y if y < self.prefix else self.prefix + (y - self.prefix) * columns + x
        return (token, map) if self.axis == 0 else (map, token)

    def place(self, index: Sequence[int]) -> list[int]:
        """Return the place [map, y, x] of an index in the output."""
        _, rows, columns = self.shape
        if self.axis == LAST:
            y, x, map = index
            return [map, y, x]
        if self.axis is None:
            flat = 0
            for i, size in zip(index, self.table, strict=True):
                flat = flat * size + i
            return [flat // (rows * columns), flat // columns % rows, flat % columns]
        token, feature = index if self.axis == 0 else reversed(index)
        if token < self.prefix:
            return [feature, token, 0]
        patch = token - self.prefix
        return [feature, self.prefix + patch // columns, patch % columns]

    def without(self, off: list[int]) -> Tensor:
        """Return factors of shape `table` that leave of an output all but the maps `off`."""
        kept = torch.ones(self.shape if self.axis is None else self.table)
        axis = {None: 0, LAST: LAST, 0: 1, 1: 0}[self.axis]
        kept.index_fill_(axis, torch.tensor(off), 0)
        return kept.reshape(self.table)

    def to_dict(self) -> dict[str, Any]:
        """Return what a node's description says besides the shape of the maps."""
        tokens = {"axis": self.axis, "prefix": self.prefix} if self.axis in (0, 1) else None
        said = {"last": self.axis == LAST, "windows": self.windows}
        words = {key: True for key, value in said.items() if value}
        return {"shape": list(self.shape), "table": list(self.table), "tokens": tokens, **words}


def layer_maps(nodes: Sequence[Node]) -> dict[str, LayerMaps]:
    """Return how each layer is shown whose output, for one image, is neither a list of numbers nor maps."""
    found: dict[str, LayerMaps] = {}
    maps: list[tuple[int, ...]] = []  # outputs that are maps; later ones may be tokens divided among heads
    shapes: dict[str, tuple[int, ...]] = {}  # as they are shown
    for node in nodes:
        has_windows = node.batch > nodes[0].batch
        shown = _in_windows(node) if has_windows else _shown(node, maps, found, shapes)
        if shown is not None:
            found[node.name] = shown
        shapes[node.name] = shape = node.shape if shown is None else shown.shape
        is_image = shown is None or shown.axis == LAST
        if is_image and len(shape) == 3 and shape not in maps and shape[1] * shape[2] > 1:
            maps.append(shape)
    return found


def _in_windows(node: Node) -> LayerMaps:
    table = (node.batch, *node.shape)
    *outer, rows, columns = table if len(table) > 2 else (1, *table) if len(table) == 2 else (1, 1, *table)
    return LayerMaps(table, (prod(outer), rows, columns), windows=True)


def _shown(
    node: Node, maps: list[tuple[int, ...]], found: dict[str, LayerMaps], shapes: dict[str, tuple[int, ...]]
) -> LayerMaps | None:
    shape = node.shape
    if not all(shape) or not shape:
        return None
    if len(shape) == 2:
        taken = [shapes[name] for name in node.inputs if name not in found or found[name].axis == LAST]
        tokens = (_tokens(shape, source, source in taken) for source in maps)
        return next(filter(None, tokens), LayerMaps(shape, (1, shape[0], shape[1])))
    if len(shape) > 3:
        *outer, rows, columns = shape
        return LayerMaps(shape, (prod(outer), rows, columns))
    if len(shape) == 3 and _has_maps_last(node, maps, found, shapes):
        return LayerMaps(shape, (shape[2], shape[0], shape[1]), axis=LAST)
    return None


def _has_maps_last(
    node: Node, maps: list[tuple[int, ...]], found: dict[str, LayerMaps], shapes: dict[str, tuple[int, ...]]
) -> bool:
    """Tell whether an output of three axes is rows x columns x maps: it was turned so, or is made of such outputs.

    Of what is put together again from parts of another form, the size tells it: that of maps that came before.
    """
    turned = [_axes_of(call) for call in node.calls if call.name == "permute"]
    if turned:
        return turned == [TO_LAST] and any(len(shapes[name]) == 3 and name not in found for name in node.inputs)
    if any(call.name in TURNS for call in node.calls):
        return False
    axes = {found[name].axis if name in found else None for name in node.inputs if len(shapes[name]) == 3}
    plain = any(len(shapes[name]) == 3 and name not in found for name in node.inputs)
    if LAST in axes:
        return not plain
    rows, columns, count = node.shape
    return not plain and (count, rows, columns) in maps and node.shape not in maps


def _axes_of(call: Call) -> list[Any]:
    return list(leaves((call.arguments[1:], call.options)))


def _tokens(table: tuple[int, ...], source: tuple[int, ...], is_direct: bool) -> LayerMaps | None:
    """Return how a table is shown whose tokens are the places of the maps `source`; None if they are not.

    `is_direct` tells whether it is made of these maps: then, of as many features as places, the features come first.
    """
    channels, rows, columns = source
    first, second = table
    if (first, second) == (channels, rows * columns) and (first != second or is_direct):
        return LayerMaps(table, (channels, rows, columns), axis=1)
    prefix = first - rows * columns
    if not 0 <= prefix <= max(min(MOST_PREFIX, rows * columns // 4), 1):
        return None
    return LayerMaps(table, (second, prefix + rows, columns), axis=0, prefix=prefix)


def in_maps(maps: dict[str, LayerMaps], name: str, output: Tensor) -> Tensor:
    """Return a layer's output, for one image (with the axis of the images), as it is shown."""
    known = maps.get(name)
    if known is None or not known.windows:
        output = output[0]
    return output if known is None or output.shape != known.table else known.planes(output)


def with_places(terms: dict[str, Any], maps: dict[str, LayerMaps], own: int = 0) -> dict[str, Any]:
    """Return the arithmetic of a value with places in maps instead of indices in the outputs.

    `own` is the value's place in the first axis of the output.
    """

    def placed(name: str, image: int, index: Sequence[int | None]) -> list[int | None]:
        known = maps.get(name)
        numbers = [i for i in index if i is not None]
        if known is not None and known.windows:
            numbers = [image, *numbers]
        return list(index) if known is None or len(numbers) != len(known.table) else [*known.place(numbers)]

    def placed_term(term: dict[str, Any]) -> dict[str, Any]:
        factor = term.get("weight_from")
        changed = {**term, "index": placed(term["input"], term.get("image", own), term["index"])}
        return changed | (
            {"weight_from": {**factor, "index": placed(factor["input"], own, factor["index"])}} if factor else {}
        )

    index = placed(terms["layer"], own, terms["index"])
    return {**terms, "index": index, "terms": [placed_term(term) for term in terms["terms"]]}
