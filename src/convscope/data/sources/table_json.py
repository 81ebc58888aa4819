"""Read JSON as a table: lines of objects, and documents as programs export them, such as Label Studio and COCO.

A document may be a list of objects, labels by file name, files by label, lists of `[path, class]` (StyleGAN, CoOp),
the tasks of Label Studio, COCO's images with categories, or any of these by split.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import DataError, printable
from ...problems import listed
from .annotations import ADD_LABELS
from .folder import has_image_suffix
from .rows_of_text import Table
from .split_names import split_of
from .table_exports import BOXES, coco_entries, is_coco, is_label_studio, label_studio_entries, named_classes

# Is told what is left out.
Note = Callable[[str], None]
# Bytes of a document, which is read as a whole.
LIMIT = 1 << 28
# What the VGG annotator says about a file beside its name and labels.
VGG_ANNOTATOR = ("size", "regions", "file_attributes")
FORMS = "a list of objects with path and label, labels by file name, or an export of COCO or Label Studio"


def json_lines(lines: Sequence[str], where: str) -> Table:
    """Read lines of JSON objects; DataError names the line that is none."""
    entries: list[tuple[int, Mapping[str, Any]]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as problem:
            raise DataError(f"{where}: line {number} is no JSON ({printable(problem)[:80]})") from problem
        if not isinstance(entry, dict):
            raise DataError(f"{where}: line {number} is no JSON object of names and values")
        entries.append((number, entry))
    return _table(where, entries)


def json_document(text: str, where: str, most: int | None = None) -> Table:
    """Read a JSON document, or its first `most` entries; DataError for one that does not give each image a class.

    Entries have the number of their line, or where the document is all in one line their own.
    """
    if len(text) > LIMIT:
        raise DataError(f"{where}: {len(text) / 1e6:,.0f} MB of JSON are not read: save it as .csv")
    try:
        document = json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, where))
    except RecursionError as problem:
        raise DataError(f"{where}: no JSON ({printable(problem)[:80]})") from problem
    except ValueError as problem:
        if text.lstrip().startswith("{") and "\n" in text.strip():
            return json_lines(text.splitlines()[:most], where)  # a file of lines whose name ends with .json
        raise DataError(f"{where}: no JSON ({printable(problem)[:80]})") from problem
    notes: list[str] = []
    entries = _entries(document, where, notes.append)[:most]
    return _table(where, list(zip(_numbers(text, entries), entries, strict=True)), notes)


def _unique(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    """Return names and values; DataError for a name with two values, of which Python would take the last in silence."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if found.setdefault(name, value) != value:
            raise DataError(f"{where}: '{printable(name)}' has two values: keep the right one")
    return found


def _entries(document: Any, where: str, note: Note) -> list[Mapping[str, Any]]:
    """Return the entries of a document, each with names and values."""
    if isinstance(document, dict):
        if is_coco(document):
            return coco_entries(document, where, note)
        if document and all(map(split_of, document)) and all(isinstance(v, (list, dict)) for v in document.values()):
            return _by_split(document, where, note)
        document = _unwrapped(document)
    if isinstance(document, list) and document:
        return _from_list(document, where, note)
    if isinstance(document, dict) and document:
        return _from_names(document, where)
    raise _other(where)


def _by_split(document: Mapping[str, Any], where: str, note: Note) -> list[Mapping[str, Any]]:
    """Return the entries of a document that has a part for each split."""
    if all(isinstance(name, str) for part in document.values() if isinstance(part, list) for name in part):
        raise DataError(f"{where}: it names the images of each split but not their classes: {FORMS}")
    parts = {name: _entries(part, where, note) for name, part in document.items() if part}
    return [{**entry, "split": name} for name, entries in parts.items() for entry in entries]


def _unwrapped(document: Mapping[str, Any]) -> Any:
    """Return the only value that holds entries, where others say things about the file: `{"data": [...]}`."""
    if "columns" in document and isinstance(document.get("data"), list):  # as pandas splits a table
        return [dict(zip(document["columns"], row, strict=False)) for row in document["data"] if isinstance(row, list)]
    if "_via_img_metadata" in document:
        return document["_via_img_metadata"]
    if isinstance(labels := document.get("labels"), dict) and isinstance(names := document.get("classes"), list):
        return named_classes(labels, names)  # FiftyOne's
    lists = [v for v in document.values() if isinstance(v, list) and v and isinstance(v[0], (dict, list))]
    known = any(isinstance(v, dict) for v in document.values()) or any(map(has_image_suffix, document))
    return lists[0] if len(lists) == 1 and not known else document


