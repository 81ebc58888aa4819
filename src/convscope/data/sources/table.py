"""Lists of labelled images: CSV and TSV tables, and Caffe's `path index` lists with the classes' names beside them."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...errors import DataError, printable
from ...problems import listed, warn
from ..split import Data
from .assemble import assemble
from .file_tree import File, Place, is_image, read_small
from .class_folders import SPLIT_FOLDERS

# Column names that mean the path, the label and the split, in the order in which they are believed.
COLUMNS = {
    "path": ("path", "filepath", "filepaths", "file_path", "file", "filename", "file_name", "image_path", "image_file",
             "image_name", "img_path", "image", "img", "image_id"),
    "label": ("label", "labels", "label_name", "class", "class_name", "classname", "class_label", "target", "category"),
    "split": ("split", "set", "subset", "partition", "data_set", "dataset"),
}  # fmt: skip
SPLITS = SPLIT_FOLDERS | {"dev": "val", "eval": "val", "tst": "test"}
TABLES, LISTS = (".csv", ".tsv"), (".txt", ".lst")
NAMES_OF_CLASSES = ("labels.txt", "classes.txt", "synset_words.txt", "class_names.txt", "names.txt", "classes.names")
# What may be left out of a name in a table.
ENDINGS = (".jpg", ".jpeg", ".png")
# Ten million lines.
LIMIT = 1 << 30


@dataclass(frozen=True)
class Row:
    """A line of a table: its number, the path and the label as they stand there, and the split if there is one."""

    line: int
    path: str
    label: str
    split: str | None = None


def find_tables(place: Place) -> list[str]:
    """The tables and lists in a folder that name images with their labels; with a header if they are CSV."""
    files = place.files()
    found = []
    for name, item in files.items():
        ending = os.path.splitext(name)[1].lower()  # noqa: PTH122
        if ending in TABLES or (ending in LISTS and name.lower() not in NAMES_OF_CLASSES):
            try:
                rows = read_rows(name, item, most=20)
                known = bool(rows) and (_has_header(item, ending) or place.find(rows[0].path) is not None)
            except DataError:  # notes of some other kind
                continue
            if known:
                found.append(name)
    return found


def load_tables(place: Place, names: Sequence[str], shown: str) -> Data:
    """One table, or one for each split (`train.csv`, `val.csv`, `test.csv`), whose paths start at its folder.

    Raises DataError for a missing column, an empty label, an unknown split and a file that is not there.
    """
    files = place.files()
    of_split = {name: SPLITS.get(os.path.splitext(name)[0].lower()) for name in names}  # noqa: PTH122
    if len(names) > 1 and (None in of_split.values() or len(set(of_split.values())) < len(names)):
        raise DataError(f"{shown}: {listed(names)} all name images with labels: give the one that is meant")
    parts: dict[str, dict[str, list[tuple[str, File]]]] = {"train": {}}
    seen: dict[str, tuple[str, str]] = {}
    finder = _Finder(place)
    for name in names:
        where = shown if shown.endswith(name) else f"{shown}/{name}"
        rows = read_rows(name, files[name])
        if not rows:
            raise DataError(f"{where}: no image is listed")
        again = []
        for row in _named(rows, place, where) if _is_list(name, rows) else rows:
            split = _split_of(row, of_split[name] if len(names) > 1 else None, where)
            item = finder.find(row, where)
            if row.path in seen:
                again.append((row, split != seen[row.path][0], row.label != seen[row.path][1]))
                continue
            seen[row.path] = (split, row.label)
            parts.setdefault(split, {}).setdefault(row.label, []).append((row.path, item))
        _warn_about_repeated(again, where)
    if finder.outside:
        warn("outside", shown, f"{finder.outside:,} listed images lie outside the folder; used")
    return assemble(shown, parts)


def _warn_about_repeated(again: Sequence[tuple[Row, bool, bool]], where: str) -> None:
    """`again` has the rows whose image was listed before, if in another split, if under another label."""
    for kind, text, position in (("two-labels", "under two labels", 2), ("two-splits", "in two splits", 1)):
        rows = [found[0] for found in again if found[position]]
        if rows:
            names = listed([row.path for row in rows])
            warn(kind, where, f"the same image {text}, from line {rows[0].line} on; the first line counts: {names}")
    if same := sum(not (split or label) for _, split, label in again):
        warn("repeated", where, f"{same:,} lines say again what stands above them; not used")


def read_rows(name: str, item: File, most: int | None = None) -> list[Row]:
    """The rows of a table or list, or its first `most`; DataError names the line that is wrong."""
    where = printable(item)
    text = read_small(item, LIMIT).decode("utf-8-sig", "surrogateescape")
    if "\0" in text[:4096]:
        raise DataError(f"{where}: no text")
    lines = text.splitlines()
    lines = lines if most is None else lines[:most]
    first = next((line for line in lines if line.strip()), "")
    if name.lower().endswith(LISTS) and _columns(_cells(first, _delimiter(name, first))) is None:
        return list(_list_rows(lines, where))
    try:
        return list(_table_rows("\n".join(lines), _delimiter(name, first), where))
    except csv.Error as problem:
        raise DataError(f"{where}: no table that can be read ({problem})") from problem


def _table_rows(text: str, delimiter: str, where: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns: dict[str, int] | None = None
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if columns is None:
            columns = _columns(cells)
            if columns is not None:
                continue
            if not (len(cells) in (2, 3) and is_image(cells[0].strip())):
                raise DataError(_missing_column(cells, where))
            columns = {"path": 0, "label": 1, "split": 2} if len(cells) == 3 else {"path": 0, "label": 1}
        values = {key: cells[at].strip() if at < len(cells) else "" for key, at in columns.items()}
        for key, value in values.items():
            if not value:
                raise DataError(f"{where}: line {reader.line_num} has no {key}: fill it in or remove the line")
        yield Row(reader.line_num, values["path"], values["label"], values.get("split"))


def _list_rows(lines: Sequence[str], where: str) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        path, _, index = line.strip().replace("\t", " ").rpartition(" ")
        if not path or not (index.isascii() and index.isdigit()):
            raise DataError(f"{where}: line {number} is not `path index`: {printable(line[:60])}")
        yield Row(number, path.strip(), str(int(index)))


def _is_list(name: str, rows: Sequence[Row]) -> bool:
    return name.lower().endswith(LISTS) and all(row.split is None and row.label.isdigit() for row in rows)


def _named(rows: Sequence[Row], place: Place, where: str) -> list[Row]:
    """The rows of a list with names instead of numbers, from the file of names beside it."""
    files = {name.lower(): item for name, item in place.files().items()}
    found = next((name for name in NAMES_OF_CLASSES if name in files), None)
    if found is None:
        warn("no-names", where, f"no {NAMES_OF_CLASSES[0]} beside it; the classes are called by their numbers")
        return list(rows)
    names = read_class_names(files[found])
    worst = max(rows, key=lambda row: int(row.label))
    if int(worst.label) >= len(names):
        raise DataError(
            f"{where}: line {worst.line} has class {worst.label}, but {found} names {len(names)}, counted from 0"
        )
    if unused := [name for i, name in enumerate(names) if i not in {int(row.label) for row in rows}]:
        warn("missing-class", where, f"no image of {listed(unused)}, which {found} names")
    return [Row(row.line, row.path, names[int(row.label)]) for row in rows]


def read_class_names(item: File) -> list[str]:
    """A name a line; what stands before it, a number or a WordNet id, is left out where names stay different."""
    text = read_small(item, 1 << 24).decode("utf-8-sig", "surrogateescape")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbered = [str(i) for i in range(len(lines))] == [line.split()[0].rstrip(":") for line in lines]
    if numbered or all(re.fullmatch(r"n\d{8}\s.+", line) for line in lines):
        shorter = [line.partition(" ")[2].strip() for line in lines]
        lines = shorter if all(shorter) and len(set(shorter)) == len(lines) else lines
    if twice := [line for line in lines if lines.count(line) > 1] if len(set(lines)) < len(lines) else []:
        raise DataError(f"{printable(item)}: two classes are called '{printable(twice[0])}'")
    return lines


class _Finder:
    """Finds what a table lists: from the table's folder on, or from a folder in it; the ending may be left out."""

    def __init__(self, place: Place):
        self.bases = [place, *place.folders()]
        self.outside = 0

    def find(self, row: Row, where: str) -> File:
        endings = ("",) if is_image(row.path) else ("", *ENDINGS)
        for base in self.bases:
            for ending in endings:
                if (item := base.find(row.path + ending)) is not None:
                    if base is not self.bases[0]:  # the next row will be there as well
                        self.bases.remove(base)
                        self.bases.insert(0, base)
                    self.outside += os.path.isabs(row.path) or os.path.normpath(row.path).startswith("..")  # noqa: PTH117
                    return item
        raise DataError(f"{where}: line {row.line}: there is no file '{printable(row.path)}': paths start at the table")


