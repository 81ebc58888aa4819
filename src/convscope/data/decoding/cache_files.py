"""The folder of the cache of decoded images: list its files, delete them, keep it within its size limit."""

from __future__ import annotations

import contextlib
import math
import os
import re
import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import UsageError, printable
from ...files import UNFINISHED
from ...this_machine import is_running
from ..cache_folder import cache_folder
from .pixel_file import PixelFile

SUFFIX = ".pixels"
# Without CONVSCOPE_CACHE_SIZE: the share that the cache may use of what would be free on the disk without it.
SHARE_OF_DISK = 0.5
# Bytes of the disk that the cache always leaves free.
LEFT_FREE = 500_000_000
STALE_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Entry:
    """One file of the cache. `used` is when, in seconds since the epoch; `about` is empty if the file is damaged."""

    path: Path
    bytes: int
    used: float
    images: int
    about: dict[str, Any]


def cache_root(choice: str) -> Path | None:
    """Return the folder that `--cache` names: `auto` is in the user's cache folder, `off` is None."""
    if choice == "off":
        return None
    return cache_folder() / "decoded" if choice == "auto" else Path(choice)


def entries(root: Path) -> list[Entry]:
    """Return all files of a cache, the most recently used one first."""
    files = []
    for path in root.glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError):
            status = path.stat()
            file = PixelFile.open(path)
            about = {} if file is None else file.description()
            images = 0 if file is None else len(file) // math.prod(about["settings"]["input_size"])
            files.append(Entry(path, status.st_size, status.st_mtime, images, about))
    return sorted(files, key=lambda entry: entry.used, reverse=True)


def clear(root: Path) -> tuple[int, int, int]:
    """Delete every file of a cache; return the numbers of files deleted, of their bytes, and of files left.

    Runs that are reading the files go on undisturbed (on Windows such files are left).
    """
    deleted = freed = left = 0
    for path in [*root.glob(f"*{SUFFIX}"), *root.glob(f"{UNFINISHED}*")]:
        try:
            size = path.stat().st_size
            path.unlink()
            deleted, freed = deleted + 1, freed + size
        except FileNotFoundError:
            continue
        except OSError:
            left += 1
    return deleted, freed, left


def size_limit(root: Path, used: int) -> int:
    """Return how many bytes the cache may hold: CONVSCOPE_CACHE_SIZE, or half of the disk that is free without it."""
    if text := os.environ.get("CONVSCOPE_CACHE_SIZE", "").strip():
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", text.lower())
        if not match:
            raise UsageError(f"CONVSCOPE_CACHE_SIZE must be a size such as 500MB or 20GB, not {printable(repr(text))}")
        return int(float(match[1]) * 1000 ** " kmgt".index(match[2] or " "))
    return int(SHARE_OF_DISK * (_free(root) + used))


def make_room(root: Path, needed: int, keep: set[Path]) -> bool:
    """Delete the least recently used files, except those in `keep`, until `needed` bytes fit.

    Returns False, and deletes nothing, if they cannot fit.
    """
    files = []
    for path in root.glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError):
            status = path.stat()
            files.append((status.st_mtime, status.st_size, path))
    used = sum(size for _, size, _ in files)
    limit, free = size_limit(root, used), _free(root) - LEFT_FREE
    deletable = sorted(file for file in files if file[2] not in keep)
    most = sum(size for _, size, _ in deletable)
    if used - most + needed > limit or free + most < needed:
        return False
    for _, size, path in deletable:
        if used + needed <= limit and free >= needed:
            break
        with contextlib.suppress(OSError):
            path.unlink()
        used, free = used - size, free + size
    return True


def delete_unfinished(root: Path) -> None:
    """Delete the unfinished files of processes that were killed, but not those that a process is writing now."""
    host = socket.gethostname()
    for path in root.glob(f"{UNFINISHED}*"):
        match = re.fullmatch(re.escape(f"{UNFINISHED}{host}-") + r"(\d+)-[0-9a-f]+", path.name)
        with contextlib.suppress(OSError):
            # Windows cannot be asked whether a process runs, and does not delete a file that is open anyway.
            ended = match is not None and (os.name == "nt" or not is_running(int(match[1])))
            if ended or time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()


def _free(root: Path) -> int:
    while not root.exists() and root != root.parent:
        root = root.parent
    return shutil.disk_usage(root).free