def _from_list(found: list[Any], where: str, note: Note) -> list[Mapping[str, Any]]:
    if all(isinstance(entry, dict) for entry in found):
        return label_studio_entries(found, where, note) if is_label_studio(found) else found
    names = ("path", "label", "label_name")
    if all(isinstance(entry, list) and 2 <= len(entry) <= 3 and isinstance(entry[0], str) for entry in found):
        return [dict(zip(names, entry, strict=False)) for entry in found]
    raise _other(where)


def _from_names(document: Mapping[str, Any], where: str) -> list[Mapping[str, Any]]:
    """Return the entries of a document of names and values: images with labels, or labels with images."""
    values = list(document.values())
    images = all(map(has_image_suffix, document))
    key = "path" if images else "image_id"
    if all(isinstance(value, dict) for value in values):
        if not images and _is_by_column(values):
            return [{name: column[i] for name, column in document.items()} for i in values[0]]
        return [_described(name, value, key) for name, value in document.items()]
    files = [value for value in values if isinstance(value, list)]
    if not images and len(files) == len(values) and all(map(_is_image, (name for part in files for name in part))):
        return [{"path": name, "label": label} for label, part in document.items() for name in part]
    if any(isinstance(value, dict) for value in values):
        raise _other(where)
    return [{key: name, "label": value} for name, value in document.items()]


def _described(name: str, value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return what is said about an image by its name; the VGG annotator has whole images' labels below a name."""
    inner = value.get("file_attributes")
    entry = dict(value)
    if isinstance(inner, dict):
        kept = {title: each for title, each in value.items() if title not in VGG_ANNOTATOR}
        entry = {**kept, **{title: _ticked(each) for title, each in inner.items()}}
    return entry if "filename" in entry or "file_name" in entry else {key: name, **entry}


def _ticked(value: Any) -> Any:
    """Return the names that are ticked in `{"cat": true}`, a single one as it is, and all else as it is."""
    if not (isinstance(value, dict) and value and all(isinstance(mark, bool) for mark in value.values())):
        return value
    names = [name for name, mark in value.items() if mark]
    return names[0] if len(names) == 1 else names


def _is_by_column(values: Sequence[Mapping[str, Any]]) -> bool:
    """Whether values are columns, each with a cell for the number of each row, as pandas saves a table."""
    rows = values[0].keys()
    return len(values) > 1 and all(name.isdigit() for name in rows) and all(value.keys() == rows for value in values)


def _is_image(value: object) -> bool:
    return isinstance(value, str) and has_image_suffix(value)


def _other(where: str) -> DataError:
    return DataError(f"{where}: JSON of a form that is not read as a table: save it as {FORMS}")


def _numbers(text: str, entries: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the line on which each entry stands, found by its first text; its own number if all is in one line."""
    if text.count("\n") < len(entries):
        return list(range(1, len(entries) + 1))
    numbers, at, line = [], 0, 1
    for entry in entries:
        word = next((value for value in entry.values() if isinstance(value, str) and value), "")
        found = max(text.find(spelled, at) for spelled in {json.dumps(word), json.dumps(word, ensure_ascii=False)})
        if found > at:
            line, at = line + text.count("\n", at, found), found
        numbers.append(line)
    return numbers


def _table(where: str, entries: Sequence[tuple[int, Mapping[str, Any]]], notes: Sequence[str] = ()) -> Table:
    columns = list(dict.fromkeys(name for _, entry in entries for name in entry))
    several = frozenset(name for _, entry in entries for name, value in entry.items() if _choices(value) is not None)
    if boxes := [name for name in columns if name.lower() in BOXES and name in several]:
        raise DataError(f"{where}: it has boxes or outlines ({listed(boxes)}), not one class per image: {ADD_LABELS}")
    rows = [(number, [_cell(entry.get(column)) for column in columns]) for number, entry in entries]
    return Table(where, tuple(columns), rows, several=several, notes=tuple(notes))


def _choices(value: object) -> list[Any] | None:
    """Return the elements of a list, or those that Label Studio writes as `{"choices": [...]}`."""
    if isinstance(value, dict) and isinstance(value.get("choices"), list):
        return list(value["choices"])
    return value if isinstance(value, list) else None


def _cell(value: object) -> str:
    if (elements := _choices(value)) is not None:
        return "|".join(map(_cell, elements))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)
