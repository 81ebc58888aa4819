"""How predictions are written: as a table, JSON, JSON lines or CSV."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import Enum
from typing import Any

from ..errors import printable
from ..files import csv_text, spreadsheet_safe
from ..finite_json import dump_json
from ..messages.translate import phrase, translated
from .output import print_json, print_table

# Classes of a set that the table names.
MOST_IN_SET = 5


class Format(str, Enum):
    """How predictions are printed."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


class Writer:
    """Collects rows `path, label, probability, index, topk`; a format writes them one by one, or all at the end.

    With `multi_label`, rows also have `labels`, those of the image, and every label `selected` and `threshold`; with
    `set_coverage` also the `set` of classes, and every class whether it is `in_set`. `out` writes text, to stdout by
    default; with `safe`, no spreadsheet takes a name for a formula.
    """

    def __init__(
        self,
        topk: int,
        classes: int,
        multi_label: bool = False,
        safe: bool = False,
        runtime: str = "",
        set_coverage: float | None = None,
    ):
        self.rows: list[dict[str, Any]] = []
        self.topk, self.classes, self.multi_label = topk, classes, multi_label
        self.safe, self.runtime, self.set_coverage = safe, runtime, set_coverage
        self.out: Callable[[str], object] = sys.stdout.write  # typer.echo would take escape sequences out of names
        self.escape = sys.stdout.isatty()

    def begin(self) -> None:
        """Write what comes before the rows."""

    def write(self, row: dict[str, Any]) -> None:
        """Write one row, or keep it for the end."""
        self.rows.append(row)

    def close(self, skipped: list[tuple[str, str]]) -> None:
        """Print what is left to print, given path and reason of each skipped file."""


class _Table(Writer):
    """One line per image: its name, then labels with their probabilities, best first; a dash for an image without."""

    def close(self, skipped: list[tuple[str, str]]) -> None:
        rows = [(row["path"], *self._cells(row)) for row in self.rows]
        columns = max(map(len, rows), default=0)
        if rows:
            print_table([(*row, *[""] * (columns - len(row))) for row in rows])

    def _cells(self, row: dict[str, Any]) -> list[str]:
        shown = row["labels" if self.multi_label else "topk"]
        cells = [f"{p['label']} {p['probability']:.1%}" for p in shown] or ["-"]
        if self.set_coverage is not None:
            cells.append(_set_cell(self.set_coverage, [entry["label"] for entry in row["set"]]))
        return [*cells, translated(f"unknown: {row['reason']}")] if row["abstained"] else cells


def _set_cell(coverage: float, labels: list[str]) -> str:
    """Return a set as the table shows it: its classes, of many only the first."""
    shown, more = ", ".join(labels[:MOST_IN_SET]), len(labels) - MOST_IN_SET
    labels_shown = shown + (f" + {more:,}" if more > 0 else "")
    return phrase("{level} % set: {labels}", level=f"{100 * coverage:.4g}", labels=labels_shown)


class _Json(Writer):
    """One JSON document at the end."""

    def close(self, skipped: list[tuple[str, str]]) -> None:
        reasons = [{"path": path, "reason": reason} for path, reason in skipped]
        print_json({"runtime": self.runtime, "predictions": self.rows, "skipped": reasons})


class _JsonLines(Writer):
    """One JSON document per image, printed as soon as it is known."""

    def write(self, row: dict[str, Any]) -> None:
        self.out(dump_json(row) + "\n")


class _Csv(Writer):
    """One row per image `path,label,probability,index,label_2,probability_2,...`, printed as soon as it is known.

    Cells are exact, except on a terminal, which would obey control characters in names: there they are escaped.
    Several labels of an image stand in a further column `labels`, the classes of its set in `set`, with `|` between
    them.
    """

    def begin(self) -> None:
        further = [
            f"{name}_{n}" for n in range(2, min(self.topk, self.classes) + 1) for name in ("label", "probability")
        ]
        labels = ["labels"] if self.multi_label else []
        sets = ["set"] if self.set_coverage is not None else []
        self._print(["path", *labels, "label", "probability", "index", *further, *sets, "abstained"])

    def write(self, row: dict[str, Any]) -> None:
        further = [value for p in row["topk"][1:] for value in (p["label"], f"{p['probability']:.6f}")]
        labels = ["|".join(p["label"] for p in row["labels"])] if self.multi_label else []
        sets = ["|".join(p["label"] for p in row["set"])] if self.set_coverage is not None else []
        self._print(
            [
                row["path"],
                *labels,
                row["label"],
                f"{row['probability']:.6f}",
                row["index"],
                *further,
                *sets,
                row.get("reason", ""),
            ]
        )

    def _print(self, cells: list[Any]) -> None:
        if self.safe:
            cells = [spreadsheet_safe(cell) for cell in cells]
        if self.escape:
            cells = [printable(cell) for cell in cells]
        self.out(csv_text([cells]))


WRITERS = {Format.table: _Table, Format.json: _Json, Format.jsonl: _JsonLines, Format.csv: _Csv}
