"""Write files and folders atomically: after a crash the old one or the new one is there, never half of it."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from .errors import OutputError, UsageError, printable

# Prefix of what a killed process may leave behind; `remove_leftovers` deletes it.
UNFINISHED = ".unfinished-"
# What a system reports when there is no room: a full disk, a used-up quota, a limit on the size of a file.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a temporary file beside `path`, flush it to the disk, rename it to `path`; OutputError if that fails.

    A device or a pipe, such as /dev/stdout, is written into and stays.
    """
    check_file_name(path)
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    temporary = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    try:
        if _is_device(path):
            path.write_bytes(data)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync(path.parent)
    except OSError as problem:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise _cannot_write(path, problem, len(data)) from problem


def check_file_name(path: Path) -> None:
    """Raise OutputError if no file can have this path: for what takes long before it writes."""
    if not path.name:
        raise OutputError(f"cannot write {printable(path)}: it names no file: give a name for the file")
    if path.is_dir():
        raise OutputError(f"cannot write {printable(path)}: it is a folder: give a name for the file")


def write_folder_atomically(folder: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary folder, then rename it to `folder`; an older one is replaced as a whole.

    No system call swaps two folders on every platform, so for a moment only the older one exists, under another name;
    `restore_folder` renames it back if the process was killed at that moment.
    """
    restore_folder(folder)
    old = _previous(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))
        try:
            temporary.chmod(0o777 & ~_umask())
            write(temporary)
            for path in temporary.iterdir():
                _sync(path)
            if folder.exists():
                folder.replace(old)
            temporary.replace(folder)
            _sync(folder.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as problem:
        restore_folder(folder)
        raise _cannot_write(folder, problem) from problem
    shutil.rmtree(old, ignore_errors=True)


def restore_folder(folder: Path) -> None:
    """Undo a replacement of `folder` that was interrupted after the old one was renamed."""
    if not folder.exists() and _previous(folder).exists():
        _previous(folder).replace(folder)


def _previous(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


def csv_text(rows: Iterable[Sequence[object]], safe: bool = False) -> str:
    """Return CSV text with Unix line ends for rows of any text, also with quotes, line breaks or carriage returns.

    With `safe`, no spreadsheet takes a name for a formula; numbers stay as they are.
    """
    text = io.StringIO()
    table = [[str(spreadsheet_safe(cell) if safe else cell) for cell in row] for row in rows]
    # Python's writer does not quote a lone carriage return, but readers take it for the end of a line.
    lone = any("\r" in cell for row in table for cell in row)
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL if lone else csv.QUOTE_MINIMAL).writerows(table)
    return text.getvalue()


def spreadsheet_safe(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula: a quote comes before what begins as one."""
    is_formula = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{cell}" if is_formula and not _is_number(str(cell)) else cell


def _is_number(text: str) -> bool:
    try:
        return text.isascii() and math.isfinite(float(text))
    except ValueError:
        return False


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files and folders that a killed process left directly in `folder`."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()


def folder_name(network: str) -> str:
    """Return the name of a network, such as `timm:resnet18`, as a part of a name that a folder can have everywhere."""
    return network.replace(":", "-").replace("/", "-")


def check_folder_name(name: str | None) -> None:
    """Raise UsageError unless a name that was given is that of one folder, without a path."""
    if name is not None and (name in ("", ".", "..") or Path(name).name != name):
        raise UsageError(
            f"--name must be a plain folder name, not {printable(repr(name))}: --output says where the folder is made"
        )


def free_folder(parent: Path, name: str) -> Path:
    """Create and return `parent/name`, or `name-2`, `name-3` ... if that exists. Two processes never get the same."""
    for number in range(1, 100_000):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        except FileExistsError:
            if parent.is_dir():
                continue
            raise OutputError(f"{printable(parent)} is a file: give another --output") from None
        except OSError as problem:
            raise _cannot_write(folder, problem) from problem
        return folder
    raise OutputError(f"{printable(parent / name)}: a hundred thousand of them exist: choose another --name")


def _cannot_write(path: Path, problem: OSError, size: int | None = None) -> OutputError:
    is_full = problem.errno in FULL
    need = f" ({max(size / 1e6, 0.001):,.3f} MB needed)" if is_full and size is not None else ""
    advice = "free some space or choose another folder" if is_full else "choose a folder that you may write to"
    return OutputError(f"cannot write {printable(path)}: {problem.strerror or problem}{need}: {advice}")


def _sync(path: Path) -> None:
    # A rename must reach the disk as well; not every system can open a folder for that.
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _is_device(path: Path) -> bool:
    """Return whether a file of this name must not take the place of what is there, also behind /dev/stdout."""
    kept = path.exists() and not path.is_file() and not path.is_dir()
    return kept or (path.exists() and path.parent in map(Path, ("/dev", "/dev/fd", "/proc/self/fd")))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
