"""Name the images that make a data set another one than that of a run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ...errors import ModelFileError, printable
from ..checkpoint import OtherImagesError
from .prepare_data import PreparedData

MOST_NAMED = 5
# Of runs whose table has no digests.
SAME_NAMES = "all names, labels and splits are the same, so the content of at least one file has changed"


@contextmanager
def naming_changed_images(before: bytes | None, prepared: PreparedData) -> Iterator[None]:
    """Add to an OtherImagesError how the images differ from `before`, the split table of the run that goes on."""
    try:
        yield
    except OtherImagesError as problem:
        changes = describe_changes(before, prepared.split_table()) or SAME_NAMES if before is not None else ""
        raise (ModelFileError(f"{problem}: {changes}") if changes else problem) from problem.__cause__


def describe_changes(before: bytes, now: bytes) -> str:
    """Return which images were added, removed, or have another label, split or content, by two split tables."""
    old, new = _rows(before), _rows(now)
    both = old.keys() & new.keys()
    changes = [
        ("added", sorted(new.keys() - old.keys())),
        ("removed", sorted(old.keys() - new.keys())),
        ("with another label or split", sorted(name for name in both if old[name][:2] != new[name][:2])),
        ("with another content", sorted(name for name in both if _is_other(old[name][2], new[name][2]))),
    ]
    return ", ".join(_counted(what, names) for what, names in changes if names)


def _is_other(before: str, now: str) -> bool:
    return bool(before and now and before != now)


def _rows(table: bytes) -> dict[str, tuple[str, str, str]]:
    rows = csv.DictReader(io.StringIO(table.decode("utf-8", "surrogateescape"), newline=""))
    return {row["path"]: (row["label"], row["split"], row.get("digest") or "") for row in rows}


def _counted(what: str, names: Sequence[str]) -> str:
    named = ", ".join(printable(name) for name in names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
    return f"{len(names):,} {'image' if len(names) == 1 else 'images'} {what} ({named})"
