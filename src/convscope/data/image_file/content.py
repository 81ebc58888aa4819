"""Read the bytes of an image from a path that may be anything, without ever opening what could block."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from .header import check_header
from .item import EmbeddedImage
from .unreadable import UnreadableImage

MAX_BYTES = 500_000_000
# Of a file of this size or more, the header is checked before the rest is read.
LARGE = 16_000_000


def read_bytes(item: str | os.PathLike[str] | EmbeddedImage) -> bytes:
    """Return the content of a regular file or embedded image; UnreadableImage with the reason if that is impossible.

    A FIFO, socket or device is never opened: reading one could block for ever. A large file is read only if its header
    is that of an image within the limits.
    """
    if isinstance(item, EmbeddedImage):
        return item.read()
    path, size = item, check_file(item).st_size
    try:
        with Path(path).open("rb") as file:
            if size > LARGE:
                check_header(file)
            return file.read()
    except OSError as problem:
        raise UnreadableImage(_reason(problem)) from problem


def read_file(path: str | os.PathLike[str], limit: int) -> bytes:
    """Return the content of a regular file of any kind; UnreadableImage if it has more than `limit` bytes."""
    size = _regular_file(path).st_size
    if size > limit:
        raise UnreadableImage(_too_large(size, limit))
    try:
        with Path(path).open("rb") as file:
            return file.read()
    except OSError as problem:
        raise UnreadableImage(_reason(problem)) from problem


def fingerprint(item: str | os.PathLike[str] | EmbeddedImage) -> str:
    """Return a key that changes when a file is replaced or written to, without reading it.

    Raises UnreadableImage for what is no regular file.
    """
    if isinstance(item, EmbeddedImage):
        return item.fingerprint()
    status = _regular_file(item)
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{Path(item).name}"


def check_file(path: str | os.PathLike[str]) -> os.stat_result:
    """Return the status of a regular file that is neither empty nor too large; UnreadableImage for everything else."""
    status = _regular_file(path)
    if status.st_size == 0:
        raise UnreadableImage("empty file")
    if status.st_size > MAX_BYTES:
        raise UnreadableImage(_too_large(status.st_size, MAX_BYTES))
    return status


def _regular_file(path: str | os.PathLike[str]) -> os.stat_result:
    try:
        status = os.stat(path)  # noqa: PTH116 - a file name may be bytes that are not valid text
    except ValueError as problem:
        raise UnreadableImage("no such file") from problem
    except OSError as problem:
        if isinstance(problem, FileNotFoundError) and Path(path).is_symlink():
            raise UnreadableImage("link to a file that does not exist") from problem
        raise UnreadableImage(_reason(problem)) from problem
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableImage("a folder, not an image")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImage("not a regular file (a pipe, socket or device)")
    return status


def _too_large(size: int, limit: int) -> str:
    return f"file of {size / 1e6:,.0f} MB, over the limit of {limit / 1e6:,.0f} MB"


def _reason(problem: OSError) -> str:
    known = {
        errno.ENOENT: "no such file",
        errno.ELOOP: "link that points at itself",
        errno.EACCES: "no permission to read it",
        errno.EPERM: "no permission to read it",
    }
    return known.get(problem.errno or 0, f"cannot be read ({problem.strerror or problem})")
