"""Find out what the columns of a table mean: the image, its label or labels, its split."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...errors import DataError, printable
from ...problems import listed
from .folder import has_image_suffix
from .split_names import split_of
from .table_file import Table
from .table_labels import MARKS, NO_MARKS, cell_labels, is_marked, is_no_mark, one_hot

# Column names by meaning; if a table has several of a kind, the first one here counts.
PATHS = (
    "path", "filepath", "filepaths", "file_path", "file", "filename", "file_name", "image_path", "image_file",
    "image_name", "img_path", "image", "img",
)  # fmt: skip
# Names that may mean something else: they count if the first row's cell is the name of a file.
IDENTIFIERS = ("image_id", "img_id", "imageid", "id", "id_code", "uid", "name", "key")
LABELS = (
    "label", "labels", "label_name", "class", "class_name", "classname", "class_label", "target", "category", "tags",
    "tag", "breed", "species", "diagnosis",
)  # fmt: skip
SPLITS = ("split", "set", "subset", "partition", "data_set", "dataset", "usage", "phase", "stage")
# Columns that say of each image whether it belongs to one split: that one, and the split of all others.
MEMBERSHIPS = {
    "is_train": ("train", "test"), "is_training": ("train", "test"), "train": ("train", "test"),
    "is_valid": ("val", "train"), "is_val": ("val", "train"), "valid": ("val", "train"),
    "is_test": ("test", "train"), "test": ("test", "train"),
}  # fmt: skip
# Rows whose cells must be names of files for a column to be the images', where its name does not say so.
ROWS_TRIED = 20


@dataclass(frozen=True)
class LabelledRow:
    """One image in a table: the number of its line, its path and labels, its split or None, and its further cells."""

    line: int
    path: str
    labels: tuple[str, ...]
    split: str | None
    further: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class LabelledTable:
    """The rows of a table with what they mean; `labelled_by` names the columns in words."""

    rows: list[LabelledRow]
    labelled_by: str
    multi_label: bool = False
    class_names: tuple[str, ...] = ()
    by_column: bool = False


def path_column(table: Table, exists: Callable[[str], bool]) -> int | None:
    """Return the column of the images, by its name or by files that `exists` finds; None if there is none."""
    if not table.columns:
        first = table.rows[0][1] if table.rows else []
        return 0 if len(first) > 1 and (table.is_list or has_image_suffix(first[0].strip())) else None
    names = [normalised(name) for name in table.columns]
    for known in PATHS:
        if known in names:
            return names.index(known)
    identifiers = [names.index(known) for known in IDENTIFIERS if known in names]
    for column in [*identifiers, *range(len(names))]:
        cells = [cell for cell in table.cells(column)[:ROWS_TRIED] if cell]
        like_paths = column in identifiers or all(map(has_image_suffix, cells))
        if cells and like_paths and all(map(exists, cells)):
            return column
    return None


def has_labels(table: Table, path: int, label_column: str | None = None) -> bool:
    """Whether a table has anything besides the images that may be a label."""
    if not table.columns:
        return True
    rest = [i for i in range(len(table.columns)) if i != path and _label_like(table, i)]
    return label_column in table.columns or bool(rest)


def understand(table: Table, path: int | None, label_column: str | None, label_type: str) -> LabelledTable:
    """Give each row its image, labels and split; `label_type` is auto, single or multi.

    Raises DataError for a missing column, an empty cell and where the labels can be read in two ways.
    """
    if path is None:
        first = [] if table.columns or not table.rows else table.rows[0][1]
        twice = [name for name, count in Counter(first).items() if count > 1]
        if twice and not {*PATHS}.isdisjoint(map(normalised, first)):
            raise DataError(f"{table.where}: two columns are called {listed(twice)}: give each its own name in line 1")
        raise DataError(f"{table.where}: no column 'path' among {_told(table)}: give a column that name in line 1")
    names = [normalised(name) for name in table.columns]
    split, belongs = _split_column(table, path, label_column)
    labels = _label_columns(table, path, split, label_column)
    if len(labels) > 1:
        per_row, multi = one_hot(table, labels, label_type)
        told, classes = f"columns {listed([table.columns[i] for i in labels], 3)}", [table.columns[i] for i in labels]
    else:
        per_row, multi = cell_labels(table, labels[0], label_type)
        told, classes = f"column {printable(table.columns[labels[0]])}" if table.columns else "column 2", []
    further = [i for i in range(len(names)) if i not in (path, split, *labels)]
    rows = [
        LabelledRow(
            line, _required(table, line, cells, path, "path"), found,
            None if split is None else _split_cell(table, line, cells, split, belongs),
            tuple((table.columns[i].strip(), cells[i].strip()) for i in further if i < len(cells)),
        )
        for (line, cells), found in zip(table.rows, per_row, strict=True)
    ]  # fmt: skip
    return LabelledTable(rows, told, multi, tuple(name.strip() for name in classes) if multi else (), split is not None)


def normalised(name: str) -> str:
    """Return a column's name as the known names are written: `Class Name` -> `class_name`."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _split_column(table: Table, path: int, label_column: str | None) -> tuple[int | None, tuple[str, str] | None]:
    """Return the column of the splits, by its name or by its words, and what its marks mean if it has marks."""
    names = [normalised(name) for name in table.columns]
    if not names:
        return (2 if table.rows and len(table.rows[0][1]) == 3 else None), None
    labels = {label_column and label_column.strip()}
    labels |= {next((table.columns[names.index(known)].strip() for known in LABELS if known in names), None)}
    free = [i for i in range(len(names)) if i != path and table.columns[i].strip() not in labels]
    for known in SPLITS:
        if known in names and names.index(known) in free:
            return names.index(known), None
    for i in free:
        cells = {cell.lower() for cell in table.cells(i)}
        if names[i] in MEMBERSHIPS and cells <= MARKS | NO_MARKS - {""} and cells & MARKS and cells & NO_MARKS:
            return i, MEMBERSHIPS[names[i]]
        found = {split_of(cell) for cell in cells}
        if len(found) > 1 and "train" in found and None not in found:
            return i, None
    return None, None


