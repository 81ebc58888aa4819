"""Files that lie elsewhere (`s3://`, `gs://`, `https://`, `memory://` ...), whole or in parts, read through fsspec.

Nothing is copied to the disk. What a tar shard holds comes from the index that `convscope shard` writes, or else from
reading the shard through once.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from ...errors import DataError, printable
from ..image_file import MAX_BYTES, UnreadableImage
from .archive import MAX_MEMBERS, Member, check_member_size
from .folder import File, has_image_suffix
from .tar_archive import DAMAGED, reason_to_refuse

SCHEME = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
TRIES, FIRST_PAUSE = 4, 0.5
BLOCK = 1 << 23


def is_remote(source: str) -> bool:
    """Whether this is the address of data elsewhere, such as s3://bucket/folder."""
    return bool(SCHEME.match(source))


@dataclass(frozen=True)
class RemoteFile(Member):
    """A file elsewhere, of `size` bytes: `archive` is the address of the folder that `path` begins at."""

    size: int

    @property
    def address(self) -> str:
        """The address of the file itself."""
        return f"{self.archive}/{self.path}"

    def _read(self, limit: int, check: Callable[[BinaryIO], None] | None = None) -> bytes:
        check_member_size(self.size, limit)
        return _checked(read_part(self.address), self.size, check)

    def fingerprint(self) -> str:
        """Return a key made of the address and of the state that the place tells of the file."""
        return f"{self.address}:{self.state}"

    def members(self, index: File | None) -> dict[str, Member]:
        """Return the files in this tar shard by path, with the content of those that are no images.

        By its `index` if there is one; DataError if the shard or the index is damaged.
        """
        shown = printable(self.address)
        try:
            found = _indexed(index, self.size) if isinstance(index, Member) else _read_through(self)
            return {
                path: RemotePart(self.address, path, self.state, path, offset, size, content)
                for path, offset, size, content in found
            }
        except UnreadableImage as problem:
            raise DataError(f"{shown}: {problem}") from problem
        except (*DAMAGED, TypeError, KeyError) as problem:
            raise DataError(f"{shown}: not a tar that can be read ({reason(problem)}): create it again") from problem


@dataclass(frozen=True)
class RemotePart(Member):
    """A file in a tar shard elsewhere: `archive` is the shard's address; `content` is what was read already."""

    offset: int
    size: int
    content: bytes | None = None

    def _read(self, limit: int, check: Callable[[BinaryIO], None] | None = None) -> bytes:
        check_member_size(self.size, limit)
        if self.content is not None:
            return self.content
        return _checked(read_part(self.archive, self.offset, self.offset + self.size), self.size, check)

    def fingerprint(self) -> str:
        """Return a key made of the state of the shard, and of the file's place in it."""
        return f"{self.archive}:{self.state}:{self.offset}:{self.size}:{self.name}"


def _checked(content: bytes, size: int, check: Callable[[BinaryIO], None] | None) -> bytes:
    if len(content) != size:
        raise UnreadableImage("the file ends before it")
    if check is not None:
        check(io.BytesIO(content))
    return content


Listed = Iterator[tuple[str, int, int, bytes | None]]


def _indexed(index: Member, size: int) -> Listed:
    content = json.loads(index.read_up_to(MAX_BYTES))
    if content["bytes"] != size:
        raise UnreadableImage(f"{size:,} bytes instead of {content['bytes']:,}: copy it again")
    for name, offset, length, label in content["images"]:
        if not (isinstance(name, str) and int(offset) >= 0 and int(offset) + int(length) <= size):
            raise ValueError("its index names a place outside")
        yield name, int(offset), int(length), None
        text = json.dumps({"labels" if isinstance(label, list) else "label": label}).encode()
        yield f"{name.partition('.')[0]}.json", 0, len(text), text


def _read_through(shard: RemoteFile) -> Listed:
    files, path = file_system(shard.address)
    with files.open(path, "rb", block_size=BLOCK) as file:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for number, info in enumerate(archive):
                if number >= MAX_MEMBERS or (why := reason_to_refuse(info)):
                    raise DataError(f"{printable(shard.address)}: {why or 'too many files'}: the tar is not used")
                if info.isreg():
                    part = archive.extractfile(info)
                    small = None if has_image_suffix(info.name) or part is None else part.read(1 << 20)
                    if small is None or len(small) == info.size:
                        yield info.name.removeprefix("./"), info.offset_data, info.size, small
        file.seek(archive.offset)
        if not (end := file.read(tarfile.BLOCKSIZE)) or end.strip(b"\0"):  # tarfile takes either for the end
            raise UnreadableImage("has no end mark: it was cut or damaged; copy it again")


def read_part(address: str, start: int | None = None, end: int | None = None) -> bytes:
    """Return a file's content, or some bytes of it; UnreadableImage if the place does not give them."""
    files, path = file_system(address)
    try:
        return bytes(patiently(lambda: files.cat_file(path, start, end)))
    except OSError as problem:
        raise UnreadableImage(f"cannot be read from there ({reason(problem)})") from problem


def patiently(read: Callable[[], Any]) -> Any:
    """Return what `read` returns; where the network fails, try again a few times, a while later each time."""
    for attempt in range(TRIES):
        try:
            return read()
        except FileNotFoundError:
            raise
        except Exception as problem:  # each kind of file system raises errors of its own
            if attempt == TRIES - 1 or isinstance(problem, ImportError | PermissionError):
                raise problem if isinstance(problem, OSError | ImportError) else OSError(reason(problem)) from problem
            time.sleep(FIRST_PAUSE * 2**attempt)
    raise AssertionError


def file_system(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it.

    fsspec itself makes a new file system in a process that was forked.
    """
    from fsspec.core import url_to_fs

    files, path = url_to_fs(address)
    return files, str(path)


def reason(problem: BaseException) -> str:
    """Return the reason of an error in few words."""
    return printable(" ".join(str(problem).split()) or type(problem).__name__)[:150]
