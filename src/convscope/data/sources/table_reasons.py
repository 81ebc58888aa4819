"""Say why a table beside the images does not name their labels, where one would expect that it does."""

from __future__ import annotations

import os

from ...errors import DataError, printable
from ...problems import listed
from .folder import File, Folder
from .table_columns import has_labels, path_column
from .table_file import JSON_LINES, TABLES, read_table
from .table_images import ADDRESS, ImageFinder

# Tables of other programs.
OTHER_TABLES = (".xlsx", ".xls", ".ods", ".json", ".arrow", ".feather", ".db", ".sqlite", ".mat", ".h5")
LINES = 200


def why_unused(folder: Folder, encoding: str) -> str:
    """Return words about the first table at the top of a data set whose images have no labels, or an empty text."""
    files = folder.files()
    for name, item in files.items():
        if name.lower().endswith(TABLES + JSON_LINES):
            return f"; {_reason(folder, name, item, encoding)}"
    other = next((name for name in files if os.path.splitext(name)[1].lower() in OTHER_TABLES), None)  # noqa: PTH122
    return f"; {printable(other)} is of no kind that is read: save it as .csv" if other else ""


def _reason(folder: Folder, name: str, item: File, encoding: str) -> str:
    shown = printable(name)
    try:
        table = read_table(name, item, shown, LINES, encoding)
    except DataError as problem:
        return str(problem)
    columns = listed(table.columns or (table.rows[0][1] if table.rows else ("nothing",)), 6)
    if any(ADDRESS.match(cell) for _, cells in table.rows[:1] for cell in cells):
        return f"{shown} names the images by their addresses: download them, and write where the files lie"
    path = path_column(table, ImageFinder(folder).exists)
    if path is None:
        return f"{shown} has no column with names of images that are there ({columns}): call one 'path'"
    if not has_labels(table, path):
        return f"{shown} has no column whose values repeat as labels do ({columns}): numbers to predict are no classes"
    return f"{shown} is not understood ({columns}): give it as DATA to see why"
