"""Read images inside a zip file: nothing is unpacked to disk, and nothing in the zip is trusted."""

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
from ..image_file import LARGE, MAX_BYTES, EmbeddedImage, UnreadableImage, check_header, fingerprint
from .text_encoding import decode_names

MAX_MEMBERS, MAX_DEPTH = 5_000_000, 100
# A small file compressed more than this may be a blank picture; a large one is a zip bomb.
MAX_RATIO = 100
# Those that all writers use: images are stored or deflated.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
UTF8_FLAG = 0x800
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Member(EmbeddedImage):
    """One file in a zip: its `name` as the zip has it, and its `path` decoded, with forward slashes.

    `state` is the fingerprint of the zip at the time when it was listed.
    """

    archive: str
    name: str
    crc: int
    state: str
    path: str = ""

    def read(self) -> bytes:
        """Return the content; UnreadableImage if it is no image within the limits, damaged, or the zip has changed."""
        return self._read(MAX_BYTES, check_header)

    def read_up_to(self, limit: int) -> bytes:
        """Return the content of a file of any kind; UnreadableImage if it has more than `limit` bytes."""
        return self._read(limit)

    def _read(self, limit: int, check: Callable[[BinaryIO], None] | None = None) -> bytes:
        if fingerprint(self.archive) != self.state:
            raise UnreadableImage("the zip was changed while it was in use")
        try:
            opened = _opened(self.archive, self.state, os.getpid())
            size = opened.getinfo(self.name).file_size
            if size == 0:
                raise UnreadableImage("empty file")
            if size > limit:
                raise UnreadableImage(f"file of {size / 1e6:,.0f} MB, over the limit of {limit / 1e6:,.0f} MB")
            with opened.open(self.name) as file:
                if check is not None and size > LARGE:
                    check(file)  # type: ignore[arg-type]
                return file.read()
        except (OSError, KeyError, *DAMAGED) as problem:
            raise UnreadableImage(f"damaged in the zip ({printable(problem)})") from problem

    def fingerprint(self) -> str:
        """Return a key made of the zip's fingerprint, the name, and the checksum that the zip has of the content."""
        return f"{self.state}:{self.crc:08x}:{self.name}"

    def __str__(self) -> str:
        return f"{self.archive}/{self.path or self.name}"


# Keyed by the process too: a forked process would share the position in the open file, so each opens the zip itself.
@lru_cache(maxsize=4)
def _opened(archive: str, state: str, process: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)


def list_archive(path: Path, encoding: str = "auto") -> tuple[dict[str, Member], list[str]]:
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
    folders, members = [], {}
    for info, name in zip(infos, paths, strict=True):
        if info.is_dir() or name.endswith("/"):
            folders.append(name.rstrip("/"))
        else:
            members[name] = Member(os.fspath(path), info.filename, info.CRC, state, name)
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
        for i, name in zip(legacy, decode_names(raw, f"{where}: the names in it", encoding), strict=True):
            paths[i] = name
    return [name.replace("\\", "/") for name in paths]


def _reasons_to_refuse(path: Path, infos: list[zipfile.ZipInfo]) -> Iterator[str]:
    if len(infos) > MAX_MEMBERS:
        yield f"{len(infos):,} files in a zip, over the limit of {MAX_MEMBERS:,}"
    seen = set()
    for info in infos:
        name = printable(info.filename)
        parts = info.filename.replace("\\", "/").split("/")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if ".." in parts or parts[0] == "" or parts[0].endswith(":"):
            yield f"'{name}' is a path that leads out of the zip"
        if len(parts) > MAX_DEPTH:
            yield f"'{name[:60]}...' lies more than {MAX_DEPTH} folders deep"
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
