"""Load the data set at a path: a folder, zip, table or set of array files, recognised by what is in it."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import DataError, printable
from ...problems import warn
from ..split import Data
from .cifar import find_cifar, load_cifar
from .class_folders import has_class_folders, load_class_folders
from .file_tree import DiskFolder, Folder, LinkTargets, open_folder
from .hub import is_saved, load_saved
from .idx import find_idx, load_idx
from .table import LISTS, TABLES, find_tables, load_tables

HINT = "give a folder with one folder of images per class, a zip of it, or a table (.csv) of paths and labels"


def load_path(path: Path) -> Data:
    """Load the data set at a path; DataError says in one line why there is none."""
    shown = printable(path)
    if os.path.isdir(path) or path.suffix.lower() == ".zip":  # noqa: PTH112 - pathlib's raises for names that are not valid text
        if is_saved(path):
            return load_saved(path)
        folder = open_folder(path)
        data = load_folder(folder, shown)
        links = folder.links if isinstance(folder, DiskFolder) else None
    elif path.suffix.lower() in TABLES + LISTS:
        links = LinkTargets(path.parent)
        folder = DiskFolder(links, path.parent, "")
        if path.name not in folder.files():
            raise DataError(f"{shown}: tables whose names begin with a dot are ignored: rename it")
        data = load_tables(folder, [path.name], shown)
    else:
        raise DataError(f"{shown} is a file: {HINT}")
    if links is not None and links.outside:
        text = "1 link leads" if links.outside == 1 else f"{links.outside:,} links lead"
        warn("outside", shown, f"{text} out of the folder; followed")
    return data


def load_folder(folder: Folder, shown: str) -> Data:
    """Load the data set in a folder, or in its only subfolder if it holds nothing else."""
    while True:
        if layout := find_cifar(folder):
            return load_cifar(folder, layout, shown)
        if pairs := find_idx(folder):
            return load_idx(folder, pairs, shown)
        if has_class_folders(folder, shown):
            for name in find_tables(folder):
                warn("unused-table", shown, f"{printable(name)} is not used: the folder names are the classes")
            return load_class_folders(folder, shown)
        if tables := find_tables(folder):
            return load_tables(folder, tables, shown)
        inner = folder.folders()
        if len(inner) != 1 or folder.loose_images() or not _holds_data_set(inner[0]):
            return load_class_folders(folder, shown)
        folder = inner[0]


def _holds_data_set(folder: Folder) -> bool:
    """Whether an only subfolder holds the data set rather than the images of a class."""
    return bool(folder.folders() or find_cifar(folder) or find_idx(folder) or find_tables(folder))
