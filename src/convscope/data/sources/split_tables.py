"""Tables that give each image its split and nothing else, such as CelebA's `list_eval_partition.txt`."""

from __future__ import annotations

import os
import re

from ...errors import DataError
from ...problems import listed
from ..image_file import IMAGE_SUFFIXES
from .folder import File
from .rows_of_text import Table
from .split_names import split_of
from .table_columns import MEMBERSHIPS, SPLITS, is_membership, normalised, path_column
from .table_file import LISTS, TABLES, read_table
from .table_labels import is_no_mark

# What such a file is called where its column has no name.
SPLIT_FILES = frozenset({"split", "splits", "partition", "partitions"})
# What such a column is called in DeepFashion.
SPLIT_COLUMNS = (*SPLITS, "evaluation_status")
# The numbers that CelebA has for its parts, in a file or a column called partition.
CELEBA_PARTS = {"0": "train", "1": "val", "2": "test"}
LINES_TO_RECOGNISE = 25


def names_only_splits(table: Table, path: int, name: str) -> bool:
    """Whether a table has, beside its column `path` of images, only the split of each; `name` is that of its file."""
    return _split_column(table, path, name) is not None


def read_split_table(path: str, item: File, encoding: str = "auto") -> dict[str, list[str]]:
    """Return the images that a table names, by split; empty for every other file.

    DataError for a table of splits whose words are unknown, or whose numbers may mean anything.
    """
    name = path.rpartition("/")[2]
    if not name.lower().endswith((*TABLES, *LISTS)):
        return {}
    try:
        first = read_table(name, item, path, LINES_TO_RECOGNISE, encoding)
        images = path_column(first, _is_image)
        column = None if images is None else _split_column(first, images, name)
        if images is None or column is None:
            return {}
        table = read_table(name, item, path, encoding=encoding)
    except DataError:  # notes, or another kind of list
        return {}
    title = normalised(table.columns[column]) if table.columns else ""
    found: dict[str, list[str]] = {}
    for (line, _), image, cell in zip(table.rows, table.cells(images), table.cells(column), strict=True):
        split = _split(cell, title, name)
        if split is None:
            values = listed(sorted(set(table.cells(column))), 4)
            raise DataError(f"{path}: line {line}: the splits are called {values}: call them train, val and test")
        found.setdefault(split, []).append(image)
    return found


def _is_image(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122


def _split_column(table: Table, path: int, name: str) -> int | None:
    width = len(table.columns) or (len(table.rows[0][1]) if table.rows else 0)
    named = [i for i in range(width) if i != path and not (table.columns and _numbers_rows(table.columns[i]))]
    if len(named) != 1 or not table.rows:
        return None
    column, cells = named[0], {cell for cell in table.cells(named[0]) if cell}
    words = {split_of(cell) for cell in cells}
    if len(words) > 1 and "train" in words and None not in words:
        return column
    if not table.columns:
        numbered = SPLIT_FILES & set(_words(name)) and all(cell.isdigit() for cell in cells)
        return column if numbered and _is_image(table.cells(path)[0]) else None  # CUB's lists number the images, too
    title = normalised(table.columns[column])
    if title in MEMBERSHIPS:
        return column if is_membership(table, column) else None
    return column if title in SPLIT_COLUMNS and (SPLIT_FILES & set(_words(title)) or None not in words) else None


def _split(cell: str, title: str, name: str) -> str | None:
    if title in MEMBERSHIPS:
        return MEMBERSHIPS[title][is_no_mark(cell)]
    if cell in CELEBA_PARTS and "partition" in {*_words(title), *_words(name)}:
        return CELEBA_PARTS[cell]
    return split_of(cell)


def _numbers_rows(title: str) -> bool:
    return normalised(title) in ("", "index", "unnamed:_0")


def _words(name: str) -> list[str]:
    return re.split(r"[\W_]+", os.path.splitext(name)[0].lower())  # noqa: PTH122
