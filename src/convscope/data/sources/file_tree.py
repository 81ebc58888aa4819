"""The folders of a data set on disk: their files in a fixed order, each visited once, nothing written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ...errors import DataError, printable
from ...problems import warn
from .archive_folder import open_archive
from .folder import File, Folder, has_image_suffix, join_path
from .left_out import is_environment, is_ignored, is_own_output


def open_folder(path: Path, encoding: str = "auto") -> Folder:
    """Return the root folder of the data set in a folder or an archive; `encoding` is that of names in the archive."""
    return DiskFolder(LinkTargets(path), path, "") if os.path.isdir(path) else open_archive(path, encoding)  # noqa: PTH112


def image_files(root: Path) -> list[Path]:
    """Return every file with an image suffix below a folder, each once, in a fixed order.

    Links are followed, except to what is below `root` anyway, so that a loop of links ends.
    """
    return [item for _, item in open_folder(root).images() if isinstance(item, Path)]


class LinkTargets:
    """Tells whether the links of a data set on disk stay within its root; `outside` counts those that do not."""

    def __init__(self, root: Path):
        self.root = os.path.realpath(root)
        self._outside: set[str] = set()

    @property
    def outside(self) -> int:
        """The number of links asked about that lead out of the data set."""
        return len(self._outside)

    def is_inside(self, path: Path) -> bool:
        """Whether a link leads to somewhere within the data set; if it does not, count it."""
        inside = _is_within(os.path.realpath(path), self.root)
        if not inside:
            self._outside.add(os.fspath(path))
        return inside


class DiskFolder(Folder):
    """A folder on disk. It is listed once, when it is first needed, and its files are not examined one by one."""

    def __init__(self, links: LinkTargets, location: Path, path: str, link: bool = False):
        self.links, self.location, self.path, self.link = links, location, path, link
        self.name = path.rpartition("/")[2]
        self._folders: list[Folder] | None = None
        self._images: list[tuple[str, File]] | None = None
        self._entries: list[tuple[str, bool, bool]] | None = None
        if link:
            links.is_inside(location)

    def folders(self) -> list[Folder]:
        """Return the folders in it, without links to a folder that contains it."""
        if self._folders is None:
            entries = [(name, link) for name, is_folder, link in self._listing() if is_folder]
            self._folders = [
                self._child(name, link) for name, link in entries if not (link and _leads_up(self.location / name))
            ]
        return self._folders

    def files(self) -> dict[str, File]:
        """See `Folder`."""
        return {name: self.location / name for name, is_folder, _ in self._listing() if not is_folder}

    def images(self) -> list[tuple[str, File]]:
        """See `Folder`. A link to a file that is listed itself is left out; a broken link is kept, to be reported."""
        if self._images is not None:
            return self._images
        walked = list(self._walk())
        any_link = any(link for *_, link in walked)
        seen = {_identity(path) for _, path, link in walked if not link} if any_link else set()
        kept: list[tuple[str, File]] = []
        for name, path, link in walked:
            if link and (key := _identity(path)) is not None:
                if key in seen:
                    continue
                seen.add(key)
                self.links.is_inside(path)
            kept.append((name, path))
        self._images = kept
        return kept

    def has_images(self) -> bool:
        """See `Folder`."""
        return bool(self._images) if self._images is not None else next(self._walk(), None) is not None

    def find(self, path: str) -> File | None:
        """See `Folder`; the path may lead anywhere on the disk."""
        location = self.location / path
        return location if os.path.lexists(location) and not os.path.isdir(location) else None  # noqa: PTH112

    def _walk(self) -> Iterator[tuple[str, Path, bool]]:
        """Yield for every image below: path from the root, path on disk, and whether it is a link."""
        entered = {_identity(self.location)}
        stack: list[Iterator[tuple[DiskFolder, str, bool, bool]]] = [self._steps()]
        while stack:
            for folder, name, is_folder, link in stack[-1]:
                if not is_folder:
                    if has_image_suffix(name):
                        yield join_path(folder.path, name), folder.location / name, link
                    continue
                if link and not folder._may_enter(name):
                    continue
                inner = folder._child(name, link=False)
                if (key := _identity(inner.location)) not in entered:
                    entered.add(key)
                    stack.append(inner._steps())
                    break
            else:
                stack.pop()

    def _steps(self) -> Iterator[tuple[DiskFolder, str, bool, bool]]:
        return ((self, *entry) for entry in self._listing())

    def _may_enter(self, name: str) -> bool:
        location = self.location / name
        if _leads_up(location):
            return False
        if self.links.is_inside(location):
            warn("link", location, "link to a folder of the same data set, not followed")
            return False
        return True

    def _child(self, name: str, link: bool) -> DiskFolder:
        return DiskFolder(self.links, self.location / name, join_path(self.path, name), link)

    def _listing(self) -> list[tuple[str, bool, bool]]:
        """Return names, sorted, with whether each is a folder (or a link to one) and whether it is a link."""
        if self._entries is None:
            try:
                # The folder's own entries say what is a folder and what a link: only links cost a system call each.
                with os.scandir(self.location) as entries:
                    listing = [(e.name, _is_folder(e), e.is_symlink()) for e in entries if not is_ignored(e.name)]
            except OSError as problem:
                raise DataError(f"{printable(self.location)}: cannot be listed ({problem.strerror})") from problem
            listing = [entry for entry in listing if not (entry[1] and is_environment(self.location / entry[0]))]
            kept = [entry for entry in listing if not (entry[1] and is_own_output(self.location / entry[0]))]
            for name in sorted({entry[0] for entry in listing} - {entry[0] for entry in kept}):
                warn("own-output", self.location / name, "output of convscope, left out of the data set")
            self._entries = sorted(kept, key=lambda entry: os.fsencode(entry[0]))
        return self._entries


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that points at itself, or through a folder that may not be entered
        return False


def _leads_up(path: Path) -> bool:
    """Whether a link points at a folder that contains it: following it would never end."""
    return _is_within(os.path.realpath(path.parent), os.path.realpath(path))


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
