"""Exclusion lists: images that a training leaves out, by name, while the files stay where they are.

A list is a CSV file with a column `path`, as `convscope check --write-exclude` writes it, or has one path per line.
"""

from __future__ import annotations

import csv
import io
import logging
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..errors import UsageError, printable
from ..files import csv_text, write_atomically
from ..problems import listed
from .split import Data

log = logging.getLogger("convscope")


def write_exclusions(path: Path, rows: Iterable[tuple[str, str]]) -> None:
    """Write a list of image names, each with the reason."""
    write_atomically(path, csv_text([("path", "reason"), *rows]).encode("utf-8", "surrogateescape"))


def read_exclusions(path: str | os.PathLike[str]) -> list[str]:
    """Return the names in a list; UsageError if there is none."""
    shown = printable(path)
    try:
        text = Path(path).read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    except OSError as problem:
        raise UsageError(f"--exclude {shown}: cannot be read ({problem.strerror or problem})") from problem
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if rows and "path" in rows[0]:
        column = rows[0].index("path")
        names = [row[column] for row in rows[1:] if len(row) > column]
    else:  # names may have commas
        names = [line for line in text.splitlines() if line.strip()]
    if not names:
        raise UsageError(f"--exclude {shown}: no image is named in it: write one path per line, or a column `path`")
    return names


def without_excluded(data: Data, exclude: str | os.PathLike[str] | None) -> Data:
    """Return the data set without the images that the list `exclude` names; all other images keep their split.

    UsageError if none of the names is one of its images; a warning tells of single ones that are not.
    """
    if exclude is None:
        return data
    excluded = set(read_exclusions(exclude))
    known = {name for split in data.splits.values() for name in split.names}
    missing, shown = sorted(excluded - known), printable(exclude)
    if len(missing) == len(excluded):
        example = printable(next(iter(sorted(known)), ""))
        raise UsageError(
            f"--exclude {shown}: none of its {len(missing):,} names is an image of {printable(data.name)}, whose "
            f"images are named like {example}"
        )
    if missing:
        log.warning("--exclude %s: %d names are no images of %s: %s", shown, len(missing), data.name, listed(missing))
    splits = {
        name: split.take([i for i, image in enumerate(split.names) if image not in excluded])
        for name, split in data.splits.items()
    }
    return replace(data, splits={name: split for name, split in splits.items() if len(split)})
