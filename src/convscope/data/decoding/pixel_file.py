"""A file of decoded images: their pixels, an index that identifies them, and a description of the file.

pixels       count x (H W C) bytes, uint8
index        count entries: key, digest, sums of values and of squared values per channel, checksum of the pixels
description  JSON: the size of the images, the settings they were made with, and where they came from
tail         the lengths of the parts and a digest of index and description; a file without a tail is unfinished
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
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from .decoded_image import DecodedImage

MAGIC = b"convscope pixels"
TAIL = struct.Struct("<16sqqq16s")  # magic; bytes of pixels, of index, of description; digest
# After this many bytes the disk is told to write, which it does while the next images are decoded.
SYNC_EVERY = 64_000_000
READ_AT_MOST = 64_000_000


def index_type(channels: int) -> np.dtype:
    """Return the type of an index entry. Keys are not of type V16, from which NumPy would cut trailing zeros."""
    return np.dtype(
        [("key", "u1", 16), ("digest", "u1", 16), ("moments", "<i8", (2, channels)), ("checksum", "<u4")],
    )


class PixelFile:
    """A finished file, open for reading; it stays readable even if it is deleted meanwhile (not on Windows)."""

    def __init__(self, path: Path, descriptor: int, image_bytes: int):
        self.path, self.image_bytes = path, image_bytes
        self._descriptor, self._seek = descriptor, threading.Lock()
        weakref.finalize(self, os.close, descriptor)
        size = os.fstat(descriptor).st_size
        if size < TAIL.size:
            raise ValueError("too short")
        tail = self._read(size - TAIL.size, TAIL.size)
        magic, self._pixels, self._index, self._description, self._digest = TAIL.unpack(tail)
        lengths = (self._pixels, self._index, self._description)
        if magic != MAGIC or min(lengths) < 0 or sum(lengths) + TAIL.size != size or self._pixels % image_bytes:
            raise ValueError("not a file of decoded images")

    @classmethod
    def open(cls, path: Path, image_bytes: int = 1) -> PixelFile | None:
        """Open a file; None if it does not exist or is damaged."""
        try:
            file = cls(path, os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), image_bytes)
            file.description()
        except (OSError, ValueError):
            return None
        return file

    def __len__(self) -> int:
        return self._pixels // self.image_bytes

    def description(self) -> dict[str, Any]:
        """Return the settings that the images were made with and their source; ValueError if that is damaged."""
        both = self._read(self._pixels, self._index + self._description)
        if hashlib.blake2b(both, digest_size=16).digest() != self._digest:
            raise ValueError("damaged")
        return dict(json.loads(both[self._index :]))

    def index(self, channels: int) -> np.ndarray:
        """Return the index: one entry of `index_type` per image."""
        return np.frombuffer(self._read(self._pixels, self._index), index_type(channels))

    def entry(self, row: int, channels: int) -> np.ndarray:
        """Return the index entry of image `row`."""
        kind = index_type(channels)
        return np.frombuffer(self._read(self._pixels + row * kind.itemsize, kind.itemsize), kind)[0]

    def read_into(self, view: memoryview, row: int) -> None:
        """Fill `view` with the pixels of the images from `row` on; OSError if the file has become shorter."""
        done, offset = 0, row * self.image_bytes
        while done < len(view):
            count = self._read_some(view[done : done + READ_AT_MOST], offset + done)
            if count == 0:
                raise OSError(errno.EIO, "is shorter than it was", str(self.path))
            done += count

    def prefetch(self, row: int) -> None:
        """Ask the system to load image `row` soon, where that is possible."""
        if hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):
                os.posix_fadvise(self._descriptor, row * self.image_bytes, self.image_bytes, os.POSIX_FADV_WILLNEED)

    def touch(self) -> None:
        """Record that the file was used now: the least recently used files are deleted first."""
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
        with self._seek:  # Windows: all threads share one position in the file
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            content = os.read(self._descriptor, len(view))
        view[: len(content)] = content
        return len(content)


class PixelFileWriter:
    """Writes a pixel file image by image under a temporary name; `finish` renames it. OSError if the disk refuses."""

    def __init__(self, path: Path, temporary: Path, channels: int, description: dict[str, Any]):
        self.path, self.temporary, self.description = path, temporary, description
        self._entries: list[tuple[np.ndarray, np.ndarray, np.ndarray, int]] = []
        self._type = index_type(channels)
        self._file = temporary.open("xb", buffering=1 << 20)
        self._written = self._synced = 0
        self._syncing: Future[None] | None = None
        self._pool = ThreadPoolExecutor(1)

    def add(self, key: bytes, image: DecodedImage) -> int:
        """Append an image and return its row."""
        content = np.ascontiguousarray(image.pixels).reshape(-1).data
        self._file.write(content)
        key_bytes, digest = np.frombuffer(key, np.uint8), np.frombuffer(image.digest, np.uint8)
        self._entries.append((key_bytes, digest, image.moments, zlib.crc32(content)))
        self._written += len(content)
        if self._written - self._synced > SYNC_EVERY and (self._syncing is None or self._syncing.done()):
            self._wait()
            self._file.flush()
            self._synced = self._written
            self._syncing = self._pool.submit(os.fsync, self._file.fileno())
        return len(self._entries) - 1

    def finish(self) -> PixelFile:
        """Write index, description and tail, flush everything to the disk, and open the file for reading."""
        index = np.array(self._entries, self._type).tobytes()
        description = json.dumps(self.description).encode()
        digest = hashlib.blake2b(index + description, digest_size=16).digest()
        tail = TAIL.pack(MAGIC, self._written, len(index), len(description), digest)
        self._file.write(index + description + tail)
        self._wait()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._pool.shutdown()
        # Windows does not replace a file that another process reads; its name says that it holds the same images.
        with contextlib.suppress(PermissionError):
            self.temporary.replace(self.path)
        self.temporary.unlink(missing_ok=True)
        file = PixelFile.open(self.path, self._written // len(self._entries))
        if file is None:
            raise OSError(errno.ENOENT, "vanished after it was written", str(self.path))
        return file

    def abandon(self) -> None:
        """Delete what was written so far."""
        self._pool.shutdown()
        with contextlib.suppress(OSError):
            self._file.close()  # flushes its buffer, which may not fit on the disk
        with contextlib.suppress(OSError):
            self.temporary.unlink()

    def _wait(self) -> None:
        if self._syncing is not None:
            self._syncing.result()
