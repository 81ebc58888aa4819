"""Find out what the columns of a table mean: the image, its label or labels, its split."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...errors import DataError, printable
from ...problems import listed
from .folder import has_image_suffix
from .interpretation import Interpretation
from .rows_of_text import Table
from .split_names import split_of
from .table_labels import MARKS, NO_MARKS, cell_labels, is_marked, is_no_mark, one_hot, refuse_measurements

# Column names by meaning; if a table has several of a kind, the first one here counts.
PATHS = (
    "path", "filepath", "filepaths", "file_path", "file", "filename", "file_name", "image_path", "image_file",
    "image_name", "img_path", "image", "img",
)  # fmt: skip
# Names that may mean something else: they count if the first row's cell is the name of a file.
IDENTIFIERS = ("image_id", "img_id", "imageid", "id", "id_code", "uid", "name", "key")
LABELS = (
    "label", "labels", "label_name", "class", "class_name", "classname", "class_label", "target", "category", "tags",
    "tag", "breed", "species", "diagnosis", "dx", "finding_labels", "class_id", "classid", "choice", "category_name",
    "category_id", "label_id",
)  # fmt: skip
SPLITS = ("split", "set", "subset", "partition", "data_set", "dataset", "usage", "phase", "stage")
# Columns that number the parts of a cross-validation.
FOLDS = ("fold", "folds", "kfold", "k_fold", "cv_fold", "fold_id", "fold_number", "stratified_fold")
# Columns that say of each image whether it belongs to one split: that one, and the split of all others.
MEMBERSHIPS = {
    "is_train": ("train", "test"), "is_training": ("train", "test"), "train": ("train", "test"),
    "is_valid": ("val", "train"), "is_val": ("val", "train"), "valid": ("val", "train"),
    "is_test": ("test", "train"), "test": ("test", "train"),
}  # fmt: skip
NO_LABELS = ("index", "unnamed:_0", *IDENTIFIERS, *FOLDS)
# Columns that say which images belong together; of the other words for that, some are classes (animal, scene).
GROUPS = re.compile(
    r"(\w+_)?((patient|subject|participant|donor|specimen|lesion|session|burst|video|study)(_?(id|no|nr|num|number|code))?"
    r"|(person|case|animal|individual|sequence|scene|group)_?(id|no|nr|num|number|code))"
)
# Rows whose cells must be names of files for a column to be the images', where its name does not say so.
ROWS_TRIED = 20


class DoubtfulLabelError(DataError):
    """A table of which several columns may have the labels."""

    def __init__(self, message: str, columns: Sequence[str]):
        super().__init__(message)
        self.columns = columns


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
    """The rows of a table with what they mean.

    `labelled_by` names the columns of the labels, of which there are `label_columns`; `notes` are the kinds and texts
    of warnings about columns.
    """

    rows: list[LabelledRow]
    labelled_by: str
    label_columns: int = 1
    multi_label: bool = False
    class_names: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


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


def holds_measurements(table: Table) -> bool:
    """Whether a table has several columns that are numbers, as of boxes or landmarks, and none that may be labels."""
    cells = [[cell for cell in table.cells(i) if cell] for i in range(len(table.columns))]
    names = [normalised(name) for name in table.columns]
    rest = [i for i in range(len(names)) if not any(map(has_image_suffix, cells[i])) and names[i] not in NO_LABELS]
    numbers = all(re.fullmatch(r"[-+]?\d+(\.\d*)?", cell) for i in rest for cell in cells[i])
    marks = any(is_marked(table.cells(i)) for i in rest)
    return len(rest) >= 4 and numbers and not marks and {*LABELS}.isdisjoint(names)


def understand(table: Table, path: int | None, interpretation: Interpretation) -> LabelledTable:
    """Give each row its image, labels and split.

    Raises DataError for a missing column, an empty cell and where the labels can be read in two ways.
    """
    if path is None:
        first = [] if table.columns or not table.rows else table.rows[0][1]
        twice = [name for name, count in Counter(first).items() if count > 1]
        if twice and not {*PATHS}.isdisjoint(map(normalised, first)):
            raise DataError(f"{table.where}: two columns are called {listed(twice)}: give each its own name in line 1")
        raise DataError(f"{table.where}: no column 'path' among {_told(table)}: give a column that name in line 1")
    names = [normalised(name) for name in table.columns]
    label_column, label_type = interpretation.label_column, interpretation.label_type
    split, belongs = _split_column(table, path, label_column)
    labels = _label_columns(table, path, split, interpretation)
    if len(labels) > 1:
        per_row, multi = one_hot(table, labels, label_type, interpretation.uncertain)
        told, classes = listed([table.columns[i] for i in labels], 3), [table.columns[i] for i in labels]
    else:
        if label_type == "auto":
            refuse_measurements(table, labels[0], label_column is not None or not names or names[labels[0]] in LABELS)
        per_row, multi = cell_labels(table, labels[0], label_type)
        told, classes = printable(table.columns[labels[0]]) if table.columns else "2", []
    further = [i for i in range(len(names)) if i not in (path, split, *labels)]
    notes = tuple(note for i in further if (note := _note(table, i)) is not None)
    rows = [
        LabelledRow(
            line, _required(table, line, cells, path, "path"), found,
            None if split is None else _split_cell(table, line, cells, split, belongs),
            tuple((table.columns[i].strip(), cells[i].strip()) for i in further if i < len(cells)),
        )
        for (line, cells), found in zip(table.rows, per_row, strict=True)
    ]  # fmt: skip
    return LabelledTable(
        rows, told, len(labels), multi, tuple(name.strip() for name in classes) if multi else (), notes
    )


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
        if known in names and (i := names.index(known)) in free and (known == "split" or not _names_no_split(table, i)):
            return i, None
    for i in free:
        if is_membership(table, i):
            return i, MEMBERSHIPS[names[i]]
        found = {split_of(cell) for cell in table.cells(i)}
        if len(found) > 1 and "train" in found and None not in found:
            return i, None
    return None, None


def is_membership(table: Table, column: int) -> bool:
    """Whether a column says of each image, by yes or no, whether it belongs to the split that it is called by."""
    cells = {cell.lower() for cell in table.cells(column)}
    marks = cells <= MARKS | NO_MARKS - {""} and bool(cells & MARKS) and bool(cells & NO_MARKS)
    return marks and normalised(table.columns[column]) in MEMBERSHIPS


def _names_no_split(table: Table, column: int) -> bool:
    """Whether the words of a column name something else than splits: where an image comes from, or a stage of work."""
    cells = {cell for cell in table.cells(column) if cell}
    return not any(split_of(cell) or cell.lstrip("-").isdigit() for cell in cells)


def _note(table: Table, column: int) -> tuple[str, str] | None:
    """Return a warning about a column that might be taken for that of the splits, with its kind."""
    name, shown = normalised(table.columns[column]), printable(table.columns[column].strip())
    values = listed(sorted({cell for cell in table.cells(column) if cell}), 4)
    if name in FOLDS:
        text = "numbers parts for cross-validation and is not used: for one of them, write train and val into a column"
        return "fold-column", f"column '{shown}' ({values}) {text} 'split'"
    if name in SPLITS:
        return "split-column", f"column '{shown}' ({values}) names no split (train, val or test) and is not used"
    return None


def _split_cell(table: Table, line: int, cells: Sequence[str], column: int, belongs: tuple[str, str] | None) -> str:
    cell = _required(table, line, cells, column, "split")
    return cell if belongs is None else belongs[is_no_mark(cell)]


def _label_columns(table: Table, path: int, split: int | None, interpretation: Interpretation) -> list[int]:
    """Return the column of the labels, or several columns of 0 and 1, one per class."""
    if not table.columns:
        return [1]
    names = [normalised(name) for name in table.columns]
    if interpretation.label_column is not None:
        return _named_columns(table, path, interpretation.label_column)
    if known := [names.index(known) for known in LABELS if known in names and names.index(known) != path]:
        alike = [table.columns[i] for i, name in enumerate(names) if name == names[known[0]]]
        if len(alike) > 1:
            raise _doubtful(table, alike)
        return [next((i for i in known[1:] if _spells_out(table, known[0], i)), known[0])]
    rest = [i for i in range(len(names)) if i not in (path, split) and _label_like(table, i)]
    marks = [i for i in rest if is_marked(table.cells(i))]
    if len(marks) >= 2 and (len(marks) == len(rest) or interpretation.label_type == "multi"):
        return marks
    if len(rest) == 1:
        return rest
    if not rest:
        raise DataError(f"{table.where}: no column 'label' among {_told(table)}: give a column that name in line 1")
    several = f", or {listed([table.columns[i] for i in marks], 3)} with --label-type multi" if len(marks) >= 2 else ""
    raise _doubtful(table, [table.columns[i] for i in rest], several)


def _doubtful(table: Table, columns: Sequence[str], several: str = "") -> DoubtfulLabelError:
    text = f"the label may be any of the columns {listed(columns)}: choose one with --label-column NAME"
    return DoubtfulLabelError(f"{table.where}: {text}{several}", columns)


def _named_columns(table: Table, path: int, label_column: str) -> list[int]:
    """Return the column of this name, or with commas between names several columns of marks."""
    names = [name.strip() for name in table.columns]
    wanted = [label_column.strip()]
    if wanted[0] not in names and "," in label_column:
        wanted = [name.strip() for name in label_column.split(",")]
    for name in wanted:
        if name not in names or names.index(name) == path:
            raise DataError(f"{table.where}: no column '{printable(name)}' among {_told(table)}")
    found = list(dict.fromkeys(names.index(name) for name in wanted))
    if len(found) > 1 and (other := [i for i in found if not is_marked(table.cells(i))]):
        text = f"column '{printable(names[other[0]])}' does not mark images (1 or 0)"
        raise DataError(f"{table.where}: {text}: give --label-column one column, or several that do")
    return found


def _spells_out(table: Table, numbers: int, words: int) -> bool:
    """Whether one column has the names of the classes that another one numbers."""
    pairs = set(zip(table.cells(numbers), table.cells(words), strict=True))
    number, word = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    numbered = all(cell.isdigit() for cell in number) and not any(cell.isdigit() for cell in word)
    return numbered and len(pairs) == len(number) == len(word)


def _label_like(table: Table, column: int) -> bool:
    """Whether cells repeat, as labels do: a column of numbers of rows or of free text is none."""
    name = normalised(table.columns[column])
    if not name or name in NO_LABELS or GROUPS.fullmatch(re.sub(r"\W+", "_", name)):
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
