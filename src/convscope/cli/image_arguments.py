"""The images that a verb's arguments name: files, folders, patterns, standard input."""

from __future__ import annotations

import codecs
import glob
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import DataError, UsageError, printable

STDIN = "-"
# Files that hold many images.
DATA_SETS = (
    ".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".npz", ".npy", ".parquet", ".csv", ".7z", ".rar",
)  # fmt: skip


def find_images(arguments: Sequence[str]) -> Iterator[Path | bytes]:
    """Yield the paths, and from standard input the images, that the arguments name; DataError if one names nothing."""
    from ..data.sources.file_tree import image_files

    for argument in arguments:
        if not argument:  # a variable that is not set, which would be the folder one is in
            raise UsageError("an empty text is no image: name files, folders or patterns")
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
        elif Path(argument).is_file() and argument.lower().endswith(DATA_SETS):
            raise DataError(
                f"{printable(argument)} is no image: `convscope evaluate RUN DATA` measures a data set in one file; to "
                "predict its images, unpack it and give the folder"
            )
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
