"""Files of class names beside lists of `path index` lines, IDX files and classes that are numbers."""

from __future__ import annotations

import json
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

# Bytes of a document of names that is looked into, and how many files are.
DOCUMENT_LIMIT, MOST_FILES = 1 << 20, 20


def mention_class_names(folder: Folder, class_names: Sequence[str], shown: str) -> None:
    """Warn where all classes are called by numbers, and a file beside the images has names for them.

    The names are not used: a program that made the set may count on the numbers. Looked at are documents of JSON that
    give each number a name (`cat_to_name.json`) or each name a number, and files of one name per line.
    """
    if not class_names or not all(name.isascii() and name.isdigit() for name in class_names):
        return
    holders = [folder, *(each for each in folder.folders() if not each.has_images())]
    files = [found for each in holders for found in each.files().items() if _may_name_classes(found[0])]
    for name, item in files[:MOST_FILES]:
        if names := _names_of_numbers(name, item, [int(number) for number in class_names]):
            warn(
                "class-names", shown,
                f"the classes are called by their numbers; {printable(name)} seems to have their names "
                f"({listed(names, 3)}): write them in place of the numbers to see them",
            )  # fmt: skip
            return


def _may_name_classes(name: str) -> bool:
    return name.lower() in CLASS_NAME_FILES or name.lower().endswith(".json")


def _names_of_numbers(name: str, item: File, numbers: list[int]) -> list[str]:
    """Return what a file calls the classes of these numbers; an empty list for every other file."""
    try:
        if name.lower() in CLASS_NAME_FILES:
            names = read_class_names(item)
            given = not all(name.isdigit() for name in names)
            return names if given and max(numbers) - min(numbers) < len(names) <= max(numbers) + 1 else []
        found = json.loads(read_file_up_to(item, DOCUMENT_LIMIT))
    except (DataError, ValueError, RecursionError):
        return []
    if not isinstance(found, dict):
        return []
    by_number = all(isinstance(value, str) for value in found.values())
    pairs = [(str(key), name) if by_number else (str(name), key) for key, name in found.items()]
    named = {int(key): value for key, value in pairs if re.fullmatch(r"\d{1,9}", key) and not value.isdigit()}
    return [named[number] for number in numbers] if set(numbers) <= named.keys() and len(named) == len(found) else []


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
