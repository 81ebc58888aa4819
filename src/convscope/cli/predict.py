"""`convscope predict`."""

from __future__ import annotations

import glob
import json
import os
import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DataError, UsageError, printable
from ..files import csv_text
from .output import print_json, print_table

if TYPE_CHECKING:
    from ..classifier import Classifier

Option = typer.Option
# Images that are decoded and answered at once.
PORTION = 256
STDIN = "-"


class Format(str, Enum):
    """How predictions are printed."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


def predict_command(
    run: Annotated[str, typer.Argument(help="A run folder, a bundle (folder or zip), or `last`.")],
    images: Annotated[
        list[str],
        typer.Argument(help="Files, folders, patterns, or - for standard input: an image, or paths line by line."),
    ],
    topk: Annotated[int, Option(help="How many classes to show an image.", min=1)] = 3,
    format: Annotated[Format, Option(help="table, json, jsonl or csv.")] = Format.table,
    json: Annotated[bool, Option("--json", help="The same as --format json.")] = False,
    device: Annotated[str, Option(help="auto, cpu, cuda, mps.")] = "auto",
    strict: Annotated[bool, Option("--strict", help="Fail if any file had to be skipped.")] = False,
) -> None:
    """Say what is in each image."""
    from ..classifier import load
    from ..data.decoded import report_skipped
    from ..devices import choose_device

    classifier = load(run)
    classifier.network.to(choose_device(device))
    sources = list(find_images(images))
    skipped: list[dict[str, str]] = []
    writer = _WRITERS[Format.json if json else format](topk, len(classifier.class_names))
    answered = 0
    for start in range(0, len(sources), PORTION):
        rows = list(_predict(classifier, sources[start : start + PORTION], topk, skipped))
        answered += len(rows)
        writer.write(rows)
    writer.close(skipped)
    report_skipped([(item["path"], item["reason"]) for item in skipped], strict)
    if not answered:
        raise DataError(f"none of the {len(sources)} files could be read as an image")


def find_images(arguments: Sequence[str]) -> Iterator[Path | bytes]:
    """Paths and contents behind what the user typed; UsageError or DataError for what leads nowhere."""
    from ..data.sources.file_tree import image_files

    for argument in arguments:
        if argument == STDIN:
            yield from _from_stdin(sys.stdin.buffer.read())
        elif Path(argument).is_dir():
            found = image_files(Path(argument))
            if not found:
                raise DataError(f"{printable(argument)}: no images found in this folder")
            yield from found
        elif not os.path.lexists(argument) and glob.has_magic(argument):
            matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 - the pattern may be absolute
            if not matches:
                raise DataError(f"{printable(argument)}: no file matches this pattern")
            for match in matches:
                yield from image_files(Path(match)) if Path(match).is_dir() else [Path(match)]
        else:
            yield Path(argument)


def _from_stdin(content: bytes) -> Iterator[Path | bytes]:
    """An image, or a list of paths: the first bytes of an image never are lines of text."""
    head = content[:4096]
    if not head.strip():
        raise UsageError("standard input is empty: send an image or a list of paths")
    if b"\0" in head.rstrip(b"\0") and b"\0/" not in head and b"\0." not in head:
        yield content
        return
    lines = content.split(b"\0") if b"\0" in head else content.splitlines()
    paths = [Path(os.fsdecode(line)) for line in lines if line.strip()]
    if any(os.path.lexists(path) for path in paths[:100]):
        yield from paths
    else:
        yield content


def _predict(
    classifier: Classifier, sources: Sequence[Path | bytes], topk: int, skipped: list[dict[str, str]]
) -> Iterator[dict[str, Any]]:
    import torch

    from ..data.decoded import decode_files

    names, pixels = [], []
    for source, result in zip(sources, decode_files(sources, classifier.preprocess), strict=True):
        name = STDIN if isinstance(source, bytes) else str(source)
        if isinstance(result, str):
            skipped.append({"path": name, "reason": result})
        else:
            names.append(name)
            pixels.append(result[0])
    if not pixels:
        return
    probabilities = classifier.logits(torch.stack(pixels)).softmax(1)
    for name, best in zip(names, classifier.best(probabilities, topk), strict=True):
        top = [{"label": p.label, "probability": p.probability, "index": p.index} for p in best]
        yield {"path": name, **top[0], "abstained": False, "topk": top}


class _Table:
    """A line an image: its name, then label and probability, best first."""

    def __init__(self, topk: int, classes: int):
        self.rows: list[dict[str, Any]] = []

    def write(self, rows: list[dict[str, Any]]) -> None:
        self.rows += rows

    def close(self, skipped: list[dict[str, str]]) -> None:
        if self.rows:
            print_table([(r["path"], *(f"{p['label']} {p['probability']:.1%}" for p in r["topk"])) for r in self.rows])


class _Json:
    """One document, when everything is known."""

    def __init__(self, topk: int, classes: int):
        self.rows: list[dict[str, Any]] = []

    def write(self, rows: list[dict[str, Any]]) -> None:
        self.rows += rows

    def close(self, skipped: list[dict[str, str]]) -> None:
        print_json({"predictions": self.rows, "skipped": skipped})


class _JsonLines:
    """A document an image, as soon as it is known."""

    def __init__(self, topk: int, classes: int):
        pass

    def write(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            typer.echo(json.dumps(row))

    def close(self, skipped: list[dict[str, str]]) -> None:
        pass


class _Csv:
    """`path,label,probability,index`, then `label_2,probability_2` and so on."""

    def __init__(self, topk: int, classes: int):
        header = ["path", "label", "probability", "index"]
        self._print([header + [f"{w}_{n}" for n in range(2, min(topk, classes) + 1) for w in ("label", "probability")]])

    def write(self, rows: list[dict[str, Any]]) -> None:
        self._print(
            [row["path"], row["label"], f"{row['probability']:.6f}", row["index"]]
            + [value for p in row["topk"][1:] for value in (p["label"], f"{p['probability']:.6f}")]
            for row in rows
        )

    def close(self, skipped: list[dict[str, str]]) -> None:
        pass

    def _print(self, rows: Any) -> None:
        typer.echo(csv_text(rows), nl=False)


_WRITERS: dict[Format, Any] = {Format.table: _Table, Format.json: _Json, Format.jsonl: _JsonLines, Format.csv: _Csv}
