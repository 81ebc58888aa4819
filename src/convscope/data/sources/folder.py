"""A folder of a data set, on disk or in an archive, and its files."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path

from ...errors import DataError, printable
from ..image_file import IMAGE_SUFFIXES, read_file
from .archive import Member

# A file of a data set, on disk or in an archive.
File = Path | Member


class Folder(ABC):
    """A folder; `name` is its own, `path` leads to it from the root of the data set, whose `path` is empty.

    Hidden files and folders and what `left_out` recognises are not among its content.
    """

    name: str
    path: str

    @abstractmethod
    def folders(self) -> list[Folder]:
        """Return the folders in it."""

    @abstractmethod
    def files(self) -> dict[str, File]:
        """Return the files in it, of all kinds, by name."""

    @abstractmethod
    def images(self) -> list[tuple[str, File]]:
        """Return every file below it that has an image suffix, each once, with its path from the data set's root."""

    @abstractmethod
    def find(self, path: str) -> File | None:
        """Return the file at a path relative to this folder, or None if there is none."""

    @abstractmethod
    def has_images(self) -> bool:
        """Whether any file below it has an image suffix."""

    def folder(self, name: str) -> Folder | None:
        """Return the folder in it that has this name, or None."""
        return next((folder for folder in self.folders() if folder.name == name), None)

    def loose_images(self) -> int:
        """Return the number of images directly in it."""
        return sum(map(has_image_suffix, self.files()))

    def __str__(self) -> str:
        return self.path


def has_image_suffix(name: str) -> bool:
    """Whether a name ends in one of `IMAGE_SUFFIXES`, in upper or lower case."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - a hundred thousand names per second


def read_file_up_to(item: File, limit: int) -> bytes:
    """Return the content of a file of any kind; DataError if it has more than `limit` bytes or cannot be read."""
    try:
        return item.read_up_to(limit) if isinstance(item, Member) else read_file(item, limit)
    except DataError as problem:
        raise DataError(f"{printable(item)}: {problem}") from problem


def join_path(path: str, name: str) -> str:
    """Return the path of `name` in the folder at `path`, which is empty for the root."""
    return f"{path}/{name}" if path else name
