"""Rows of a table that name an image again: copies, other labels or other splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import DataError, printable
from ...problems import listed, warn
from .table_columns import LabelledRow
from .table_labels import CHOOSE_TYPE

# Share of the images that may have two labels before the table is taken for one with a row per label.
MOST_CONFLICTS = 0.1


@dataclass(frozen=True)
class Repeated:
    """A row whose image was listed before, with whether its split and whether its label differ."""

    row: LabelledRow
    other_split: bool
    other_label: bool


def report_repeated(repeated: Sequence[Repeated], images: int, label_type: str, where: str) -> None:
    """Warn about repeated rows; DataError if so many of the `images` have several labels that they may be meant."""
    conflicts = {each.row.path: each.row for each in repeated if each.other_label}
    if label_type == "auto" and len(conflicts) > MOST_CONFLICTS * images and len(conflicts) > 1:
        first = next(iter(conflicts.values()))
        raise DataError(
            f"{where}: {len(conflicts):,} of {images:,} images have rows with different labels, such as "
            f"'{printable(first.path)}' in line {first.line}: either each has several labels, or the first one counts: "
            f"{CHOOSE_TYPE}"
        )
    kinds = (
        ("two-labels", "under two labels", [each.row for each in repeated if each.other_label]),
        ("two-splits", "in two splits", [each.row for each in repeated if each.other_split]),
    )
    for kind, text, rows in kinds:
        if rows:
            names = listed([row.path for row in rows])
            warn(kind, where, f"the same image {text}, from line {rows[0].line} on; its first line counts: {names}")
    if same := sum(not (each.other_split or each.other_label) for each in repeated):
        text = "1 line repeats an earlier one and is" if same == 1 else f"{same:,} lines repeat earlier ones and are"
        warn("repeated", where, f"{text} not used")
