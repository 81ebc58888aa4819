"""A table as columns and rows of text, whatever kind of file it was in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """The rows of a table, each with the number of its line; `columns` are empty if the file has no header.

    `is_list` marks a list of `path index` lines. `several` are the columns whose cells hold lists of values (JSON),
    joined by `|`; `notes` are texts of warnings about what was left out.
    """

    where: str
    columns: tuple[str, ...]
    rows: list[tuple[int, list[str]]]
    is_list: bool = False
    several: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    def cells(self, column: int) -> list[str]:
        """Return the cells of a column, in the order of the rows; a missing cell is empty."""
        return [row[column].strip() if column < len(row) else "" for _, row in self.rows]