def _split_of(row: Row, given: str | None, where: str) -> str:
    if row.split is None:
        return given or "train"
    split = SPLITS.get(row.split.lower())
    if split is None:
        raise DataError(f"{where}: line {row.line}: unknown split '{printable(row.split)}': call it train, val or test")
    return split


def _columns(cells: Sequence[str]) -> dict[str, int] | None:
    """Where the columns are, from a header; None if it names no path or no label."""
    at = {re.sub(r"[\s-]+", "_", cell.strip().lower()): i for i, cell in reversed(list(enumerate(cells)))}
    found: Mapping[str, int | None] = {
        key: next((at[name] for name in names if name in at), None) for key, names in COLUMNS.items()
    }
    if found["path"] is None or found["label"] is None:
        return None
    return {key: place for key, place in found.items() if place is not None}


def _missing_column(cells: Sequence[str], where: str) -> str:
    known = {re.sub(r"[\s-]+", "_", cell.strip().lower()) for cell in cells}
    missing = "path" if not known & set(COLUMNS["path"]) else "label"
    return f"{where}: no column '{missing}' among {listed(cells)}: name one so in the first line"


def _has_header(item: File, ending: str) -> bool:
    if ending not in TABLES:
        return False
    first = read_small(item, LIMIT).decode("utf-8-sig", "surrogateescape").lstrip().split("\n", 1)[0]
    return _columns(_cells(first, _delimiter(f"x{ending}", first))) is not None


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _delimiter(name: str, line: str) -> str:
    return "\t" if name.lower().endswith(".tsv") else max(",;\t|", key=line.count)
