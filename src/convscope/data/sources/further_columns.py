"""What tables beside class folders say of the images besides their classes: patients, dates, instruments."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import DataError
from ..split import Data
from .folder import File, Folder
from .table_columns import path_column
from .table_file import TABLES, read_table
from .table_images import ImageFinder

# Lines read to find out whether a table names images.
LINES_TO_RECOGNISE = 25


def add_columns(data: Data, holders: Sequence[Folder], encoding: str) -> None:
    """Give a data set of class folders the columns of the tables in the folders `holders`, the first around all."""
    found: dict[str, dict[File, str]] = {}
    for folder in holders:
        finder = ImageFinder(folder)
        for name, item in folder.files().items():
            if name.lower().endswith(TABLES):
                _read(name, item, finder, encoding, found)
    names = {item: name for part in data.splits.values() for name, item in zip(part.names, part.images, strict=True)}
    for column, cells in found.items():
        data.columns[column] = {names[item]: cell for item, cell in cells.items() if item in names}


def _read(name: str, item: File, finder: ImageFinder, encoding: str, found: dict[str, dict[File, str]]) -> None:
    try:
        first = read_table(name, item, name, LINES_TO_RECOGNISE, encoding)
        path = path_column(first, finder.exists)
        if path is None or not first.columns or not first.rows or not finder.exists(first.cells(path)[0]):
            return
        table = read_table(name, item, name, encoding=encoding)
    except DataError:  # notes, or a table of something else
        return
    for line, cells in table.rows:
        try:
            image = finder.find(cells[path].strip(), line, name).item
        except (DataError, IndexError):
            continue
        for i, column in enumerate(table.columns):
            if i != path and i < len(cells):
                found.setdefault(column, {})[image] = cells[i].strip()
