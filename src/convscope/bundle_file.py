"""Read the parts of a bundle, a folder or a zip that may come from anybody: nothing is unpacked, nothing is trusted."""

from __future__ import annotations

import json
import lzma
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from .errors import ModelFileError, printable

# What a damaged or hostile zip raises when it is read.
DAMAGED = (
    OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError, ValueError,
    IndexError, struct.error, OverflowError,
)  # fmt: skip
MAX_CONFIG_BYTES = 16_000_000
ENCRYPTED = 1  # a bit of a zip's flags


def tensor_shapes(bundle: Path, weights: str) -> list[list[int]]:
    """Return the shapes of the tensors in a safetensors file from its header; ModelFileError if that is no header."""
    where = f"{printable(bundle)}: {weights}"
    head = read_beginning(bundle, weights, 8)
    size = int.from_bytes(head, "little")
    if len(head) < 8 or size > MAX_CONFIG_BYTES:
        raise ModelFileError(f"{where} is damaged or no safetensors file (its header has {size:,} bytes)")
    try:
        header = json.loads(read_beginning(bundle, weights, 8 + size)[8:])
        return [[int(length) for length in entry["shape"]] for key, entry in header.items() if key != "__metadata__"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as problem:
        raise ModelFileError(f"{where} is damaged or no safetensors file ({printable(problem)[:100]})") from problem


def read_part(bundle: Path, name: str, limit: int) -> bytes:
    """Return a part of a bundle; ModelFileError if it is missing, unreadable or longer than `limit` bytes."""
    content = read_beginning(bundle, name, limit + 1)
    if len(content) > limit:
        raise ModelFileError(
            f"{printable(bundle)}: {name} has more than {limit:,} bytes, far more than this network needs"
        )
    return content


def read_beginning(bundle: Path, name: str, most: int) -> bytes:
    """Return the first `most` bytes of a part of a bundle; ModelFileError if it is missing or unreadable."""
    shown = printable(bundle)
    try:
        if bundle.is_dir():
            path = bundle / name
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise ModelFileError(f"{shown}: {name} is a link or no regular file: not opened")
            with path.open("rb") as plain:
                return plain.read(most)
        with zipfile.ZipFile(bundle) as archive, archive.open(_member(archive, name, shown)) as packed:
            return packed.read(most)
    except (FileNotFoundError, KeyError) as problem:
        raise ModelFileError(f"{shown}: {name} is missing: the bundle is incomplete") from problem
    except DAMAGED as problem:
        raise ModelFileError(f"{shown}: {name} cannot be read ({printable(problem)[:100]})") from problem


def _member(archive: zipfile.ZipFile, name: str, shown: str) -> zipfile.ZipInfo:
    found = []
    for info in archive.infolist():
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if (
            path.is_absolute()
            or ".." in path.parts
            or ":" in "".join(path.parts[:1])
            or stat.S_ISLNK(info.external_attr >> 16)
        ):
            raise ModelFileError(
                f"{shown}: '{printable(info.filename)}' is a link or leads out of the bundle: not opened"
            )
        # The parts lie at the top of the zip, or in its only folder if a folder was packed.
        if path.name == name and len(path.parts) <= 2:
            found.append(info)
    if not found:
        raise KeyError(name)
    top = min(len(PurePosixPath(info.filename).parts) for info in found)
    one, *others = [info for info in found if len(PurePosixPath(info.filename).parts) == top]
    if others:
        raise ModelFileError(f"{shown}: the zip has {name} {len(others) + 1} times: pack one bundle alone")
    if one.flag_bits & ENCRYPTED:
        raise ModelFileError(f"{shown}: {name} is encrypted: unpack the zip and give the folder")
    return one
