"""Which of several tables of images have the labels: one for each split, or one beside tables of other things."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...errors import DataError, printable
from ...problems import warn
from .folder import Folder, has_image_suffix
from .interpretation import Interpretation
from .split_names import split_word_in
from .table import TableFile
from .table_columns import LABELS, DoubtfulLabelError, normalised, path_column, understand
from .table_file import read_table
from .table_images import ImageFinder
from .table_labels import DoubtfulTypeError

# Lines that tell whether a table only repeats the folders.
LINES_TO_RECOGNISE = 2000


@dataclass(frozen=True)
class Images:
    """The names of the images in a table, and whether it is clear which of its columns have the labels."""

    names: frozenset[str]
    is_clear: bool


def choose_tables(
    folder: Folder, tables: Sequence[TableFile], shown: str, interpretation: Interpretation
) -> Sequence[TableFile]:
    """Return the tables of labels among several tables of images, with a warning about those that are left out.

    Left out are tables whose labels are in doubt if others have labels of the same images, as ISIC has one of labels
    and one of patients; and beside tables for all splits others of other images, as GTSRB has one of its classes.
    """
    tables = _with_splits([table for table in tables if not _only_annotates(table, interpretation, shown)])
    if len(tables) < 2 or _one_per_split(tables):
        return tables
    exists = ImageFinder(folder).exists
    images = [_images(table, exists, interpretation) for table in tables]
    clear = frozenset[str]().union(*(found.names for found in images if found.is_clear))
    labelled = [
        table for table, found in zip(tables, images, strict=True) if found.is_clear or not found.names <= clear
    ]
    if len(labelled) < len(tables):
        return choose_tables(folder, labelled, shown, interpretation)
    named = [table for table in tables if table.split]
    if not _one_per_split(named) or "train" not in {table.split for table in named}:
        return tables
    known = frozenset[str]().union(*(found.names for t, found in zip(tables, images, strict=True) if t.split))
    others = [(t, found.names) for t, found in zip(tables, images, strict=True) if not t.split]
    if any(names & known for _, names in others):
        return tables
    for table, _ in others:
        text = f"{printable(table.path)} is not used: other tables have the images of all splits"
        warn("unused-table", shown, text)
    return named


def _only_annotates(table: TableFile, interpretation: Interpretation, shown: str) -> bool:
    """Whether a table repeats the folder of each image, with further labels that may be names of several words.

    As `labels_joint_anno.txt` of DTD does: `banded/banded_0004.jpg banded lined`.
    """
    if interpretation.label_type == "multi":
        return False
    try:
        read = read_table(table.name, table.item, table.path, LINES_TO_RECOGNISE, interpretation.encoding)
        path = path_column(read, has_image_suffix)
        try:
            understand(read, path, replace(interpretation, label_type="auto"))
            return False
        except DoubtfulTypeError:
            rows = understand(read, path, replace(interpretation, label_type="multi")).rows
    except DataError:
        return False
    if not all(row.path.rpartition("/")[0].rpartition("/")[2] in row.labels for row in rows):
        return False
    text = f"{printable(table.name)} is not used: the folder names are the classes (all its labels: --label-type multi)"
    warn("unused-table", shown, text)
    return True


def _one_per_split(tables: Sequence[TableFile]) -> bool:
    splits = [table.split for table in tables]
    return bool(tables) and None not in splits and len(set(splits)) == len(splits)


def _images(table: TableFile, exists: Callable[[str], bool], interpretation: Interpretation) -> Images:
    try:
        read = read_table(table.name, table.item, table.path, encoding=interpretation.encoding)
        path = path_column(read, exists)
        names = frozenset(read.cells(path)) if path is not None else frozenset[str]()
    except DataError:
        return Images(frozenset(), is_clear=True)
    try:
        understood = understand(read, path, interpretation)
    except DoubtfulLabelError:
        return Images(names, is_clear=False)
    except DataError:
        # One without the column that the user names is none of labels.
        return Images(names, is_clear=interpretation.label_column in (None, *read.columns))
    named = interpretation.label_column is not None or normalised(understood.labelled_by) in LABELS
    return Images(names, is_clear=named or not read.columns or understood.label_columns > 1)


def _with_splits(tables: Sequence[TableFile]) -> Sequence[TableFile]:
    """Return several tables with the splits that words in their names say: `places365_val`, `places365_train_big`.

    Where each name has a word for a split, and no two have the same.
    """
    if len(tables) < 2 or all(table.split for table in tables):
        return tables
    splits = [split_word_in(os.path.splitext(table.name)[0]) for table in tables]  # noqa: PTH122
    if None in splits or len(set(splits)) < len(splits):
        return tables
    return [replace(table, among_others=split) for table, split in zip(tables, splits, strict=True)]
