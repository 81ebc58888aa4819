"""Print aligned columns, or one JSON document, on stdout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer

from ..errors import printable
from ..finite_json import dump_json
from ..messages.translate import phrase, translated


def print_json(document: Any) -> None:
    """Print one JSON document on stdout; a number that is not finite becomes null."""
    typer.echo(dump_json(document, indent=2))


def say(message: str = "", err: bool = False) -> None:
    """Print a message on stdout (or stderr) in the user's language."""
    typer.echo(translated(message, sys.stderr if err else sys.stdout), err=err)


def split_name(split: str) -> str:
    """Return the name of a split in the user's language; that of all images is as --split has it."""
    return split if split == "all" else phrase(split)


def print_table(rows: Sequence[Sequence[object]], numbers: Sequence[int] = (), head: Sequence[str] = ()) -> None:
    """Print aligned columns, those in `numbers` to the right, below a `head` in the user's language.

    Wide (East Asian) characters count as two.
    """
    from rich.cells import cell_len

    rows = [[translated(word, sys.stdout) for word in head], *rows] if head else rows
    table = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    for row in table:
        gaps = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [
            gap + cell if i in numbers else cell + gap for i, (cell, gap) in enumerate(zip(row, gaps, strict=True))
        ]
        typer.echo("  ".join(cells).rstrip())
