"""Read the file of a table: CSV, TSV, JSON, and lists of `path index` lines, as columns and rows of text."""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from collections.abc import Iterator, Sequence

from ...errors import DataError, printable
from .folder import File, has_image_suffix, read_file_up_to
from .rows_of_text import Table
from .table_json import json_document, json_lines
from .text_encoding import decode_text

TABLES, JSON, JSON_LINES, LISTS = (".csv", ".tsv"), (".json",), (".jsonl",), (".txt", ".lst")
# Bytes of a table: about ten million lines.
LIMIT = 1 << 30
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Characters that end a line in text but stand inside names in tables of people's own.
_LINE = re.compile(r"\r\n|\r|\n")


def is_table_name(name: str) -> bool:
    """Whether a name ends as tables or lists do."""
    return _suffix(name) in TABLES + JSON + JSON_LINES + LISTS


def is_json_name(name: str) -> bool:
    """Whether a name ends as documents of JSON do, which may hold anything."""
    return _suffix(name) in JSON


def read_table(name: str, item: File, where: str, most: int | None = None, encoding: str = "auto") -> Table:
    """Read a table, or its first `most` lines; DataError names the line that is wrong."""
    content = read_file_up_to(item, LIMIT)
    if encoding == "auto" and b"\0" in content[:4096] and not content.startswith(UTF16_MARKS):
        raise DataError(f"{where}: not a text file")
    text = decode_text(content, where, encoding)
    if _suffix(name) in JSON:
        return json_document(text, where, most)
    lines = _LINE.split(text) if most is None else _LINE.split(text, most)[:most]
    if _suffix(name) in JSON_LINES:
        return json_lines(lines, where)
    if _suffix(name) in LISTS and (known := _counted(lines, where) or _indexed(lines, where)) is not None:
        return known
    given = _strip_preamble(lines)
    first = next((line for line in lines if line.strip()), "")
    delimiter = given or _delimiter(name, first)
    cells = next(csv.reader([first], delimiter=delimiter), [])
    if _suffix(name) in LISTS and (delimiter not in first or not (_is_header(cells) or _names_image(cells))):
        return _list(lines, where)
    try:
        rows = list(_rows("\n".join(lines), delimiter))
    except csv.Error as problem:
        raise DataError(f"{where}: cannot be read as a table ({problem})") from problem
    if rows and _is_header(rows[0][1]):
        return Table(where, tuple(cell.strip() for cell in rows[0][1]), rows[1:])
    if rows and len(rows[0][1]) == 2 and not _names_image(rows[0][1]) and has_image_suffix(rows[0][1][1].strip()):
        rows = [(line, [*reversed(cells)]) for line, cells in rows]  # the label comes first
    return Table(where, (), rows)


def _strip_preamble(lines: list[str]) -> str | None:
    """Empty the lines before a table that are none of its rows; return the delimiter that Excel's `sep=;` names.

    A comment that has as many cells as the line after it is a header, whose `#` is left out.
    """
    for i, line in enumerate(lines):
        text = line.strip()
        if (match := re.fullmatch(r"sep=([,;\t|])", line, re.IGNORECASE)) is not None:
            lines[i] = ""
            return match[1]
        if text.startswith("#"):
            after = next((later for later in lines[i + 1 :] if later.strip() and not later.startswith("#")), "")
            mark = max(",;\t|", key=after.count)
            alike = after.count(mark) == text.count(mark) > 0
            header = alike and not _is_header(after.split(mark)) and _is_header(text.lstrip("# ").split(mark))
            lines[i] = text.lstrip("# ") if header else ""
        elif text:
            break
    return None


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, cells


def _list(lines: Sequence[str], where: str) -> Table:
    """Read lines of an image and its class: an index into a file of names, or the name itself in words."""
    filled = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    if not filled or (not any(map(has_image_suffix, filled[0][1].split())) and len(filled) > 1):
        headed, filled = filled[:1], filled[1:]
        if not headed or len(headed[0][1].split()) > 3 or not all(_image_and_words(line) for _, line in filled):
            return Table(where, (), list(_list_rows(lines, where)), is_list=True)
    found = [(number, _image_and_words(line)) for number, line in filled]
    rows = [(number, [*pair]) for number, pair in found if pair is not None]
    if len(rows) < len(filled) or any(re.fullmatch(r"[-+]?[0-9]+", label) for _, (_, label) in rows):
        return Table(where, (), list(_list_rows(lines, where)), is_list=True)
    if all(re.fullmatch(r"[-+.\d\s]+", label) and len(label.split()) > 1 for _, (_, label) in rows):
        raise DataError(f"{where}: line {rows[0][0]} has several numbers after the path, not one class")
    return Table(where, (), rows)


def _counted(lines: Sequence[str], where: str) -> Table | None:
    """Read the tables of CelebA and DeepFashion: the number of rows, the names of the columns, the rows.

    Spaces stand between cells, and the column of the images may have no name. None for every other file.
    """
    if len(lines) < 3 or not lines[0].strip().isdigit():
        return None
    columns = lines[1].split()
    rows = [(number, line.split()) for number, line in enumerate(lines[2:], start=3) if line.strip()]
    nameless = len(rows[0][1]) - len(columns) if rows else -1
    if nameless not in (0, 1) or not _is_header(columns) or not has_image_suffix(rows[0][1][0]):
        return None
    for number, cells in rows:
        if len(cells) != len(rows[0][1]):
            raise DataError(f"{where}: line {number} has {len(cells)} cells, not {len(rows[0][1])}")
    return Table(where, tuple(["image"] * nameless + columns), rows)


def _indexed(lines: Sequence[str], where: str) -> Table | None:
    """Read a list for MXNet and SageMaker, `number <tab> class <tab> path`; None for every other file."""
    filled = [(number, line.split("\t")) for number, line in enumerate(lines, start=1) if line.strip()]
    rows = []
    for number, cells in filled:
        if (
            len(cells) != 3
            or not re.fullmatch(r"\d+(\.0+)?", cells[1].strip())
            or not has_image_suffix(cells[2].strip())
        ):
            return None
        rows.append((number, [cells[2].strip(), str(int(float(cells[1])))]))
    return Table(where, (), rows, is_list=True) if rows else None


def _image_and_words(line: str) -> tuple[str, str] | None:
    """Return the path and the class of `images/0.jpg polar bear` or `polar bear images/0.jpg`; None of other lines."""
    words = line.split()
    ends = [i for i, word in enumerate(words) if has_image_suffix(word)]
    if not ends or len(words) < 2:
        return None
    if ends[0] < len(words) - 1:
        at = re.compile(rf"(?:\S+\s+){{{ends[0]}}}\S+").match(line)
        return (at[0], line[at.end() :].strip()) if at else None
    return words[-1], line[: line.rindex(words[-1])].strip()


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
