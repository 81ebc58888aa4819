"""`convscope predict`."""

from __future__ import annotations

import codecs
import glob
import os
import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DataError, UsageError, printable
from ..files import csv_text, spreadsheet_safe
from ..finite_json import dump_json
from ..messages.translate import translated
from .output import print_json, print_table
from .parameters import CsvSafe, Device, Strict
from .target_options import Target, with_target_options

if TYPE_CHECKING:
    from ..classifier import Classifier
    from ..predictor import Predictor

Option = typer.Option
STDIN = "-"


class Format(str, Enum):
    """How predictions are printed."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


class Runtime(str, Enum):
    """What computes the answers."""

    auto = "auto"
    onnx = "onnx"
    torch = "torch"


@with_target_options
def predict_command(
    target: Target,
    images: Annotated[
        list[str],
        typer.Argument(
            help="Image files, folders, patterns such as 'photos/*.jpg', or - for standard input (one image, or one "
            "path per line).",
            metavar="IMAGES",
        ),
    ],
    topk: Annotated[int, Option(help="Number of classes to show per image.", min=1, metavar="N")] = 3,
    format: Annotated[Format, Option(help="Output format; jsonl is one JSON document per line.")] = Format.table,
    json: Annotated[bool, Option("--json", help="Same as --format json.")] = False,
    csv_safe: CsvSafe = False,
    device: Device = "auto",
    runtime: Annotated[
        Runtime,
        Option(
            help="What computes: onnx is ONNX Runtime with the model that `convscope export RUN` left in the bundle, "
            "which starts several times as quickly as torch; auto takes it if it is there."
        ),
    ] = Runtime.auto,
    strict: Strict = False,
) -> None:
    """Predict the class or the labels of each image."""
    from ..data.skipped import report_skipped

    classifier = _open(target, device, runtime)
    sources = list(find_images(images))
    writer = _WRITERS[Format.json if json else format](topk, len(classifier.class_names), classifier.task.multi_label)
    writer.safe, writer.runtime = csv_safe, classifier.runtime
    predicted, skipped = 0, []
    for result in classifier.predict_each(sources, topk):
        path = STDIN if isinstance(result.image, bytes) else str(result.image)
        if result.predictions:
            ranked = [vars(prediction) for prediction in result.predictions]
            refusal = result.refusal
            row = {"path": path, **ranked[0], "abstained": refusal is not None, "topk": ranked[:topk]}
            if refusal is not None:
                row["reason"] = refusal.reason
            if classifier.task.multi_label:
                row["labels"] = [entry for entry in ranked if entry["selected"]]
            writer.write(row)
            predicted += 1
        else:
            skipped.append((path, result.reason))
    writer.close(skipped)
    report_skipped(skipped, strict)
    if not predicted:
        raise DataError(f"none of the {len(sources)} files could be read as an image")


def _open(target: Target, device: str, runtime: Runtime) -> Classifier | Predictor:
    """Return what answers: without torch if there is a graph, and nothing is asked for that needs the network."""
    plain = device in ("auto", "cpu") and not target.given()
    if runtime == Runtime.onnx:
        if not plain:
            raise UsageError("--runtime onnx takes the run or bundle alone, and computes on the CPU")
        from ..predictor import open_predictor

        return open_predictor(target.source)
    if runtime == Runtime.auto and plain:
        from ..predictor import find_predictor

        if (found := find_predictor(target.source)) is not None:
            return found
    from ..devices import choose_device
    from ..opening import open_target

    classifier = open_target(target).classifier
    classifier.network.to(choose_device(device))
    return classifier


def find_images(arguments: Sequence[str]) -> Iterator[Path | bytes]:
    """Yield the paths, and from standard input the images, that the arguments name; DataError if one names nothing."""
    from ..data.sources.file_tree import image_files

    for argument in arguments:
        if argument == STDIN:
            yield from _from_stdin(sys.stdin.buffer.read())
        elif Path(argument).is_dir():
            files = image_files(Path(argument))
            if not files:
                raise DataError(f"{printable(argument)}: no images found in this folder")
            yield from files
        elif not os.path.lexists(argument) and glob.has_magic(argument):
            matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 - the pattern may be absolute
            if not matches:
                raise DataError(f"{printable(argument)}: no file matches this pattern")
            for match in matches:
                yield from image_files(Path(match)) if Path(match).is_dir() else [Path(match)]
        else:
            yield Path(argument)


def _without_mark(content: bytes) -> bytes:
    """Return a list of paths without its byte-order mark, as UTF-8; anything else as it is."""
    if content.startswith(codecs.BOM_UTF8):
        return content.removeprefix(codecs.BOM_UTF8)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return content.decode("utf-16").encode()
        except UnicodeDecodeError:
            return content
    return content


def _from_stdin(content: bytes) -> Iterator[Path | bytes]:
    """Yield the image, or the images whose paths are listed, on standard input; UsageError if it is empty."""
    content = _without_mark(content)
    head = content[:4096]
    if not head.strip():
        raise UsageError("standard input is empty: send an image or a list of paths")
    # An encoded image has zero bytes near its beginning; a list of paths has them only as separators before a path.
    if b"\0" in head.rstrip(b"\0") and b"\0/" not in head and b"\0." not in head:
        yield content
        return
    lines = content.split(b"\0") if b"\0" in head else content.splitlines()
    paths = [Path(os.fsdecode(line)) for line in lines if line.strip()]
    if any(os.path.lexists(path) for path in paths[:100]):
        yield from paths
    else:
        yield content


class _Writer:
    """Collects rows `path, label, probability, index, topk`; a format prints them one by one, or all at the end.

    With `multi_label`, rows also have `labels`, those of the image, and every label `selected` and `threshold`.
    """

    def __init__(self, topk: int, classes: int, multi_label: bool = False):
        self.rows: list[dict[str, Any]] = []
        self.safe, self.runtime = False, ""
        self.multi_label = multi_label

    def write(self, row: dict[str, Any]) -> None:
        self.rows.append(row)

    def close(self, skipped: list[tuple[str, str]]) -> None:
        """Print what is left to print, given path and reason of each skipped file."""


class _Table(_Writer):
    """One line per image: its name, then labels with their probabilities, best first; a dash for an image without."""

    def close(self, skipped: list[tuple[str, str]]) -> None:
        rows = [(row["path"], *self._cells(row)) for row in self.rows]
        columns = max(map(len, rows), default=0)
        if rows:
            print_table([(*row, *[""] * (columns - len(row))) for row in rows])

    def _cells(self, row: dict[str, Any]) -> list[str]:
        shown = row["labels" if self.multi_label else "topk"]
        cells = [f"{p['label']} {p['probability']:.1%}" for p in shown] or ["-"]
        return [*cells, translated(f"unknown: {row['reason']}")] if row["abstained"] else cells


class _Json(_Writer):
    """One JSON document at the end."""

    def close(self, skipped: list[tuple[str, str]]) -> None:
        reasons = [{"path": path, "reason": reason} for path, reason in skipped]
        print_json({"runtime": self.runtime, "predictions": self.rows, "skipped": reasons})


class _JsonLines(_Writer):
    """One JSON document per image, printed as soon as it is known."""

    def write(self, row: dict[str, Any]) -> None:
        typer.echo(dump_json(row))


class _Csv(_Writer):
    """One row per image `path,label,probability,index,label_2,probability_2,...`, printed as soon as it is known.

    Cells are exact, except on a terminal, which would obey control characters in names: there they are escaped.
        Several labels of an image stand in a further column `labels`, with `|` between them.
    """

    def __init__(self, topk: int, classes: int, multi_label: bool = False):
        super().__init__(topk, classes, multi_label)
        further = [f"{name}_{n}" for n in range(2, min(topk, classes) + 1) for name in ("label", "probability")]
        labels = ["labels"] if multi_label else []
        self._print(["path", *labels, "label", "probability", "index", *further, "abstained"])

    def write(self, row: dict[str, Any]) -> None:
        further = [value for p in row["topk"][1:] for value in (p["label"], f"{p['probability']:.6f}")]
        labels = ["|".join(p["label"] for p in row["labels"])] if self.multi_label else []
        self._print(
            [
                row["path"],
                *labels,
                row["label"],
                f"{row['probability']:.6f}",
                row["index"],
                *further,
                row.get("reason", ""),
            ]
        )

    def _print(self, cells: list[Any]) -> None:
        if self.safe:
            cells = [spreadsheet_safe(cell) for cell in cells]
        if sys.stdout.isatty():
            cells = [printable(cell) for cell in cells]
        sys.stdout.write(csv_text([cells]))  # typer.echo would take escape sequences out of names


_WRITERS = {Format.table: _Table, Format.json: _Json, Format.jsonl: _JsonLines, Format.csv: _Csv}
