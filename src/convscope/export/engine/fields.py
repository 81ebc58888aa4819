"""The receptive fields of all nodes as tables, in which the page looks up what it would ask a service."""

from __future__ import annotations

import json
from typing import Any

from ...insight import Trace, field_of


def receptive_fields(trace: Trace) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Return the different tables, and for each node the number of its own.

    A table has `rows` and `columns`: for each row of the node's maps, the first and the last row (not included) of the
    input that it sees; likewise for columns. A vector has one of each.
    """
    tables: dict[str, int] = {}
    numbers = {}
    for node in trace.nodes:
        height, width = node.shape[1:] if len(node.shape) == 3 else (1, 1)
        boxes = [field_of(trace, node.name, y, 0) for y in range(height)]
        sides = [field_of(trace, node.name, 0, x) for x in range(width)]
        table = {"rows": [[b.top, b.bottom] for b in boxes], "columns": [[b.left, b.right] for b in sides]}
        numbers[node.name] = tables.setdefault(json.dumps(table), len(tables))
    return [json.loads(table) for table in tables], numbers
