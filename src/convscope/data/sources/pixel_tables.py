"""Tables with an image in each row: `label,pixel0,...,pixel783`, or one cell of pixels as in fer2013."""

from __future__ import annotations

import csv
import io
import os
import re
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice

import numpy as np

from ...errors import DataError, printable
from ...problems import listed, warn
from ..split import Data, Origin
from .class_names_file import CLASS_NAME_FILES, read_class_names
from .folder import File, Folder, read_file_up_to
from .interpretation import Interpretation
from .pixel_values import PixelPart, as_pictures, picture_side, pixel_data, to_bytes
from .rows_of_text import Table
from .split_names import split_of
from .table_columns import NO_LABELS, PATHS, LabelledRow, normalised, understand
from .table_file import TABLES, read_table
from .text_encoding import decode_text

# Bytes of a table; a cell with more spaces than this holds pixels, as does a row with more cells.
LIMIT, FEWEST_PIXELS = 1 << 31, 63
SAVE = "save the images as PNG or JPEG"
# Kaggle's names in `Usage` for the parts of fer2013: two test sets, of which papers take the first for validation.
CONTEST = {"training": "train", "publictest": "val", "privatetest": "test"}
# Rows that show which column of a table without names of columns has the labels.
ROWS_SHOWN = 500
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)


def find_pixel_tables(folder: Folder, encoding: str) -> list[tuple[str, File]]:
    """Return the tables with pixels in a folder or the folders in it, each with its path."""
    holders = [("", folder), *((f"{inner.name}/", inner) for inner in folder.folders())]
    return [
        (below + name, item)
        for below, holder in holders
        for name, item in holder.files().items()
        if name.lower().endswith(TABLES) and holds_pixels(name, item, encoding)
    ]


def holds_pixels(name: str, item: File, encoding: str) -> bool:
    """Whether a table has an image in each row: columns of numbers, as many as a square has, or one cell of them."""
    try:
        cells = read_table(name, item, name, 2, encoding).rows[-1][1]
    except (DataError, IndexError):
        return False
    if any(len(cell.split()) > FEWEST_PIXELS and all(map(NUMBER.fullmatch, cell.split())) for cell in cells):
        return True
    numbers = sum(bool(NUMBER.fullmatch(cell)) for cell in cells)
    return numbers > FEWEST_PIXELS and numbers >= len(cells) - 5


def load_pixel_tables(
    folder: Folder, tables: Sequence[tuple[str, File]], shown: str, interpretation: Interpretation
) -> Data:
    """Load tables with pixels, one per split or one with all; those without labels are left out with a warning."""
    of_files = _splits_of_files([path for path, _ in tables], shown)
    parts: dict[str, PixelPart] = {}
    columns: dict[str, dict[str, str]] = defaultdict(dict)
    labelled_by = ""
    for path, item in tables:
        where = shown if shown.endswith(path) else f"{shown}/{printable(path)}"
        if path not in of_files:
            warn("unused-split", where, "its name is that of no split (train, val or test); it is not used")
            continue
        pixels, other = _read(path, item, where, interpretation.encoding)
        if not {*map(normalised, other.columns[1:])} - {*NO_LABELS, *PATHS, ""}:
            warn("unlabelled-images", where, "it has no column with labels and is not used")
            continue
        understood = understand(other, 0, interpretation)
        if understood.multi_label:
            raise DataError(f"{where}: several labels per image beside pixels are not read: {SAVE}")
        labelled_by = understood.labelled_by
        for kind, text in understood.notes:
            warn(kind, where, text)
        images = as_pictures(to_bytes(pixels, where), where)
        of_rows = [_split_of_row(row, of_files[path], where) for row in understood.rows]
        for split in dict.fromkeys(of_rows):
            kept = [i for i, own in enumerate(of_rows) if own == split]
            rows = [understood.rows[i] for i in kept]
            part = PixelPart(images[kept], [row.labels[0] for row in rows], [row.path for row in rows])
            parts[split] = parts[split].join(part, where) if split in parts else part
        for row in understood.rows:
            for column, cell in row.further:
                columns[column][row.path] = cell
    if not parts:
        raise DataError(f"{shown}: no column with labels beside the pixels: add one called 'label'")
    data = pixel_data(shown, _named(folder, parts, interpretation.encoding))
    data.columns = dict(columns)
    by = f"file names ({listed([*of_files])})" if len(of_files) > 1 else "a column of the table"
    return data.described(Origin(f"column {labelled_by}, of a table of pixels", by if len(parts) > 1 else ""))


def _splits_of_files(paths: Sequence[str], shown: str) -> dict[str, str]:
    """Return the split of each table that is used; DataError if two are of the same split."""
    if len(paths) == 1:
        return {paths[0]: "train"}
    found = {path: split for path in paths if (split := _split_of_file(path))}
    if len(set(found.values())) < len(found) or not found:
        raise DataError(f"{shown}: several tables with pixels, {listed(paths)}: give one of them as DATA")
    return found


def _split_of_file(path: str) -> str | None:
    """Return the split that a word in a table's name means (`fashion-mnist_train.csv`), or None."""
    stem = os.path.splitext(path.rpartition("/")[2])[0]  # noqa: PTH122
    found = {split for word in re.split(r"[\W_\d]+", stem) if (split := split_of(word))} - {None}
    return found.pop() if len(found) == 1 else None


