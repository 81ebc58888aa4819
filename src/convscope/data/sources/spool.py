"""Bytes at positions in a file that threads and forked processes read at the same time, and a temporary such file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Hashable
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, TypeVar

from ...errors import DataError

Opened = TypeVar("Opened")


class Positions:
    """An open file, read at positions: nobody moves the place where another one is reading."""

    def __init__(self, file: BinaryIO):
        self._file, self._lock = file, Lock()

    def __del__(self) -> None:
        # Once nobody reads it any more, in whatever thread.
        self._file.close()

    @classmethod
    def of(cls, path: str | Path) -> Positions:
        """Open a file; OSError if it cannot be read."""
        return cls(Path(path).open("rb"))

    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset` on, fewer at the end of the file."""
        if hasattr(os, "pread"):
            parts = []
            while size > 0 and (part := os.pread(self._file.fileno(), size, offset)):
                parts.append(part)
                offset, size = offset + len(part), size - len(part)
            return b"".join(parts)
        with self._lock:  # Windows
            self._file.seek(offset)
            return self._file.read(size)


class Spool(Positions):
    """A temporary file without a name, which is gone with the process, for what cannot be read at positions itself."""

    def __init__(self) -> None:
        super().__init__(tempfile.TemporaryFile())  # noqa: SIM115 - closed with the spool
        self.size = 0

    def append(self, content: bytes, where: str) -> int:
        """Write `content` at the end and return its position; DataError, which names `where`, if there is no room."""
        position = self.size
        try:
            self._file.write(content)
        except OSError as problem:
            raise no_room(where, problem) from problem
        self.size += len(content)
        return position

    def finish(self, where: str) -> None:
        """Make all that was appended readable."""
        try:
            self._file.flush()
        except OSError as problem:
            raise no_room(where, problem) from problem


# What was opened and unpacked, the newest last: a process has few archives.
MOST_OPEN = 8
_opened: dict[tuple[Hashable, ...], Any] = {}
_opening = Lock()


def opened_once(key: tuple[Hashable, ...], open_it: Callable[[], Opened]) -> Opened:
    """Return what `open_it` returned for this key, in this process or in the one that it was forked from."""
    if not hasattr(os, "pread"):
        key = (os.getpid(), *key)
    with _opening:
        if key not in _opened:
            while len(_opened) >= MOST_OPEN:
                del _opened[next(iter(_opened))]
            _opened[key] = open_it()
        else:
            _opened[key] = _opened.pop(key)
        return _opened[key]


def no_room(where: str, problem: OSError) -> DataError:
    """Return the error for a temporary file that cannot be written."""
    return DataError(
        f"{where}: its content does not fit into the temporary folder {tempfile.gettempdir()} "
        f"({problem.strerror or problem}): unpack it yourself, or set TMPDIR to a folder with more room"
    )
