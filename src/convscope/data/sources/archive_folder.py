"""The folders of a data set whose files were listed at once: in a zip or tar, or elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from .archive import Member
from .folder import File, Folder, has_image_suffix, join_path
from .left_out import is_ignored
from .tar_archive import TAR_SUFFIXES, list_tar
from .zip_archive import list_zip

ARCHIVE_SUFFIXES = (".zip", *TAR_SUFFIXES)
# Archives that Python cannot read, or not without writing out all of it for each image.
OTHER_ARCHIVES = (".rar", ".7z", ".gz", ".bz2", ".xz", ".txz", ".zst", ".tzst", ".lzma")


class ArchiveFolder(Folder):
    """A folder in a zip or tar file, or one that lies elsewhere."""

    def __init__(self, path: str = ""):
        self.path, self.name = path, path.rpartition("/")[2]
        self.inner: dict[str, ArchiveFolder] = {}
        self.own: dict[str, File] = {}

    def folders(self) -> list[Folder]:
        """See `Folder`."""
        return [self.inner[name] for name in sorted(self.inner)]

    def files(self) -> dict[str, File]:
        """See `Folder`."""
        return {name: self.own[name] for name in sorted(self.own)}

    def images(self) -> list[tuple[str, File]]:
        """See `Folder`."""
        images: list[tuple[str, File]] = []
        stack = [self]
        while stack:
            folder = stack.pop()
            images += [
                (join_path(folder.path, name), item) for name, item in folder.files().items() if has_image_suffix(name)
            ]
            stack += reversed([folder.inner[name] for name in sorted(folder.inner, key=os.fsencode)])
        return images

    def has_images(self) -> bool:
        """See `Folder`."""
        return any(map(has_image_suffix, self.own)) or any(inner.has_images() for inner in self.inner.values())

    def find(self, path: str) -> File | None:
        """See `Folder`; never outside the root."""
        *steps, name = [step for step in path.replace("\\", "/").split("/") if step not in ("", ".")] or [""]
        folder: ArchiveFolder | None = self
        for step in steps:
            folder = folder.inner.get(step) if folder else None
        return folder.own.get(name) if folder else None

    def create(self, path: str) -> ArchiveFolder | None:
        """Return the folder at a path, created if it is new; None if the path leads through an ignored folder."""
        folder = self
        for step in path.split("/"):
            if step in ("", "."):
                continue
            if is_ignored(step):
                return None
            folder = folder.inner.setdefault(step, ArchiveFolder(join_path(folder.path, step)))
        return folder


def is_archive_name(name: str) -> bool:
    """Whether a name ends as that of an archive that can be read."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def open_archive(path: Path, encoding: str = "auto") -> ArchiveFolder:
    """Return the root folder of an archive; DataError for a damaged or hostile one."""
    members, folders = (list_zip if path.suffix.lower() == ".zip" else list_tar)(path, encoding)
    return folder_of(members, folders)


def folder_of(members: Mapping[str, Member], folders: Iterable[str] = ()) -> ArchiveFolder:
    """Return the root folder of files that are known by their paths, and of empty `folders`."""
    root = ArchiveFolder()
    for name in folders:
        root.create(name)
    for full, member in members.items():
        above, _, name = full.rpartition("/")
        if not is_ignored(name) and (folder := root.create(above)) is not None:
            folder.own[name] = member
    return root