def _split_of_row(row: LabelledRow, split: str, where: str) -> str:
    if not row.split:
        return split
    own = CONTEST.get(row.split.lower()) or split_of(row.split)
    if own is None:
        text = f"'{printable(row.split)}' is no split (train, val or test)"
        raise DataError(f"{where}: line {row.line}: {text}")
    return own


def _named(folder: Folder, parts: dict[str, PixelPart], encoding: str) -> dict[str, PixelPart]:
    """Return the parts with the names of the classes, if a file beside the tables has them."""
    files = {name.lower(): item for name, item in folder.files().items()}
    file = next((files[name] for name in CLASS_NAME_FILES if name in files), None)
    used = {label for part in parts.values() for label in part.labels}
    if file is None or not all(label.isascii() and label.isdigit() for label in used):
        return parts
    names = read_class_names(file, encoding)
    if max(map(int, used)) >= len(names):
        text = f"class {max(map(int, used))} is in a table, but this file has {len(names)} names, counted from 0"
        raise DataError(f"{printable(file)}: {text}")
    return {split: replace(part, labels=[names[int(label)] for label in part.labels]) for split, part in parts.items()}


def _read(path: str, item: File, where: str, encoding: str) -> tuple[list[np.ndarray], Table]:
    """Return the pixels of each row, and the other cells as a table whose first column names the images."""
    text = decode_text(read_file_up_to(item, LIMIT), where, encoding)
    delimiter = max(",;\t|", key=text[: text.find("\n")].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = ((reader.line_num, cells) for cells in reader if any(cells))
    first = list(islice(rows, ROWS_SHOWN))
    columns = [cell.strip() for cell in first[0][1]] if _is_header(first[0][1]) else []
    if columns or _is_mangled(first[0][1]):
        del first[0]
    if not first:
        raise DataError(f"{where}: it lists no image")
    inside, others = _layout(columns, [cells for _, cells in first], where)
    pixels, cells_of = [], []
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("error", DeprecationWarning)
        for line, cells in chain(first, rows):
            if len(cells) != len(first[0][1]):
                text = f"line {line} has {len(cells):,} cells, the first one {len(first[0][1]):,}"
                raise DataError(f"{where}: {text}: mend or remove it")
            pixels.append(_numbers(cells[inside], f"{where}: line {line}"))
            if len(pixels[-1]) != len(pixels[0]):
                text = f"line {line} has {len(pixels[-1]):,} pixels, the first one {len(pixels[0]):,}"
                raise DataError(f"{where}: {text}: mend or remove it")
            cells_of.append((line, [f"{path}:line {line}", *(cells[i].strip() for i in others)]))
    names = [columns[i] if columns else "label" for i in others]
    return pixels, Table(where, ("path of the image", *names), cells_of)


def _numbers(cells: Sequence[str], where: str) -> np.ndarray:
    """Return cells as numbers: bytes where they are, else floating-point."""
    try:
        values = np.fromstring(" ".join(cells), np.float32, sep=" ")
    except (ValueError, DeprecationWarning) as problem:
        raise DataError(f"{where} has pixels that are no numbers: mend or remove it") from problem
    whole = values.astype(np.uint8)
    return whole if np.array_equal(whole, values) else values


def _is_header(cells: Sequence[str]) -> bool:
    return len(set(cells)) == len(cells) and not all(map(NUMBER.fullmatch, cells)) and max(map(len, cells)) < 64


def _is_mangled(cells: Sequence[str]) -> bool:
    """Whether a first row was taken for names and written again, each different: `0,0.1,0.2,...`."""
    return cells[1:4] in (["0.1", "0.2", "0.3"], ["0", "0.1", "0.2"]) and len(set(cells)) > len(cells) - 2


def _layout(columns: Sequence[str], rows: Sequence[Sequence[str]], where: str) -> tuple[slice, list[int]]:
    """Return which cells hold the pixels, and the other ones."""
    cells = rows[0]
    count = len(cells)
    if packed := [i for i, cell in enumerate(cells) if cell.count(" ") >= FEWEST_PIXELS]:
        inside = slice(packed[0], packed[0] + 1)
    elif columns:
        inside = _pixel_columns(columns, where)
    elif picture_side(count):
        inside = slice(0, count)
    else:
        ends = [{row[i] for row in rows if len(row) == count} for i in (0, -1)]
        like_labels = [len(end) > 1 for end in ends]
        if like_labels[0] == like_labels[1] or not picture_side(count - 1):
            text = "it has no line with the names of its columns: write one, with 'label' for the labels"
            raise DataError(f"{where}: {text}")
        inside = slice(1, count) if like_labels[0] else slice(0, count - 1)
    return inside, [i for i in range(count) if not inside.start <= i < inside.stop]


def _pixel_columns(columns: Sequence[str], where: str) -> slice:
    """Return the columns of pixels: the most that stand side by side and are called alike but for numbers."""
    alike: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(columns):
        alike[re.sub(r"\d+", "#", name)].append(i)
    found = max(alike.values(), key=len)
    if found[-1] - found[0] + 1 != len(found):
        text = f"columns of pixels and others are mixed, {listed(columns)}: keep the pixels side by side"
        raise DataError(f"{where}: {text}")
    return slice(found[0], found[-1] + 1)
