"""Read the labels of a table's rows: one per cell, several in a cell, or columns of marks, one per class."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from ...errors import DataError, printable
from .rows_of_text import Table

SEPARATORS = ("|", ";", ",")
# What may stand between several labels, but stands in names as well.
DOUBTFUL_SEPARATORS = ("/", "+", "&", " ")
# Columns of plural names may hold several labels with spaces between them.
PLURALS = ("labels", "tags")
# What marks an image as one of a class, or as none of it.
MARKS = frozenset({"1", "1.0", "true", "yes", "y", "x"})
NO_MARKS = frozenset({"", "0", "0.0", "-1", "-1.0", "false", "no", "n"})
UNCERTAIN_MARKS = frozenset({"-1", "-1.0"})
# What programs write where there is no value.
MISSING = frozenset({"NaN", "nan", "<NA>", "#N/A", "null", "NULL"})
# Different whole numbers in a column whose name does not say that they are classes.
MOST_NUMBERS = 50
CHOOSE_TYPE = "say which with --label-type single or --label-type multi"


class DoubtfulTypeError(DataError):
    """Cells that may hold one label, or several."""


def is_marked(cells: Sequence[str]) -> bool:
    """Whether a column has marks, such as 1 and 0 or x and nothing, and at least one that says yes."""
    used = {cell.lower() for cell in cells}
    return used <= MARKS | NO_MARKS and bool(used & MARKS)


def is_no_mark(cell: str) -> bool:
    """Whether a cell of a column of marks says that the image is none of the class."""
    return cell.strip().lower() in NO_MARKS


def one_hot(
    table: Table, columns: Sequence[int], label_type: str, uncertain: str
) -> tuple[list[tuple[str, ...]], bool]:
    """Return of each row the names of the marked columns, and whether a row may have several.

    Beside 0, -1 says that a mark is uncertain; `uncertain` is yes or no: what it counts as. DataError if it is auto.
    """
    names = {column: table.columns[column].strip() for column in columns}
    unsure = [i for i in columns if UNCERTAIN_MARKS & set(table.cells(i))]
    if unsure and uncertain == "auto" and any({"0", "0.0", ""} & set(table.cells(i)) for i in unsure):
        raise DataError(
            f"{table.where}: column '{printable(names[unsure[0]])}' has 1, 0 and -1, where -1 may be uncertain: count "
            "it as the class with --uncertain yes, or as none with --uncertain no"
        )
    marks = MARKS | UNCERTAIN_MARKS if uncertain == "yes" else MARKS
    rows = []
    for _, cells in table.rows:
        rows.append(tuple(names[i] for i in columns if i < len(cells) and cells[i].strip().lower() in marks))
    multi = label_type == "multi" or (label_type == "auto" and any(len(labels) != 1 for labels in rows))
    if not multi:
        for (line, _), labels in zip(table.rows, rows, strict=True):
            if len(labels) != 1:
                raise DataError(f"{table.where}: line {line} has {len(labels)} labels, not 1: give --label-type multi")
    return rows, multi


def refuse_measurements(table: Table, column: int, names_labels: bool) -> None:
    """Raise DataError if a column may hold measured values; with `names_labels` its name or the user says otherwise.

    Those are numbers with fractions, and without `names_labels` whole numbers that are many or count from elsewhere
    than 0 or 1.
    """
    cells = {*table.cells(column)} - {""} - MISSING
    try:
        numbers = {float(cell) for cell in cells}
    except ValueError:
        return
    whole = all(number.is_integer() for number in numbers)
    if numbers and (not whole or not (names_labels or (min(numbers) in (0, 1) and len(numbers) <= MOST_NUMBERS))):
        name = f"column '{printable(table.columns[column].strip())}'" if table.columns else "column 2"
        example = printable(
            next(cell for cell in table.cells(column) if cell and (whole or not float(cell).is_integer()))
        )
        raise DataError(
            f"{table.where}: {name} has numbers such as {example}: either they are measured values, which cannot be "
            "predicted, or each is a class: then give --label-type single"
        )


def cell_labels(table: Table, column: int, label_type: str) -> tuple[list[tuple[str, ...]], bool]:
    """Return the labels of each row's cell, and whether a row may have several; DataError if that is in doubt."""
    cells = [unicodedata.normalize("NFC", cell) for cell in table.cells(column)]
    cells = ["" if cell in MISSING else cell for cell in cells]
    several = bool(table.columns) and table.columns[column] in table.several
    lists = [_elements(cell) if _is_list(cell) else [] for cell in cells]
    if label_type != "single" and any(lists) and all(map(_is_list, filter(None, cells))):
        several = several or any(len(elements) != 1 for elements in lists)
        cells = ["|".join(elements) for elements in lists]
    filled = sorted({cell for cell in cells if cell})
    separator = "|" if several else _separator(table, column, filled, label_type)
    one_against_none = len(filled) == 1 and any(not cell for cell in cells)
    if label_type == "multi" or (label_type == "auto" and (separator or (one_against_none and len(cells) > 2))):
        split = [cell.split(separator) if separator else [cell] for cell in cells]
        return [tuple(dict.fromkeys(part.strip() for part in parts if part.strip())) for parts in split], True
    for (line, _), cell in zip(table.rows, cells, strict=True):
        if not cell:
            raise DataError(f"{table.where}: line {line} has no label: fill it in or remove the line")
    return [(cell,) for cell in cells], False


