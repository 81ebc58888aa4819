"""A file of decoded images: rows of pixels, then an index that says which images they are, then what it all is.

rows        count x (H W C) bytes, uint8
index       count entries: key, digest, sums and squares of the values a channel
about       JSON: the size of the images, the settings they were made with, where they came from
tail        the lengths of those and a digest of index and about; what has no such end was never finished
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import struct
import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from .decoded_image import Row

MAGIC = b"convscope pixels"
TAIL = struct.Struct("<16sqqq16s")  # magic; bytes of the rows, of the index, of about; digest
# So much is written before the disk is told to begin; it works while the next images are decoded.
SYNC_EVERY = 64_000_000
READ_AT_MOST = 64_000_000


def index_type(channels: int) -> np.dtype:
    """An entry of the index. Keys are not V16: NumPy cuts no zeros off a plain array of bytes."""
    return np.dtype(
        [("key", "u1", 16), ("digest", "u1", 16), ("moments", "<i8", (2, channels))],
    )


class Pack:
    """A finished file, open for reading. It can be read to the end even if it is removed meanwhile (not on Windows)."""

    def __init__(self, path: Path, descriptor: int, row_bytes: int):
        self.path, self.row_bytes = path, row_bytes
        self._descriptor, self._seek = descriptor, threading.Lock()
        weakref.finalize(self, os.close, descriptor)
        size = os.fstat(descriptor).st_size
        if size < TAIL.size:
            raise ValueError("too short")
        tail = self._read(size - TAIL.size, TAIL.size)
        magic, self._rows, self._index, self._about, self._digest = TAIL.unpack(tail)
        lengths = (self._rows, self._index, self._about)
        if magic != MAGIC or min(lengths) < 0 or sum(lengths) + TAIL.size != size or self._rows % row_bytes:
            raise ValueError("not a file of decoded images")

    @classmethod
    def open(cls, path: Path, row_bytes: int = 1) -> Pack | None:
        """The file if it is there and whole."""
        try:
            pack = cls(path, os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), row_bytes)
            pack.about()
        except (OSError, ValueError):
            return None
        return pack

    def __len__(self) -> int:
        return self._rows // self.row_bytes

    def about(self) -> dict[str, Any]:
        """What was written at the end; ValueError if that is damaged."""
        both = self._read(self._rows, self._index + self._about)
        if hashlib.blake2b(both, digest_size=16).digest() != self._digest:
            raise ValueError("damaged")
        return dict(json.loads(both[self._index :]))

    def index(self, channels: int) -> np.ndarray:
        """An entry for every row."""
        return np.frombuffer(self._read(self._rows, self._index), index_type(channels))

    def entry(self, row: int, channels: int) -> np.ndarray:
        """One entry of the index."""
        kind = index_type(channels)
        return np.frombuffer(self._read(self._rows + row * kind.itemsize, kind.itemsize), kind)[0]

    def read_into(self, view: memoryview, row: int) -> None:
        """Fill the view with the rows from `row` on. OSError if the file has become shorter."""
        done, offset = 0, row * self.row_bytes
        while done < len(view):
            count = self._read_some(view[done : done + READ_AT_MOST], offset + done)
            if count == 0:
                raise OSError(errno.EIO, "is shorter than it was", str(self.path))
            done += count

    def announce(self, row: int) -> None:
        """Tell the system that a row will be read soon, where that is possible."""
        if hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):
                os.posix_fadvise(self._descriptor, row * self.row_bytes, self.row_bytes, os.POSIX_FADV_WILLNEED)

    def touch(self) -> None:
        """Note that it is in use: what was not for longest is removed first."""
        with contextlib.suppress(OSError):
            os.utime(self.path)

    def _read(self, offset: int, count: int) -> bytes:
        buffer = bytearray(count)
        view, done = memoryview(buffer), 0
        while done < count and (got := self._read_some(view[done : done + READ_AT_MOST], offset + done)):
            done += got
        return bytes(buffer[:done])

    def _read_some(self, view: memoryview, offset: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._descriptor, [view], offset)
        with self._seek:  # Windows: one place in the file for all threads
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            content = os.read(self._descriptor, len(view))
        view[: len(content)] = content
        return len(content)


class PackWriter:
    """Writes a pack row by row under another name; `finish` gives it its own. Raises OSError where the disk does."""

    def __init__(self, path: Path, temporary: Path, channels: int, about: dict[str, Any]):
        self.path, self.temporary, self.about = path, temporary, about
        self._entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._type = index_type(channels)
        self._file = temporary.open("xb", buffering=1 << 20)
        self._written = self._synced = 0
        self._syncing: Future[None] | None = None
        self._pool = ThreadPoolExecutor(1)

    def add(self, key: bytes, row: Row) -> int:
        """Append a row; the result is its number."""
        content = np.ascontiguousarray(row.pixels).reshape(-1).data
        self._file.write(content)
        self._entries.append((np.frombuffer(key, np.uint8), np.frombuffer(row.digest, np.uint8), row.moments))
        self._written += len(content)
        if self._written - self._synced > SYNC_EVERY and (self._syncing is None or self._syncing.done()):
            self._wait()
            self._file.flush()
            self._synced = self._written
            self._syncing = self._pool.submit(os.fsync, self._file.fileno())
        return len(self._entries) - 1

    def finish(self) -> Pack:
        """Write the end, make sure that all of it is on the disk, and open it for reading."""
        index = np.array(self._entries, self._type).tobytes()
        about = json.dumps(self.about).encode()
        digest = hashlib.blake2b(index + about, digest_size=16).digest()
        self._file.write(index + about + TAIL.pack(MAGIC, self._written, len(index), len(about), digest))
        self._wait()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._pool.shutdown()
        # On Windows nobody may replace what another process reads: that one has written the very same.
        with contextlib.suppress(PermissionError):
            self.temporary.replace(self.path)
        self.temporary.unlink(missing_ok=True)
        pack = Pack.open(self.path, self._written // len(self._entries))
        if pack is None:
            raise OSError(errno.ENOENT, "vanished after it was written", str(self.path))
        return pack

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._pool.shutdown()
        with contextlib.suppress(OSError):
            self._file.close()  # what it still holds may not fit on the disk
        with contextlib.suppress(OSError):
            self.temporary.unlink()

    def _wait(self) -> None:
        if self._syncing is not None:
            self._syncing.result()
