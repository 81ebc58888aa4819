"""Class folders: which image belongs to which class and which split."""

from __future__ import annotations

from collections import defaultdict

from ...errors import DataError, printable
from ...problems import warn
from ..split import Data
from .assemble import Classes, assemble
from .file_tree import Place

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
# Folders that hold images of all classes where a table says which is which.
PLAIN_FOLDERS = {"images", "image", "imgs", "img", "photos", "pictures", "data", "jpg", "jpeg", "png", "raw"}


def load_class_folders(place: Place, shown: str) -> Data:
    """One folder a class, or split folders of class folders. DataError if there is nothing to learn from."""
    if parts := split_folders(place, shown):
        _warn_about_loose_images(place, shown)
        for folder in place.folders():
            if folder not in parts.values():
                warn("unused-folder", shown, f"folder '{printable(folder.name)}' is no split and is not used")
        return assemble(shown, {name: _classes(folder, shown) for name, folder in parts.items()})
    return assemble(shown, {"train": _classes(place, shown)})


def split_folders(place: Place, shown: str) -> dict[str, Place] | None:
    """`train/`, `val|valid|validation/` and `test/` by their split, or None if the folders are classes."""
    named: dict[str, list[Place]] = defaultdict(list)
    others: list[Place] = []
    for folder in place.folders():
        split = SPLIT_FOLDERS.get(folder.name.lower())
        (named[split] if split else others).append(folder)
    if "train" not in named:
        if named and not others and any(folder.folders() for folders in named.values() for folder in folders):
            found = ", ".join(folder.name for folders in named.values() for folder in folders)
            raise DataError(f"{shown}: there is {found} but no train folder: add it")
        return None
    # A class may be called `train` (beside `plane`): it is a split if it holds class folders and stands among splits.
    if not any(folder.folders() for folder in named["train"]) or (others and len(named) < 2):
        return None
    for split, folders in named.items():
        if len(folders) > 1:
            names = " and ".join(folder.name for folder in folders)
            raise DataError(f"{shown}: {names} are both the {split} split: keep one of them")
    return {split: folders[0] for split, folders in named.items()}


def names_classes(place: Place, shown: str) -> bool:
    """Whether the folders alone say which image is of which class: splits of classes, or two folders with names."""
    if split_folders(place, shown):
        return True
    folders = [f for f in place.folders() if f.name.lower() not in SPLIT_FOLDERS.keys() | PLAIN_FOLDERS]
    return sum(bool(folder.images()) for folder in folders) >= 2


def _classes(place: Place, shown: str) -> Classes:
    _warn_about_loose_images(place, shown)
    return {folder.name: folder.images() for folder in place.folders()}


def _warn_about_loose_images(place: Place, shown: str) -> None:
    if loose := place.loose():
        where = f"{shown}/{printable(place.path)}" if place.path else shown
        warn("loose-images", where, f"{loose:,} images lie outside the class folders and are not used")