def _separator(table: Table, column: int, cells: Sequence[str], label_type: str) -> str | None:
    """Return what stands between several labels of a cell; None if each cell is one label.

    Several labels are recognised by labels that come back in other cells: `cat|dog` beside `cat` or `dog|bird`.
    """
    if label_type == "single":
        return None
    for separator in SEPARATORS if label_type == "auto" else (*SEPARATORS, *DOUBTFUL_SEPARATORS[:-1]):
        combined = [cell for cell in cells if separator in cell]
        if not combined:
            continue
        uses = Counter(part.strip() for cell in cells for part in set(cell.split(separator)) if part.strip())
        shared = [part for cell in combined for part in map(str.strip, cell.split(separator)) if uses[part] > 1]
        if label_type == "multi" or (shared and len(uses) <= len(cells)):
            return separator
        if separator != "," and shared:  # as `auto` finds it
            example = printable(combined[0])
            raise DoubtfulTypeError(
                f"{table.where}: '{example}' may be one label or several with '{separator}' between them: {CHOOSE_TYPE}"
            )
    plural = bool(table.columns) and table.columns[column].strip().lower() in PLURALS
    if label_type == "multi":
        spaced = {part for cell in cells if " " in cell for part in cell.split()}
        return " " if spaced and (plural or spaced <= set(cells)) else None
    for separator in DOUBTFUL_SEPARATORS:
        combined = [cell for cell in cells if separator in cell.strip()]
        parts = {part.strip() for cell in combined for part in cell.split(separator)} - {""}
        # Names repeat a word (`red apple`, `red pear`); labels that are combined stand alone in other cells, too.
        if combined and (parts <= set(cells) or (plural and separator == " " and _repeat(cells))):
            between = "spaces" if separator == " " else f"'{separator}'"
            raise DoubtfulTypeError(
                f"{table.where}: '{printable(combined[0])}' may be one label or several with {between} between them: "
                f"{CHOOSE_TYPE}"
            )
    return None


def _repeat(cells: Sequence[str]) -> bool:
    uses = Counter(part for cell in cells for part in set(cell.split()))
    return len(uses) <= len(cells)


def _is_list(cell: str) -> bool:
    return cell.startswith("[") and cell.endswith("]")


def _elements(cell: str) -> list[str]:
    """Return the elements of a list as Python, JSON and NumPy write it, such as `['cat', 'dog']`."""
    found = re.findall(r"""'([^']*)'|"([^"]*)"|([^,'"]+)""", cell[1:-1])
    return [text for groups in found if (text := "".join(groups).strip())]
