"""What lies at a path -> a data set: folders, zip files, tables, array files, told apart by what is in them."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import DataError, printable
from ...problems import warn
from ..split import Data
from .cifar import find_cifar, load_cifar
from .file_tree import DiskFolder, Place, Tree, open_place
from .class_folders import load_class_folders, names_classes
from .hub import is_saved, load_saved
from .idx import find_idx, load_idx
from .table import LISTS, TABLES, find_tables, load_tables

GIVE = "give a folder with one folder of images a class, a zip of it, or a table (.csv) of paths and labels"


def load_path(path: Path) -> Data:
    """The data set at a path; DataError says in one line why there is none."""
    shown = printable(path)
    if os.path.isdir(path) or path.suffix.lower() == ".zip":  # noqa: PTH112 - pathlib's raises for odd names
        if is_saved(path):
            return load_saved(path)
        place = open_place(path)
        data = load_place(place, shown)
        tree = place.tree if isinstance(place, DiskFolder) else None
    elif path.suffix.lower() in TABLES + LISTS:
        tree = Tree(path.parent)
        place = DiskFolder(tree, path.parent, "")
        if path.name not in place.files():
            raise DataError(f"{shown}: a table whose name begins with a dot is not used: rename it")
        data = load_tables(place, [path.name], shown)
    else:
        raise DataError(f"{shown} is a file: {GIVE}")
    if tree is not None and tree.outside:
        links = "1 link leads" if tree.outside == 1 else f"{tree.outside:,} links lead"
        warn("outside", shown, f"{links} out of the folder; followed")
    return data


def load_place(place: Place, shown: str) -> Data:
    """The data set in a folder, or in the only folder in it."""
    while True:
        if layout := find_cifar(place):
            return load_cifar(place, layout, shown)
        if found := find_idx(place):
            return load_idx(place, found, shown)
        if names_classes(place, shown):
            for name in find_tables(place):
                warn("unused-table", shown, f"{printable(name)} is not used, the folders name the classes")
            return load_class_folders(place, shown)
        if tables := find_tables(place):
            return load_tables(place, tables, shown)
        folders = place.folders()
        if len(folders) != 1 or place.loose() or not _is_data(folders[0]):
            return load_class_folders(place, shown)
        place = folders[0]


def _is_data(place: Place) -> bool:
    """Whether a folder that is alone holds the data set, and not the images of a class."""
    return bool(place.folders() or find_cifar(place) or find_idx(place) or find_tables(place))
