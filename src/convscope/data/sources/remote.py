"""Tar shards that lie elsewhere (`s3://`, `gs://`, `https://`, `memory://` ...), read at positions through fsspec.

Nothing is copied to the disk. What each shard holds comes from the index that `convscope shard` writes, or else from
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
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from ...errors import DataError, printable, require_extra
from ..image_file import MAX_BYTES, UnreadableImage
from .archive import MAX_MEMBERS, Member, check_member_size
from .folder import File, Folder, has_image_suffix
from .tar_archive import DAMAGED, reason_to_refuse

INDEX, SHARD_INDEX = "shards.json", ".index"
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
TRIES, FIRST_PAUSE = 4, 0.5
BLOCK = 1 << 23


def is_remote(source: str) -> bool:
    """Whether this is the address of data elsewhere, such as s3://bucket/folder."""
    return bool(SCHEME.match(source))


@dataclass(frozen=True)
class RemoteMember(Member):
    """A file elsewhere, or a part of one: `archive` is its address; `content` is what was read already."""

    offset: int
    size: int
    content: bytes | None = None

    def _read(self, limit: int, check: Callable[[BinaryIO], None] | None = None) -> bytes:
        check_member_size(self.size, limit)
        if self.content is not None:
            return self.content
        try:
            content = _patiently(lambda: _files(self.archive).cat_file(_path(self.archive), *self._range()))
        except OSError as problem:
            raise UnreadableImage(f"cannot be read from there ({reason(problem)})") from problem
        if len(content) != self.size:
            raise UnreadableImage("the file ends before it")
        if check is not None:
            check(io.BytesIO(content))
        return bytes(content)

    def _range(self) -> tuple[int, int]:
        return self.offset, self.offset + self.size

    def fingerprint(self) -> str:
        """Return a key made of the state of the file that it is a part of, and of its place in there."""
        return f"{self.archive}:{self.state}:{self.offset}:{self.size}:{self.name}"

    def members(self, index: File | None) -> dict[str, Member]:
        """Return the files in this shard by path, with the content of those that are no images.

        By its `index` if there is one; DataError if the shard or the index is damaged.
        """
        shown = printable(self.archive)
        try:
            found = _indexed(index, self.size) if isinstance(index, Member) else _read_through(self)
            return {
                path: RemoteMember(self.archive, path, self.state, path, offset, size, content)
                for path, offset, size, content in found
            }
        except UnreadableImage as problem:
            raise DataError(f"{shown}: {problem}") from problem
        except (*DAMAGED, TypeError, KeyError) as problem:
            raise DataError(f"{shown}: not a tar that can be read ({reason(problem)}): create it again") from problem


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


def _read_through(shard: RemoteMember) -> Listed:
    with _files(shard.archive).open(_path(shard.archive), "rb", block_size=BLOCK) as file:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for number, info in enumerate(archive):
                if number >= MAX_MEMBERS or (why := reason_to_refuse(info)):
                    raise DataError(f"{printable(shard.archive)}: {why or 'too many files'}: the tar is not used")
                if info.isreg():
                    part = archive.extractfile(info)
                    small = None if has_image_suffix(info.name) or part is None else part.read(1 << 20)
                    if small is None or len(small) == info.size:
                        yield info.name.removeprefix("./"), info.offset_data, info.size, small
        file.seek(archive.offset)
        if not (end := file.read(tarfile.BLOCKSIZE)) or end.strip(b"\0"):  # tarfile takes either for the end
            raise UnreadableImage("has no end mark: it was cut or damaged; copy it again")


class RemoteFolder(Folder):
    """A folder elsewhere that holds shards; its index names them where the place itself cannot list files (HTTP)."""

    def __init__(self, address: str):
        self.address = address.rstrip("/")
        self.name, self.path = PurePosixPath(self.address).name, ""
        self._found = self._listed()

    def _listed(self) -> dict[str, File]:
        files, path = _files(self.address), _path(self.address)
        try:
            index = self._member(INDEX, _patiently(lambda: files.info(f"{path}/{INDEX}")))
            names = [str(shard["name"]) for shard in json.loads(index.read_up_to(MAX_BYTES))["shards"]]
            names += [f"{name}{SHARD_INDEX}" for name in names]
            known: dict[str, File] = {INDEX: index}
        except FileNotFoundError:
            listed = _patiently(lambda: files.ls(path, detail=True))
            return {
                name: self._member(name, info)
                for info in listed
                if info["type"] == "file" and (name := PurePosixPath(str(info["name"])).name)
            }
        except (ValueError, TypeError, KeyError) as problem:
            raise DataError(f"{printable(self.address)}/{INDEX}: damaged: write the shards anew") from problem
        for name in names:
            if info := _info(f"{self.address}/{name}"):
                known[name] = self._member(name, info)
        return known

    def _member(self, name: str, info: dict[str, Any]) -> RemoteMember:
        address = f"{self.address}/{name}"
        size = info.get("size")
        if size is None:
            raise DataError(f"{printable(address)}: the server does not tell its size, so that no part can be read")
        marks = (info.get(key) for key in ("ETag", "etag", "mtime", "LastModified", "last_modified", "created"))
        return RemoteMember(address, name, f"{size}:{next((m for m in marks if m), '')}", name, 0, int(size))

    def folders(self) -> list[Folder]:
        """Return nothing: shards lie side by side."""
        return []

    def files(self) -> dict[str, File]:
        """Return the files in it by name."""
        return self._found

    def images(self) -> list[tuple[str, File]]:
        """Return the image files in it."""
        return [(name, file) for name, file in self._found.items() if has_image_suffix(name)]

    def find(self, path: str) -> File | None:
        """Return the file of that name, or None."""
        return self._found.get(path)

    def has_images(self) -> bool:
        """Whether there are image files beside the shards."""
        return bool(self.images())


def open_remote(address: str) -> RemoteFolder:
    """Return the folder at an address; DataError says in one line why it cannot be read."""
    require_extra("remote", "fsspec", f"reading {printable(SCHEME.match(address)[0])} needs fsspec")  # type: ignore[index]
    try:
        return RemoteFolder(address)
    except (OSError, ImportError, ValueError) as problem:
        raise DataError(f"{printable(address)}: cannot be read ({reason(problem)})") from problem


def _info(address: str) -> dict[str, Any] | None:
    try:
        return _patiently(lambda: _files(address).info(_path(address)))
    except FileNotFoundError:
        return None


def _patiently(read: Callable[[], Any]) -> Any:
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


def _files(address: str) -> Any:
    """Return the file system of an address; fsspec itself makes a new one in a process that was forked."""
    from fsspec.core import url_to_fs

    return url_to_fs(address)[0]


def _path(address: str) -> str:
    from fsspec.core import url_to_fs

    return str(url_to_fs(address)[1])


def reason(problem: BaseException) -> str:
    """Return the reason of an error in few words."""
    return printable(" ".join(str(problem).split()) or type(problem).__name__)[:150]
