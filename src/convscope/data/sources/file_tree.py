"""A folder of a data set, on disk or in a zip: what lies in it, in a fixed order, and nothing visited twice.

Nothing is opened here but folders, and nothing is ever written.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from ...errors import DataError, printable
from ...problems import warn
from ..image_file import IMAGE_SUFFIXES, Stored, read_file
from .archive import Member, list_archive

# A file of a data set, and an image of one: that may also be a row of a table.
File = Path | Member
Item = Path | Stored
IGNORED = frozenset({"Thumbs.db", "desktop.ini", "__MACOSX"})


class Place(ABC):
    """A folder. `name` is its own; `path` leads to it from the root of the data set and is empty there.

    Dot-files and dot-folders and what systems leave behind (`Thumbs.db`) are not there for it.
    """

    name: str
    path: str

    @abstractmethod
    def folders(self) -> list[Place]:
        """The folders in it."""

    @abstractmethod
    def files(self) -> dict[str, File]:
        """The files in it, of all kinds, by name."""

    @abstractmethod
    def images(self) -> list[tuple[str, File]]:
        """Every image file below it, each once, with its path from the root of the data set; by the names' endings."""

    @abstractmethod
    def find(self, path: str) -> File | None:
        """What lies at a path that starts here, if it is there and not a folder."""

    def folder(self, name: str) -> Place | None:
        """The folder of that name."""
        return next((folder for folder in self.folders() if folder.name == name), None)

    def loose(self) -> int:
        """How many images lie directly in it."""
        return sum(map(is_image, self.files()))

    def __str__(self) -> str:
        return self.path


