"""Read files inside a tar, also a compressed one: nothing is unpacked into a folder, and nothing in it is trusted.

A plain tar is read in place. One that is compressed as a whole cannot be read at positions: it is decompressed once,
into a temporary file without a name.
"""

from __future__ import annotations

import bz2
import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import DataError, printable
from ...problems import warn
from ..image_file import LARGE, UnreadableImage, fingerprint
from .archive import MAX_MEMBERS, MAX_RATIO, Member, check_member_size, reason_to_refuse_name
from .spool import Positions, Spool, opened_once
from .text_encoding import decode_names

# By the first bytes, since names do not always tell.
OPENERS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open}
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tbz2")
DAMAGED = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError)
COPIED_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class TarMember(Member):
    """One file in a tar: where its content begins, its size, and when it was changed."""

    offset: int
    size: int
    changed: float

    def _read(self, limit: int, check: Callable[[BinaryIO], None] | None = None) -> bytes:
        if fingerprint(self.archive) != self.state:
            raise UnreadableImage("the tar was changed while it was in use")
        check_member_size(self.size, limit)
        try:
            positions = _open(self.archive, self.state)
            if check is not None and self.size > LARGE:
                check(io.BytesIO(positions.read(self.offset, LARGE)))
            content = positions.read(self.offset, self.size)
        except DataError as problem:
            raise UnreadableImage(str(problem)) from problem
        except DAMAGED as problem:
            raise UnreadableImage(f"damaged in the tar ({printable(problem)})") from problem
        if len(content) != self.size:
            raise UnreadableImage("the tar ends before it")
        return content

    def fingerprint(self) -> str:
        """Return a key made of the tar's fingerprint, and of name and place in it."""
        return f"{self.state}:{self.offset}:{self.size}:{self.changed}:{self.name}"


def list_tar(path: Path, encoding: str = "auto") -> tuple[dict[str, Member], list[str]]:
    """Return the files of a tar by path, and the paths of its folders; DataError for a damaged or hostile one.

    Names that are not UTF-8 are decoded by `encoding`; with "auto" it is found out. The whole tar is refused for names
    that lead out of it, links and other special files, two files of one name, and content that unpacks to far more
    than images can.
    """
    shown = printable(path)
    try:
        state = fingerprint(path)
        infos = _entries(_open(os.fspath(path), state), shown)
    except UnreadableImage as problem:
        raise DataError(f"{shown}: {problem}") from problem
    except DAMAGED as problem:
        raise DataError(f"{shown}: not a tar that can be read ({printable(problem)}): create it again") from problem
    folders: list[str] = []
    members: dict[str, Member] = {}
    for info, name in zip(infos, _decoded_names(infos, shown, encoding), strict=True):
        if info.isdir():
            folders.append(name.strip("/"))
            continue
        if name in members:
            raise DataError(f"{shown}: two files are called '{printable(name)}': the tar is not used")
        place = (info.offset_data, info.size, float(info.mtime))
        members[name] = TarMember(os.fspath(path), info.name, state, name, *place)
    return members, folders


def _entries(positions: Positions, shown: str) -> list[tarfile.TarInfo]:
    """Return the entries of a tar; DataError if one is hostile."""
    file, infos = _Reader(positions), []
    # Bytes that are not UTF-8 become surrogates, which `os.fsencode` turns into the same bytes again.
    with tarfile.open(fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape") as archive:
        while (info := archive.next()) is not None:
            if reason := reason_to_refuse(info):
                raise DataError(f"{shown}: {reason}: the tar is not used")
            infos.append(info)
            if len(infos) > MAX_MEMBERS:
                raise DataError(f"{shown}: more than {MAX_MEMBERS:,} files in a tar: the tar is not used")
        end = positions.read(archive.offset, tarfile.BLOCKSIZE)
    if end.strip(b"\0"):  # Python's reader takes a damaged entry for the end
        raise tarfile.ReadError(f"damaged after {len(infos):,} files")
    if not end:
        warn("cut-archive", shown, f"ends without a tar's end mark after {len(infos):,} files; it may have been cut")
    return infos


def reason_to_refuse(info: tarfile.TarInfo) -> str | None:
    """Return why a tar with this entry is not used; None if the entry is harmless."""
    if info.issparse() or not (info.isreg() or info.isdir()):
        return f"'{printable(info.name)}' is a link or a special file"
    name = info.name.removeprefix("./")
    return None if name in ("", ".") and info.isdir() else reason_to_refuse_name(name, "tar")


def _decoded_names(infos: list[tarfile.TarInfo], shown: str, encoding: str) -> list[str]:
    """Return the paths of all entries, without `./` before them; DataError if their encoding is in doubt."""
    names = [info.name for info in infos]
    # Names in pax headers are UTF-8; all others are in the encoding of one system.
    legacy = [i for i, info in enumerate(infos) if not info.name.isascii() and "path" not in info.pax_headers]
    raw = [names[i].encode("utf-8", "surrogateescape") for i in legacy]
    for i, name in zip(legacy, decode_names(raw, f"{shown}: the names in it", encoding), strict=True):
        names[i] = name
    return [name.removeprefix("./") for name in names]


def _open(archive: str, state: str) -> Positions:
    """Return the content of a tar, decompressed if it is compressed."""
    return opened_once((archive, state), partial(_opened, Path(archive)))


def _opened(path: Path) -> Positions:
    plain = Positions.of(path)
    first = plain.read(0, 3)
    opener = next((opener for start, opener in OPENERS.items() if first.startswith(start)), None)
    return plain if opener is None else _decompressed(path, opener)


def _decompressed(path: Path, opener: Callable[..., Any]) -> Spool:
    spool, most = Spool(), max(MAX_RATIO * path.stat().st_size, LARGE)
    with opener(path) as file:
        while part := file.read(COPIED_AT_ONCE):
            if spool.size + len(part) > most:
                raise DataError(f"{printable(path)}: unpacks to more than {MAX_RATIO} times its size, a bomb")
            spool.append(part, printable(path))
    spool.finish(printable(path))
    return spool


class _Reader(io.RawIOBase):
    """Reads `Positions` one part after the other, as `tarfile` needs it."""

    def __init__(self, positions: Positions):
        super().__init__()
        self.positions, self.at = positions, 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, of which there are fewer at the end."""
        content = self.positions.read(self.at, max(size, 0))
        self.at += len(content)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position from the beginning."""
        self.at = offset
        return offset

    def tell(self) -> int:
        """Return the position."""
        return self.at
