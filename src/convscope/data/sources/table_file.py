"""Read the file of a table: CSV, TSV, JSON lines, and lists of `path index` lines, as columns and rows of text."""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...errors import DataError, printable
from .folder import File, has_image_suffix, read_file_up_to
from .text_encoding import decode_text

TABLES, JSON_LINES, LISTS = (".csv", ".tsv"), (".jsonl",), (".txt", ".lst")
# Bytes of a table: about ten million lines.
LIMIT = 1 << 30
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Characters that end a line in text but stand inside names in tables of people's own.
_LINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Table:
    """The rows of a table, each with the number of its line; `columns` are empty if the file has no header.

    `is_list` marks a list of `path index` lines. `several` are the columns whose cells hold lists of values (JSON),
    joined by `|`.
    """

    where: str
    columns: tuple[str, ...]
    rows: list[tuple[int, list[str]]]
    is_list: bool = False
    several: frozenset[str] = frozenset()

    def cells(self, column: int) -> list[str]:
        """Return the cells of a column, in the order of the rows; a missing cell is empty."""
        return [row[column].strip() if column < len(row) else "" for _, row in self.rows]


def is_table_name(name: str) -> bool:
    """Whether a name ends as tables or lists do."""
    return _suffix(name) in TABLES + JSON_LINES + LISTS


def read_table(name: str, item: File, where: str, most: int | None = None, encoding: str = "auto") -> Table:
    """Read a table, or its first `most` lines; DataError names the line that is wrong."""
    content = read_file_up_to(item, LIMIT)
    if b"\0" in content[:4096] and not content.startswith(UTF16_MARKS):
        raise DataError(f"{where}: not a text file")
    text = decode_text(content, where, encoding)
    lines = _LINE.split(text) if most is None else _LINE.split(text, most)[:most]
    first = next((line for line in lines if line.strip()), "")
    if _suffix(name) in JSON_LINES:
        return _json_lines(lines, where)
    delimiter = _delimiter(name, first)
    cells = next(csv.reader([first], delimiter=delimiter), [])
    if _suffix(name) in LISTS and (delimiter not in first or not (_is_header(cells) or _names_image(cells))):
        return Table(where, (), list(_list_rows(lines, where)), is_list=True)
    try:
        rows = list(_rows("\n".join(lines), delimiter))
    except csv.Error as problem:
        raise DataError(f"{where}: cannot be read as a table ({problem})") from problem
    if rows and _is_header(rows[0][1]):
        return Table(where, tuple(cell.strip() for cell in rows[0][1]), rows[1:])
    return Table(where, (), rows)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, cells


def _json_lines(lines: Sequence[str], where: str) -> Table:
    columns: list[str] = []
    several: set[str] = set()
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as problem:
            raise DataError(f"{where}: line {number} is no JSON ({printable(problem)[:80]})") from problem
        if not isinstance(entry, dict):
            raise DataError(f"{where}: line {number} is no JSON object of names and values")
        for key, value in entry.items():
            if key not in columns:
                columns.append(key)
            if isinstance(value, list):
                several.add(key)
        rows.append((number, [_cell(entry.get(column)) for column in columns]))
    return Table(where, tuple(columns), rows, several=frozenset(several))


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "|".join(map(_cell, value))
    return "" if value is None else str(value)


def _list_rows(lines: Sequence[str], where: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        path, _, index = line.strip().replace("\t", " ").rpartition(" ")
        if not path or not (index.isascii() and index.isdigit()):
            raise DataError(f"{where}: line {number} is not `path index`: {printable(line[:60])}")
        yield number, [path.strip(), str(int(index))]


def _is_header(cells: Sequence[str]) -> bool:
    """Whether a first line names columns: different names, none of them an image or a number."""
    names = [cell.strip() for cell in cells]
    different = 0 < len(names) == len(set(names))
    return different and not any(map(has_image_suffix, names)) and not any(map(_is_number, names))


def _names_image(cells: Sequence[str]) -> bool:
    return len(cells) > 1 and has_image_suffix(cells[0].strip())


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?\d+(\.\d+)?", text))


def _delimiter(name: str, line: str) -> str:
    return "\t" if name.lower().endswith(".tsv") else max(",;\t|", key=line.count)


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122
