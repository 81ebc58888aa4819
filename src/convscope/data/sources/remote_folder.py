"""The folders of a data set elsewhere, listed once: class folders, tables and tar shards as on the disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ...errors import DataError, printable, require_extra
from ..image_file import MAX_BYTES, UnreadableImage
from .archive import MAX_MEMBERS, reason_to_refuse_name
from .archive_folder import ArchiveFolder, folder_of
from .remote import SCHEME, RemoteFile, file_system, patiently, reason

INDEX, SHARD_INDEX = "shards.json", ".index"
# What the file systems call that which changes when a file does.
MARKS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")


def open_remote(address: str) -> ArchiveFolder:
    """Return the root folder of the data set at an address; DataError says in one line why it cannot be read."""
    shown = printable(address)
    require_extra("remote", "fsspec", f"reading {printable(SCHEME.match(address)[0])} needs fsspec")  # type: ignore[index]
    try:
        return folder_of({file.path: file for file in _listed(address.rstrip("/"))})
    except FileNotFoundError as problem:
        raise DataError(f"{shown}: there is nothing there") from problem
    except (OSError, ImportError, ValueError) as problem:
        raise DataError(f"{shown}: cannot be read ({reason(problem)})") from problem


def _listed(address: str) -> Iterator[RemoteFile]:
    """Yield the files below an address: those that an index of shards names, else all that the place lists."""
    files, root = file_system(address)
    root = root.rstrip("/")
    if (found_index := _info(files, f"{root}/{INDEX}")) is not None:
        yield (index := _file(address, INDEX, found_index))
        for name in _names_in_index(index):
            if info := _info(files, f"{root}/{name}"):
                yield _file(address, name, info)
        return
    if address.lower().startswith(("http:", "https:")):
        raise DataError(
            f"{printable(address)}: no {INDEX} can be read there, and a web server does not list its folders: check "
            f"the address, or write tar shards and their {INDEX} with `convscope shard DATA --output FOLDER`"
        )
    found: dict[str, dict[str, Any]] = patiently(lambda: files.find(root, detail=True))
    if not found:
        raise FileNotFoundError(address)
    if len(found) > MAX_MEMBERS:
        raise DataError(f"{printable(address)}: more than {MAX_MEMBERS:,} files")
    for path, info in found.items():
        # On S3, a folder is often an empty object whose name ends with a slash.
        if info.get("type", "file") == "file" and not path.endswith("/"):
            yield _file(address, path.removeprefix(root).lstrip("/"), info)


def _names_in_index(index: RemoteFile) -> list[str]:
    try:
        names = [str(shard["name"]) for shard in json.loads(index.read_up_to(MAX_BYTES))["shards"]]
    except (UnreadableImage, ValueError, TypeError, KeyError) as problem:
        raise DataError(f"{printable(index.address)}: damaged: write the shards again") from problem
    return [*names, *(f"{name}{SHARD_INDEX}" for name in names)]


def _file(address: str, path: str, info: dict[str, Any]) -> RemoteFile:
    shown = f"{printable(address)}/{printable(path)}"
    size = info.get("size")
    if size is None:
        raise DataError(f"{shown}: the server does not tell its size, so that no part can be read")
    if why := reason_to_refuse_name(path, "folder"):
        raise DataError(f"{shown}: {why}")
    mark = next((info[key] for key in MARKS if info.get(key)), "")
    return RemoteFile(address, path, f"{size}:{mark}", path, int(size))


def _info(files: Any, path: str) -> dict[str, Any] | None:
    try:
        info: dict[str, Any] = patiently(lambda: files.info(path))
    except FileNotFoundError:
        return None
    return info
