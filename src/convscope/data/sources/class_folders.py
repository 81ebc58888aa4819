"""Class folders: one folder per class, either directly or inside `train/`, `val/` and `test/`."""

from __future__ import annotations

from collections import defaultdict

from ...errors import DataError, printable
from ...problems import warn
from ..split import Data
from .assemble import Classes, assemble
from .file_tree import Folder

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
# Names of folders that hold images of all classes, where a table has the classes.
UNLABELLED_FOLDERS = {"images", "image", "imgs", "img", "photos", "pictures", "data", "jpg", "jpeg", "png", "raw"}


def load_class_folders(folder: Folder, shown: str) -> Data:
    """Load class folders, or split folders that hold class folders; DataError if there is nothing to train on."""
    if parts := split_folders(folder, shown):
        _warn_about_loose_images(folder, shown)
        for other in folder.folders():
            if other not in parts.values():
                text = f"folder '{printable(other.name)}' is not a split (train, val or test) and is not used"
                warn("unused-folder", shown, text)
        return assemble(shown, {name: _classes(part, shown) for name, part in parts.items()})
    return assemble(shown, {"train": _classes(folder, shown)})


def split_folders(folder: Folder, shown: str) -> dict[str, Folder] | None:
    """Return `train/`, `val|valid|validation/` and `test/` by split, or None if the folders are classes."""
    named: dict[str, list[Folder]] = defaultdict(list)
    others: list[Folder] = []
    for inner in folder.folders():
        split = SPLIT_FOLDERS.get(inner.name.lower())
        (named[split] if split else others).append(inner)
    if "train" not in named:
        if named and not others and any(inner.folders() for folders in named.values() for inner in folders):
            names = ", ".join(inner.name for folders in named.values() for inner in folders)
            raise DataError(f"{shown}: there is {names} but no train folder: add it")
        return None
    # A class may be called `train` (beside `plane`): it is a split if it holds class folders and stands among splits.
    if not any(inner.folders() for inner in named["train"]) or (others and len(named) < 2):
        return None
    for split, folders in named.items():
        if len(folders) > 1:
            names = " and ".join(inner.name for inner in folders)
            raise DataError(f"{shown}: {names} are both the {split} split: keep one of them")
    return {split: folders[0] for split, folders in named.items()}


def has_class_folders(folder: Folder, shown: str) -> bool:
    """Whether the folders alone give each image its class: there are splits, or two folders with images and a name."""
    if split_folders(folder, shown):
        return True
    named = [inner for inner in folder.folders() if inner.name.lower() not in SPLIT_FOLDERS.keys() | UNLABELLED_FOLDERS]
    return sum(bool(inner.images()) for inner in named) >= 2


def _classes(folder: Folder, shown: str) -> Classes:
    _warn_about_loose_images(folder, shown)
    return {inner.name: inner.images() for inner in folder.folders()}


def _warn_about_loose_images(folder: Folder, shown: str) -> None:
    if count := folder.loose_images():
        where = f"{shown}/{printable(folder.path)}" if folder.path else shown
        warn("loose-images", where, f"{count:,} images lie outside the class folders and are not used")