def _split_cell(table: Table, line: int, cells: Sequence[str], column: int, belongs: tuple[str, str] | None) -> str:
    cell = _required(table, line, cells, column, "split")
    return cell if belongs is None else belongs[is_no_mark(cell)]


def _label_columns(table: Table, path: int, split: int | None, label_column: str | None) -> list[int]:
    """Return the column of the labels, or several columns of 0 and 1, one per class."""
    if not table.columns:
        return [1]
    names = [normalised(name) for name in table.columns]
    if label_column is not None:
        wanted = [i for i, name in enumerate(table.columns) if name.strip() == label_column.strip()]
        if not wanted or wanted[0] == path:
            raise DataError(f"{table.where}: no column '{printable(label_column)}' among {_told(table)}")
        return wanted[:1]
    for known in LABELS:
        if known in names and names.index(known) != path:
            return [names.index(known)]
    rest = [i for i in range(len(names)) if i not in (path, split) and _label_like(table, i)]
    marks = [i for i in rest if is_marked(table.cells(i))]
    if len(marks) >= 2 and len(marks) == len(rest):
        return marks
    if len(rest) == 1:
        return rest
    if not rest:
        raise DataError(f"{table.where}: no column 'label' among {_told(table)}: give a column that name in line 1")
    raise DataError(
        f"{table.where}: the label may be any of the columns {listed([table.columns[i] for i in rest])}: choose "
        "one with --label-column NAME"
    )


def _label_like(table: Table, column: int) -> bool:
    """Whether cells repeat, as labels do: a column of numbers of rows or of free text is none."""
    if not table.columns[column].strip() or normalised(table.columns[column]) in ("index", "unnamed:_0", *IDENTIFIERS):
        return False
    cells = [cell for cell in table.cells(column) if cell]
    return bool(cells) and (len(cells) < ROWS_TRIED or len(set(cells)) <= len(cells) // 2)


def _required(table: Table, line: int, cells: Sequence[str], column: int, what: str) -> str:
    value = cells[column].strip() if column < len(cells) else ""
    if not value:
        raise DataError(f"{table.where}: line {line} has no {what}: fill it in or remove the line")
    return value


def _told(table: Table) -> str:
    return listed(table.columns or (table.rows[0][1] if table.rows else ("nothing",)))
