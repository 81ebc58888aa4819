"""Read the names of classes from a file: one name per line, or the JSON that other programs write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .data.sources.text_encoding import decode_text
from .errors import DataError, printable

MAX_BYTES = 16_000_000


def read_labels(path: str | Path) -> list[str]:
    """Return the names of the classes in a file, in their order.

    A text has one name per line. JSON is a list of names, or names by number ({"0": "cat"}, where ImageNet's index has
    [synset, name]), or numbers by name ({"cat": 0}). DataError if the file is none of these, or a name is empty.
    """
    path = Path(path)
    shown = printable(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise DataError(f"--labels {shown}: cannot be read ({problem.strerror})") from problem
    if len(content) > MAX_BYTES or b"\0" in content[:1000]:
        raise DataError(f"--labels {shown}: this is no list of names")
    text = decode_text(content, f"--labels {shown}")
    if path.suffix.lower() == ".json":
        names = _of_json(text, shown)
    else:
        names = [line.strip() for line in text.splitlines()]
        while names and not names[-1]:
            names.pop()
    if len(names) < 2:
        raise DataError(f"--labels {shown}: {len(names)} names; there must be one per line, and two or more")
    for number, name in enumerate(names, 1):
        if not name:
            raise DataError(f"--labels {shown}: name {number} is empty; there must be one name per class")
    return names


def _of_json(text: str, shown: str) -> list[str]:
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise DataError(f"--labels {shown}: no valid JSON ({printable(problem)[:100]})") from problem
    if isinstance(content, dict) and isinstance(content.get("id2label"), dict):  # of Hugging Face
        content = content["id2label"]
    if isinstance(content, dict):
        content = _in_order(content, shown)
    if not isinstance(content, list) or not all(isinstance(name, str) for name in content):
        raise DataError(f"--labels {shown}: the JSON must be a list of names, or names by number")
    return [name.strip() for name in content]


def _in_order(content: dict[str, Any], shown: str) -> list[Any]:
    """Return the names of {"0": "cat"} or {"cat": 0} in the order of the numbers, which must be 0, 1, 2, ..."""
    if all(type(value) is int for value in content.values()):
        pairs = [(value, name) for name, value in content.items()]
    else:
        pairs = [(int(key) if key.isdigit() else -1, value) for key, value in content.items()]
    pairs.sort(key=lambda pair: pair[0])
    if [number for number, _ in pairs] != list(range(len(pairs))):
        raise DataError(f"--labels {shown}: the numbers of the classes must be 0, 1, 2, ... without a gap")
    return [name[-1] if isinstance(name, list) and name else name for _, name in pairs]
