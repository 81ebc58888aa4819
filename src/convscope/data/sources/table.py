"""Tables of labelled images: CSV and TSV, and Caffe's lists of `path index` lines with a file of class names."""

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
from .class_folders import SPLIT_FOLDERS
from .file_tree import File, Folder, has_image_suffix, read_file_up_to

# Column names for path, label and split; if a table has several of a kind, the first one here counts.
COLUMNS = {
    "path": ("path", "filepath", "filepaths", "file_path", "file", "filename", "file_name", "image_path", "image_file",
             "image_name", "img_path", "image", "img", "image_id"),
    "label": ("label", "labels", "label_name", "class", "class_name", "classname", "class_label", "target", "category"),
    "split": ("split", "set", "subset", "partition", "data_set", "dataset"),
}  # fmt: skip
SPLITS = SPLIT_FOLDERS | {"dev": "val", "eval": "val", "tst": "test"}
TABLES, LISTS = (".csv", ".tsv"), (".txt", ".lst")
CLASS_NAME_FILES = ("labels.txt", "classes.txt", "synset_words.txt", "class_names.txt", "names.txt", "classes.names")
# Suffixes that may be left out of a path in a table.
OPTIONAL_SUFFIXES = (".jpg", ".jpeg", ".png")
# Bytes of a table (about ten million lines), and of a file of class names.
LIMIT, NAMES_LIMIT = 1 << 30, 1 << 24
# Rows read to find out whether a file is a table.
ROWS_TO_RECOGNISE = 20


@dataclass(frozen=True)
class Row:
    """One image in a table: the number of its line, its path and label as they stand there, and its split or None."""

    line: int
    path: str
    label: str
    split: str | None = None


def find_tables(folder: Folder) -> list[str]:
    """Return the names of the tables and lists of labelled images in a folder."""
    tables = []
    for name, item in folder.files().items():
        suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122
        if suffix in TABLES or (suffix in LISTS and name.lower() not in CLASS_NAME_FILES):
            try:
                rows = read_rows(name, item, most=ROWS_TO_RECOGNISE)
                is_table = bool(rows) and (_has_header(item, suffix) or folder.find(rows[0].path) is not None)
            except DataError:  # notes or another kind of table
                continue
            if is_table:
                tables.append(name)
    return tables


def load_tables(folder: Folder, names: Sequence[str], shown: str) -> Data:
    """Load one table, or one per split (`train.csv`, `val.csv`, `test.csv`), with paths relative to its folder.

    Raises DataError for a missing column, an empty label, an unknown split and a file that does not exist.
    """
    files = folder.files()
    split_of = {name: SPLITS.get(os.path.splitext(name)[0].lower()) for name in names}  # noqa: PTH122
    if len(names) > 1 and (None in split_of.values() or len(set(split_of.values())) < len(names)):
        raise DataError(f"{shown}: several tables of labelled images, {listed(names)}: give one of them as DATA")
    parts: dict[str, dict[str, list[tuple[str, File]]]] = {"train": {}}
    seen: dict[str, tuple[str, str]] = {}
    finder = _Finder(folder)
    for name in names:
        where = shown if shown.endswith(name) else f"{shown}/{name}"
        rows = read_rows(name, files[name])
        if not rows:
            raise DataError(f"{where}: it lists no image")
        repeated = []
        for row in _with_class_names(rows, folder, where) if _is_list(name, rows) else rows:
            split = _split(row, split_of[name] if len(names) > 1 else None, where)
            item = finder.find(row, where)
            if row.path in seen:
                repeated.append((row, split != seen[row.path][0], row.label != seen[row.path][1]))
                continue
            seen[row.path] = (split, row.label)
            parts.setdefault(split, {}).setdefault(row.label, []).append((row.path, item))
        _warn_about_repeated(repeated, where)
    if finder.outside:
        warn("outside", shown, f"{finder.outside:,} listed images lie outside the folder; used")
    return assemble(shown, parts)


def _warn_about_repeated(repeated: Sequence[tuple[Row, bool, bool]], where: str) -> None:
    """Warn about rows whose image was listed before, each with whether its split and whether its label differ."""
    for kind, text, position in (("two-labels", "under two labels", 2), ("two-splits", "in two splits", 1)):
        rows = [entry[0] for entry in repeated if entry[position]]
        if rows:
            names = listed([row.path for row in rows])
            warn(kind, where, f"the same image {text}, from line {rows[0].line} on; its first line counts: {names}")
    if same := sum(not (split or label) for _, split, label in repeated):
        warn("repeated", where, f"{same:,} lines repeat an earlier line and are not used")


