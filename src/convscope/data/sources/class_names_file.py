"""Files of class names beside lists of `path index` lines and IDX files, one name per line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ...errors import DataError, printable
from ...problems import listed, warn
from .folder import File, Folder, read_file_up_to
from .table_columns import LabelledRow
from .text_encoding import decode_text

CLASS_NAME_FILES = (
    "labels.txt", "classes.txt", "synset_words.txt", "class_names.txt", "names.txt", "classes.names", "wnids.txt",
    "words.txt", "synsets.txt", "categories.txt", "categories_places365.txt",
)  # fmt: skip
# Bytes of a file of class names.
NAMES_LIMIT = 1 << 24


def with_class_names(
    rows: Sequence[LabelledRow], name: str, folder: Folder, where: str, encoding: str
) -> list[LabelledRow]:
    """Return the rows of the list `name` with class names, from the file beside it, instead of class indices."""
    files = {other.lower(): item for other, item in folder.files().items() if other != name}
    names_file = next((known for known in CLASS_NAME_FILES if known in files), None)
    if names_file is None:
        warn("no-names", where, f"no {CLASS_NAME_FILES[0]} beside it; the classes are called by their numbers")
        return list(rows)
    names = read_class_names(files[names_file], encoding)
    worst = max(rows, key=lambda row: int(row.labels[0]))
    if int(worst.labels[0]) >= len(names):
        raise DataError(
            f"{where}: line {worst.line} has class {worst.labels[0]}, but {names_file} has {len(names)} names, "
            "counted from 0"
        )
    used = {int(row.labels[0]) for row in rows}
    if unused := [name for i, name in enumerate(names) if i not in used]:
        warn("missing-class", where, f"no image of {listed(unused)}, which {names_file} names")
    return [replace(row, labels=(names[int(row.labels[0])],)) for row in rows]


def read_class_names(item: File, encoding: str = "auto") -> list[str]:
    """Read a file with one class name per line.

    A number or WordNet id at the beginning of every line, or a number at its end, is left out if the names stay
    different without it; and the first letter that Places puts before each name (`/a/airfield 0`).
    """
    text = decode_text(read_file_up_to(item, NAMES_LIMIT), printable(item), encoding)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbered = [str(i) for i in range(len(lines))] == [line.split()[0].rstrip(":") for line in lines]
    if numbered or all(re.fullmatch(r"n\d{8}\s.+", line) for line in lines):
        shorter = [line.partition(" ")[2].strip() for line in lines]
        lines = shorter if all(shorter) and len(set(shorter)) == len(lines) else lines
    if lines and [line.split()[-1] for line in lines] == [str(i) for i in range(len(lines))]:
        shorter = [line.rpartition(" ")[0].strip() for line in lines]
        lines = shorter if all(shorter) and len(set(shorter)) == len(lines) else lines
    if lines and all(re.match(r"/([a-z])/\1.", line) for line in lines):
        lines = [line[3:] for line in lines]
    if twice := [line for line in lines if lines.count(line) > 1] if len(set(lines)) < len(lines) else []:
        raise DataError(f"{printable(item)}: two classes are called '{printable(twice[0])}'")
    return lines
