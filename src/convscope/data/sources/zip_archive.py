"""Read files inside a zip: nothing is unpacked to disk, and nothing in the zip is trusted."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from ...errors import DataError, printable
from ..image_file import LARGE, UnreadableImage, fingerprint
from .archive import MAX_MEMBERS, MAX_RATIO, Member, check_member_size, reason_to_refuse_name
from .text_encoding import OF_ZIPS, decode_names

# Those that all writers use: images are stored or deflated.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
UTF8_FLAG = 0x800
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True)
class ZipMember(Member):
    """One file in a zip, with the checksum that the zip has of its content."""

    crc: int

    def _read(self, limit: int, check: Callable[[BinaryIO], None] | None = None) -> bytes:
        if fingerprint(self.archive) != self.state:
            raise UnreadableImage("the zip was changed while it was in use")
        try:
            opened = _opened(self.archive, self.state, os.getpid())
            size = opened.getinfo(self.name).file_size
            check_member_size(size, limit)
            with opened.open(self.name) as file:
                if check is not None and size > LARGE:
                    check(file)  # type: ignore[arg-type]
                return file.read()
        except (OSError, KeyError, *DAMAGED) as problem:
            raise UnreadableImage(f"damaged in the zip ({printable(problem)})") from problem

    def fingerprint(self) -> str:
        """Return a key made of the zip's fingerprint, the name, and the checksum that the zip has of the content."""
        return f"{self.state}:{self.crc:08x}:{self.name}"


# Keyed by the process too: a forked process would share the position in the open file, so each opens the zip itself.
@lru_cache(maxsize=4)
def _opened(archive: str, state: str, process: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)


def list_zip(path: Path, encoding: str = "auto") -> tuple[dict[str, Member], list[str]]:
    """Return the files of a zip by path, and the paths of its folders; DataError for a damaged or hostile zip.

    Names without the zip's mark for UTF-8 are decoded by `encoding`; with "auto" it is found out.

    The whole zip is refused for names that lead out of it, links and other special files, passwords, two files of one
    name, files that share their bytes, and a file that would unpack to far more than an image can be.
    """
    try:
        state = fingerprint(path)
        infos = _opened(os.fspath(path), state, os.getpid()).infolist()
    except UnreadableImage as problem:
        raise DataError(f"{printable(path)}: {problem}") from problem
    except (OSError, *DAMAGED) as problem:
        raise DataError(
            f"{printable(path)}: not a zip that can be read ({printable(problem)}): create it again"
        ) from problem
    if reason := next(_reasons_to_refuse(path, infos), None):
        raise DataError(f"{printable(path)}: {reason}: the zip is not used")
    paths = _decoded_paths(infos, printable(path), encoding)
    folders: list[str] = []
    members: dict[str, Member] = {}
    for info, name in zip(infos, paths, strict=True):
        if info.is_dir() or name.endswith("/"):
            folders.append(name.rstrip("/"))
        else:
            members[name] = ZipMember(os.fspath(path), info.filename, state, name, info.CRC)
    return members, folders


def _decoded_paths(infos: list[zipfile.ZipInfo], where: str, encoding: str) -> list[str]:
    """Return the paths of all entries with forward slashes; DataError if their encoding is in doubt.

    The zip's own characters are code page 437 where UTF-8 is not marked, which is what zipfile takes them for; most
    writers mean the encoding of their system instead. A backslash is a separator only once it is decoded: in Big5 and
    Shift-JIS its byte is the second half of some characters.
    """
    legacy = [i for i, info in enumerate(infos) if not info.flag_bits & UTF8_FLAG and not info.orig_filename.isascii()]
    paths = [info.orig_filename for info in infos]
    if legacy:
        raw = [infos[i].orig_filename.encode("cp437") for i in legacy]
        for i, name in zip(
            legacy, decode_names(raw, f"{where}: the names in it", encoding, tuple(OF_ZIPS)), strict=True
        ):
            paths[i] = name
    return [name.replace("\\", "/") for name in paths]


def _reasons_to_refuse(path: Path, infos: list[zipfile.ZipInfo]) -> Iterator[str]:
    if len(infos) > MAX_MEMBERS:
        yield f"{len(infos):,} files in a zip, over the limit of {MAX_MEMBERS:,}"
    seen = set()
    for info in infos:
        name = printable(info.filename)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if reason := reason_to_refuse_name(info.filename, "zip"):
            yield reason
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            yield f"'{name}' is a link or a special file"
        if info.flag_bits & 1:
            yield f"'{name}' is protected by a password"
        if info.compress_type not in METHODS:
            yield f"'{name}' is compressed by a method that is not supported ({info.compress_type})"
        if info.file_size > LARGE and info.file_size > MAX_RATIO * info.compress_size:
            yield f"'{name}' is {info.file_size:,} bytes compressed into {info.compress_size:,}, a zip bomb"
        if info.filename in seen:
            yield f"two files are called '{name}'"
        seen.add(info.filename)
    if sum(info.compress_size for info in infos) > path.stat().st_size:
        yield "files in it share their bytes, a zip bomb"
