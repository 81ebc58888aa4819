"""Class folders in folders (`animal/cat/`): the outer ones or the innermost ones may be the classes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ...problems import listed
from .annotations import data_folders
from .folder import File, Folder

INNERMOST = "--folders innermost"


class OwnImages(Folder):
    """A folder without the folders in it."""

    def __init__(self, folder: Folder):
        self.folder_itself, self.name, self.path = folder, folder.name, folder.path

    def folders(self) -> list[Folder]:
        """See `Folder`; there are none."""
        return []

    def files(self) -> dict[str, File]:
        """See `Folder`."""
        return self.folder_itself.files()

    def images(self) -> list[tuple[str, File]]:
        """See `Folder`."""
        return [(name, item) for name, item in self.folder_itself.images() if name.rpartition("/")[0] == self.path]

    def find(self, path: str) -> File | None:
        """See `Folder`."""
        return self.folder_itself.find(path)

    def has_images(self) -> bool:
        """See `Folder`."""
        return self.loose_images() > 0


def innermost(classes: Mapping[str, Sequence[Folder]]) -> dict[str, list[Folder]]:
    """Return as classes, by name, the folders that hold images themselves, however deep they lie."""
    found: dict[str, list[Folder]] = defaultdict(list)
    stack = [folder for same in classes.values() for folder in same]
    while stack:
        folder = stack.pop()
        inner = folder.folders()
        if folder.loose_images() or not inner:
            found[folder.name].append(OwnImages(folder) if inner else folder)
        stack += inner
    return dict(found)


def inner_names(classes: Mapping[str, Sequence[Folder]]) -> list[str]:
    """Return the names of the folders with images that lie in class folders."""
    folders = [inner for same in classes.values() for each in same for inner in data_folders(each)]
    return sorted({each.name for each in folders if each.has_images()})


def may_be_classes(classes: Mapping[str, Sequence[Folder]]) -> bool:
    """Whether the folders in a class folder may be classes: several without images beside them and without numbers.

    Numbered ones are patients, sessions or parts far more often than classes.
    """
    for same in classes.values():
        for each in same:
            names = [inner.name for inner in data_folders(each) if inner.has_images()]
            if len(names) > 1 and not each.loose_images() and not any(re.search(r"\d", name) for name in names):
                return True
    return False


def both_readings(classes: Mapping[str, Sequence[Folder]]) -> str:
    """Name the two readings, and the options that choose."""
    outer, inner = listed(sorted(classes), 3), listed(inner_names(classes), 3)
    return (
        f"either {outer} are the classes, with all that lies in their folders: give --folders classes; or the folders "
        f"that hold the images are ({inner}): give {INNERMOST}"
    )
