"""A file of predictions that grows row by row, and goes on where an earlier, stopped call of the same command ended."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, TextIO

from ..errors import Interrupted, ModelFileError, OutputError, UsageError, printable
from ..files import check_file_name, csv_text, spreadsheet_safe
from .predictions import Format, Writer
from .target_options import Target


def file_format(output: str, asked: Format) -> Format:
    """Return the format of the file `output`, by its name; UsageError if it has none, or another one than asked for."""
    kind = {".csv": Format.csv, ".jsonl": Format.jsonl}.get(Path(output).suffix.lower())
    if kind is None:
        raise UsageError(f"--output {printable(output)}: its name must end with .csv or .jsonl")
    if asked in (Format.csv, Format.jsonl) and asked != kind:
        raise UsageError(f"--format {asked.value}, but --output {printable(output)}: leave --format out")
    return kind


def identity_of(target: Target, *settings: str) -> str:
    """Return a text that is another one if the classifier, or a setting on which the rows depend, is another."""
    from ..bundle_config import find_bundle
    from ..onnx_graph import digest_of_bundle

    parts = [repr(target), *settings]
    with contextlib.suppress(ModelFileError):  # a network by its name
        parts.append(digest_of_bundle(find_bundle(target.source)))
    if target.weights is not None:
        with contextlib.suppress(OSError):
            known = Path(target.weights).stat()
            parts.append(f"{known.st_size} {known.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:8]


class Terminated(KeyboardInterrupt):
    """SIGTERM, raised as Ctrl-C is."""


class PredictionsFile:
    """Lets a `Writer` of CSV or JSON lines write to a file, within a `with` block.

    The rows go to `NAME.IDENTITY.part`, which gets the name `path` when the block ends without an exception, and stays
    for the next call otherwise. `resumed` is the number of rows that were there already.
    """

    def __init__(self, path: Path, writer: Writer, identity: str):
        self.path, self.writer = path, writer
        self.part = path.with_name(f"{path.name}.{identity}.part")
        self.is_csv = path.suffix.lower() == ".csv"
        self.resumed = 0
        self._done: Counter[str] = Counter()
        self._file: TextIO | None = None
        self._rows = 0
        self._former_handler: Any = None

    def left_of(self, sources: Sequence[Path | bytes]) -> list[Path | bytes]:
        """Return the images that have no row yet."""
        done, left = self._done.copy(), []
        for source in sources:
            name = self._as_written(source)
            if done[name]:
                done[name] -= 1
            else:
                left.append(source)
        return left

    def __enter__(self) -> PredictionsFile:
        check_file_name(self.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            kept = self._read_part()
            self._file = self.part.open("w", encoding="utf-8", errors="backslashreplace", newline="")
            self.writer.out, self.writer.escape = self._file.write, False
            if not kept:
                self.writer.begin()
            self._file.writelines(kept)
            self.writer.out, self._rows = self._write, self.resumed
            if threading.current_thread() is threading.main_thread():
                self._former_handler = signal.signal(signal.SIGTERM, _terminate)
        except OSError as problem:
            raise self._cannot_write(problem) from problem
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._file is not None
        if self._former_handler is not None:
            signal.signal(signal.SIGTERM, self._former_handler)
        try:
            with self._file:
                self._file.flush()
                os.fsync(self._file.fileno())
            if problem is None:
                self.part.replace(self.path)
            elif not self._rows:
                self.part.unlink()
        except OSError as failure:
            raise self._cannot_write(failure) from failure
        if isinstance(problem, KeyboardInterrupt):
            code = 143 if isinstance(problem, Terminated) else 130
            raise Interrupted(f"stopped: the same command goes on from {printable(self.part)}", code) from problem
        if isinstance(problem, OSError):
            raise self._cannot_write(problem) from problem

    def _read_part(self) -> list[str]:
        """Return what an earlier call wrote, row by row (CSV with its header), less the last, which may be cut off."""
        try:
            text = self.part.read_bytes().decode()
            if self.is_csv:
                rows = list(csv.reader(io.StringIO(text, newline="")))[:-1]
                names, kept = [row[0] for row in rows[1:]], [csv_text([row]) for row in rows]
            else:
                kept = text.splitlines(keepends=True)[:-1]
                names = [json.loads(line)["path"] for line in kept]
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            return []
        self._done, self.resumed = Counter(names), len(names)
        return kept

    def _write(self, row: str) -> None:
        assert self._file is not None
        self._file.write(row)
        self._rows += 1

    def _as_written(self, source: Path | bytes) -> str:
        name = "-" if isinstance(source, bytes) else str(source)
        if not self.is_csv:
            return name
        name = name.encode("utf-8", "backslashreplace").decode()
        return str(spreadsheet_safe(name)) if self.writer.safe else name

    def _cannot_write(self, problem: OSError) -> OutputError:
        return OutputError(f"cannot write {printable(self.part)}: {problem.strerror or problem}")


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
