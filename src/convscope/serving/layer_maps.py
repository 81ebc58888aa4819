"""Layers whose outputs are no maps, such as a transformer's tokens x features, as maps: then each value has a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from ..insight import Node

# Tokens before those of the patches: the class token, that of a distillation, registers.
MOST_PREFIX = 8


@dataclass(frozen=True)
class LayerMaps:
    """Where the values of an output of two axes, or of more than three, lie in maps.

    Of tokens x features (`axis` 0; 1 for features x tokens) each feature is a map. The tokens of patches lie in it as
    the patches lie in the image; each of the `prefix` tokens before them is a row of its own above, all of whose places
    are that one value. Any other table is one map, and of more axes the last two make the maps (`axis` None).
    """

    table: tuple[int, ...]
    shape: tuple[int, int, int]
    axis: int | None = None
    prefix: int = 0

    def planes(self, output: Tensor) -> Tensor:
        """Return one image's output, of shape `table`, as maps x rows x columns."""
        if self.axis is None:
            return output.reshape(self.shape)
        features = output if self.axis == 1 else output.T
        count, _, columns = self.shape
        above = features[:, : self.prefix, None].expand(-1, -1, columns)
        return torch.cat([above, features[:, self.prefix :].reshape(count, -1, columns)], 1)

    def position(self, map: int, y: int, x: int) -> tuple[int, ...]:
        """Return the index in the output of a place in a map."""
        _, rows, columns = self.shape
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
        kept.index_fill_(0 if self.axis is None else 1 - self.axis, torch.tensor(off), 0)
        return kept.reshape(self.table)

    def to_dict(self) -> dict[str, Any]:
        """Return what a node's description says besides the shape of the maps."""
        tokens = None if self.axis is None else {"axis": self.axis, "prefix": self.prefix}
        return {"shape": list(self.shape), "table": list(self.table), "tokens": tokens}


def layer_maps(nodes: Sequence[Node]) -> dict[str, LayerMaps]:
    """Return how each layer is shown whose output is neither a list of numbers nor maps."""
    found: dict[str, LayerMaps] = {}
    maps: list[tuple[int, ...]] = []  # outputs that are maps; later ones may be tokens divided among heads
    shapes = {node.name: node.shape for node in nodes}
    for node in nodes:
        if len(node.shape) == 3 and node.shape not in maps and node.shape[1] * node.shape[2] > 1:
            maps.append(node.shape)
        elif len(node.shape) == 2 and all(node.shape):
            taken = [shapes[name] for name in node.inputs]
            tokens = (_tokens(node.shape, source, source in taken) for source in maps)
            found[node.name] = next(filter(None, tokens), LayerMaps(node.shape, (1, node.shape[0], node.shape[1])))
        elif len(node.shape) > 3 and all(node.shape):
            *outer, rows, columns = node.shape
            found[node.name] = LayerMaps(node.shape, (prod(outer), rows, columns))
    return found


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
    """Return one image's output of a layer as it is shown."""
    known = maps.get(name)
    return output if known is None or output.shape != known.table else known.planes(output)


def with_places(terms: dict[str, Any], maps: dict[str, LayerMaps]) -> dict[str, Any]:
    """Return the arithmetic of a value with places in maps instead of indices in the outputs."""

    def placed(name: str, index: Sequence[int | None]) -> list[int | None]:
        known = maps.get(name)
        numbers = [i for i in index if i is not None]
        return list(index) if known is None or len(numbers) != len(known.table) else [*known.place(numbers)]

    def placed_term(term: dict[str, Any]) -> dict[str, Any]:
        factor = term.get("weight_from")
        changed = {**term, "index": placed(term["input"], term["index"])}
        return changed | (
            {"weight_from": {**factor, "index": placed(factor["input"], factor["index"])}} if factor else {}
        )

    index = placed(terms["layer"], terms["index"])
    return {**terms, "index": index, "terms": [placed_term(term) for term in terms["terms"]]}
