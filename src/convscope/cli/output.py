"""What verbs print: aligned columns, and JSON that stands alone on stdout."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import typer

from ..errors import UsageError, printable


def print_json(document: Any) -> None:
    """One JSON document on stdout. What is not finite becomes null: JSON has no word for it."""
    typer.echo(json.dumps(_finite(document), indent=2, ensure_ascii=True))


def print_table(rows: Sequence[Sequence[object]], numbers: Sequence[int] = ()) -> None:
    """Aligned columns; those in `numbers` to the right. Wide (East Asian) characters count as two."""
    from rich.cells import cell_len

    table = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    for row in table:
        gaps = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [
            gap + cell if i in numbers else cell + gap for i, (cell, gap) in enumerate(zip(row, gaps, strict=True))
        ]
        typer.echo("  ".join(cells).rstrip())


def parse_duration(text: str | None) -> float | None:
    """`90`, `90s`, `1.5m` or `2h` -> seconds."""
    if text is None:
        return None
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1.0)
    try:
        seconds = float(number) * unit
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise UsageError(f"--time-budget must be a time such as 30s, 10m or 1h, not {printable(repr(text))}")
    return seconds


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