def is_image(name: str) -> bool:
    """Whether a name ends as images' names do."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - a hundred thousand names a second


def open_place(root: Path) -> Place:
    """The root of a data set: a folder or a zip file."""
    return DiskFolder(Tree(root), root, "") if os.path.isdir(root) else _open_zip(root)  # noqa: PTH112


def image_files(root: Path) -> list[Path]:
    """Every image file below a folder, each once, in a fixed order; by ending, upper or lower case.

    Links are followed, but what has a place of its own below `root` is only taken there, so that a loop ends.
    """
    return [item for _, item in open_place(root).images() if isinstance(item, Path)]


class Tree:
    """The folders of one data set on disk; `outside` counts the links that lead out of it."""

    def __init__(self, root: Path):
        self.home = os.path.realpath(root)
        self.outside = 0

    def has(self, path: Path) -> bool:
        """Whether a link stays within the data set; if it does not, it is counted."""
        inside = _is_within(os.path.realpath(path), self.home)
        self.outside += not inside
        return inside


class DiskFolder(Place):
    """A folder on disk. It is listed once, when it is first asked, and files are not looked at one by one."""

    def __init__(self, tree: Tree, where: Path, path: str, link: bool = False):
        self.tree, self.where, self.path, self.link = tree, where, path, link
        self.name = path.rpartition("/")[2]
        self._folders: list[Place] | None = None
        self._images: list[tuple[str, File]] | None = None
        self._entries: list[tuple[str, bool, bool]] | None = None
        if link:
            tree.has(where)

    def folders(self) -> list[Place]:
        """The folders in it; links that lead up to it again are none."""
        if self._folders is None:
            found = [(name, link) for name, is_folder, link in self._listing() if is_folder]
            self._folders = [self._child(n, link) for n, link in found if not (link and _leads_up(self.where / n))]
        return self._folders

    def files(self) -> dict[str, File]:
        """See `Place`."""
        return {name: self.where / name for name, is_folder, _ in self._listing() if not is_folder}

    def images(self) -> list[tuple[str, File]]:
        """See `Place`. A link to a file that is taken anyway is not taken again; a broken one is, to be named."""
        if self._images is not None:
            return self._images
        found = list(self._walk())
        own = {_identity(path) for _, path, link in found if not link} if any(link for *_, link in found) else set()
        kept: list[tuple[str, File]] = []
        for name, path, link in found:
            if link and (key := _identity(path)) is not None:
                if key in own:
                    continue
                own.add(key)
                self.tree.has(path)
            kept.append((name, path))
        self._images = kept
        return kept

    def find(self, path: str) -> File | None:
        """See `Place`; the path may lead anywhere on the disk, as its owner wishes."""
        where = self.where / path
        return where if os.path.lexists(where) and not os.path.isdir(where) else None  # noqa: PTH112

    def _walk(self) -> Iterator[tuple[str, Path, bool]]:
        """Path from the root, path on disk and whether it is a link, for every image below."""
        entered = {_identity(self.where)}
        waiting: list[Iterator[tuple[DiskFolder, str, bool, bool]]] = [self._steps()]
        while waiting:
            for folder, name, is_folder, link in waiting[-1]:
                if not is_folder:
                    if is_image(name):
                        yield _join(folder.path, name), folder.where / name, link
                    continue
                if link and not folder._may_enter(name):
                    continue
                inner = folder._child(name, link=False)
                if (key := _identity(inner.where)) not in entered:
                    entered.add(key)
                    waiting.append(inner._steps())
                    break
            else:
                waiting.pop()

    def _steps(self) -> Iterator[tuple[DiskFolder, str, bool, bool]]:
        return ((self, *entry) for entry in self._listing())

    def _may_enter(self, name: str) -> bool:
        where = self.where / name
        if _leads_up(where):
            return False
        if self.tree.has(where):
            warn("link", where, "link to a folder of the same data set, not followed")
            return False
        return True

    def _child(self, name: str, link: bool) -> DiskFolder:
        return DiskFolder(self.tree, self.where / name, _join(self.path, name), link)

    def _listing(self) -> list[tuple[str, bool, bool]]:
        """Name, whether it is a folder (a link to one is), and whether it is a link; in the order of the bytes."""
        if self._entries is None:
            try:
                # The folder itself says what is a folder and what a link: only links have to be looked at.
                with os.scandir(self.where) as entries:
                    found = [(e.name, _is_folder(e), e.is_symlink()) for e in entries if _counts(e.name)]
            except OSError as problem:
                raise DataError(f"{printable(self.where)}: cannot be listed ({problem.strerror})") from problem
            self._entries = sorted(found, key=lambda entry: os.fsencode(entry[0]))
        return self._entries


class ZipFolder(Place):
    """A folder in a zip file."""

    def __init__(self, path: str = ""):
        self.path, self.name = path, path.rpartition("/")[2]
        self.inner: dict[str, ZipFolder] = {}
        self.own: dict[str, File] = {}

    def folders(self) -> list[Place]:
        """See `Place`."""
        return [self.inner[name] for name in sorted(self.inner)]

    def files(self) -> dict[str, File]:
        """See `Place`."""
        return {name: self.own[name] for name in sorted(self.own)}

    def images(self) -> list[tuple[str, File]]:
        """See `Place`."""
        found, waiting = [], [self]
        while waiting:
            folder = waiting.pop()
            found += [(_join(folder.path, name), item) for name, item in folder.files().items() if is_image(name)]
            waiting += reversed([folder.inner[name] for name in sorted(folder.inner, key=os.fsencode)])
        return found

    def find(self, path: str) -> File | None:
        """See `Place`; never outside the zip."""
        *steps, name = [step for step in path.replace("\\", "/").split("/") if step not in ("", ".")] or [""]
        folder: ZipFolder | None = self
        for step in steps:
            folder = folder.inner.get(step) if folder else None
        return folder.own.get(name) if folder else None

    def enter(self, path: str) -> ZipFolder | None:
        """The folder at a path, made if it is new; None if the path leads through a folder that does not count."""
        folder = self
        for step in path.split("/"):
            if step in ("", "."):
                continue
            if not _counts(step):
                return None
            folder = folder.inner.setdefault(step, ZipFolder(_join(folder.path, step)))
        return folder


def _open_zip(path: Path) -> ZipFolder:
    members, folders = list_archive(path)
    root = ZipFolder()
    for name in folders:
        root.enter(name)
    for full, member in members.items():
        above, _, name = full.replace("\\", "/").rpartition("/")
        if _counts(name) and (folder := root.enter(above)) is not None:
            folder.own[name] = member
    return root


def read_small(item: File, limit: int) -> bytes:
    """The content of a list, a table or an array file; DataError if it is longer than `limit` bytes or no file."""
    try:
        return item.read_up_to(limit) if isinstance(item, Member) else read_file(item, limit)
    except DataError as problem:
        raise DataError(f"{printable(item)}: {problem}") from problem


def _counts(name: str) -> bool:
    return not name.startswith(".") and name not in IGNORED


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that points at itself, or through a folder that may not be entered
        return False


def _leads_up(path: Path) -> bool:
    """Whether a link points at a folder that it lies in: following it would never end and add nothing."""
    return _is_within(os.path.realpath(path.parent), os.path.realpath(path))


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