def read_rows(name: str, item: File, most: int | None = None) -> list[Row]:
    """Read all rows of a table or list, or the first `most`; DataError names the line that is wrong."""
    where = printable(item)
    text = read_file_up_to(item, LIMIT).decode("utf-8-sig", "surrogateescape")
    if "\0" in text[:4096]:
        raise DataError(f"{where}: not a text file")
    lines = text.splitlines()
    lines = lines if most is None else lines[:most]
    first = next((line for line in lines if line.strip()), "")
    if name.lower().endswith(LISTS) and _columns(_cells(first, _delimiter(name, first))) is None:
        return list(_list_rows(lines, where))
    try:
        return list(_table_rows("\n".join(lines), _delimiter(name, first), where))
    except csv.Error as problem:
        raise DataError(f"{where}: cannot be read as a table ({problem})") from problem


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
            if not (len(cells) in (2, 3) and has_image_suffix(cells[0].strip())):
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


def _with_class_names(rows: Sequence[Row], folder: Folder, where: str) -> list[Row]:
    """Return the rows of a list with class names, from the file beside it, instead of class indices."""
    files = {name.lower(): item for name, item in folder.files().items()}
    names_file = next((name for name in CLASS_NAME_FILES if name in files), None)
    if names_file is None:
        warn("no-names", where, f"no {CLASS_NAME_FILES[0]} beside it; the classes are called by their numbers")
        return list(rows)
    names = read_class_names(files[names_file])
    worst = max(rows, key=lambda row: int(row.label))
    if int(worst.label) >= len(names):
        raise DataError(
            f"{where}: line {worst.line} has class {worst.label}, but {names_file} has {len(names)} names, "
            "counted from 0"
        )
    if unused := [name for i, name in enumerate(names) if i not in {int(row.label) for row in rows}]:
        warn("missing-class", where, f"no image of {listed(unused)}, which {names_file} names")
    return [Row(row.line, row.path, names[int(row.label)]) for row in rows]


def read_class_names(item: File) -> list[str]:
    """Read a file with one class name per line.

    A number or WordNet id at the beginning of every line is left out if the names stay different without it.
    """
    text = read_file_up_to(item, NAMES_LIMIT).decode("utf-8-sig", "surrogateescape")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbered = [str(i) for i in range(len(lines))] == [line.split()[0].rstrip(":") for line in lines]
    if numbered or all(re.fullmatch(r"n\d{8}\s.+", line) for line in lines):
        shorter = [line.partition(" ")[2].strip() for line in lines]
        lines = shorter if all(shorter) and len(set(shorter)) == len(lines) else lines
    if twice := [line for line in lines if lines.count(line) > 1] if len(set(lines)) < len(lines) else []:
        raise DataError(f"{printable(item)}: two classes are called '{printable(twice[0])}'")
    return lines


class _Finder:
    """Finds the files that a table lists, relative to the table's folder or to a folder in it.

    `outside` counts those that lie elsewhere.
    """

    def __init__(self, folder: Folder):
        self.bases = [folder, *folder.folders()]
        self.outside = 0

    def find(self, row: Row, where: str) -> File:
        suffixes = ("",) if has_image_suffix(row.path) else ("", *OPTIONAL_SUFFIXES)
        for base in self.bases:
            for suffix in suffixes:
                if (item := base.find(row.path + suffix)) is not None:
                    if base is not self.bases[0]:  # the next row's file is probably there as well
                        self.bases.remove(base)
                        self.bases.insert(0, base)
                    self.outside += _leads_out(row.path)
                    return item
        raise DataError(
            f"{where}: line {row.line}: there is no file '{printable(row.path)}': "
            "paths must be relative to the table's folder"
        )


def _leads_out(path: str) -> bool:
    return os.path.isabs(path) or os.path.normpath(path).startswith("..")  # noqa: PTH117


def _split(row: Row, given: str | None, where: str) -> str:
    if row.split is None:
        return given or "train"
    split = SPLITS.get(row.split.lower())
    if split is None:
        raise DataError(f"{where}: line {row.line}: unknown split '{printable(row.split)}': call it train, val or test")
    return split


def _columns(cells: Sequence[str]) -> dict[str, int] | None:
    """Return the positions of the columns from a header; None if it has no column for the path or the label."""
    at = {_normalised(cell): i for i, cell in reversed(list(enumerate(cells)))}
    columns: Mapping[str, int | None] = {
        key: next((at[name] for name in names if name in at), None) for key, names in COLUMNS.items()
    }
    if columns["path"] is None or columns["label"] is None:
        return None
    return {key: position for key, position in columns.items() if position is not None}


def _missing_column(cells: Sequence[str], where: str) -> str:
    missing = "label" if {_normalised(cell) for cell in cells} & set(COLUMNS["path"]) else "path"
    return f"{where}: no column '{missing}' among {listed(cells)}: give a column that name in the first line"


def _normalised(cell: str) -> str:
    return re.sub(r"[\s-]+", "_", cell.strip().lower())


def _has_header(item: File, suffix: str) -> bool:
    if suffix not in TABLES:
        return False
    first = read_file_up_to(item, LIMIT).decode("utf-8-sig", "surrogateescape").lstrip().split("\n", 1)[0]
    return _columns(_cells(first, _delimiter(f"x{suffix}", first))) is not None


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _delimiter(name: str, line: str) -> str:
    return "\t" if name.lower().endswith(".tsv") else max(",;\t|", key=line.count)
