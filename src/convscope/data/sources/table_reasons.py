"""Say why a table beside the images does not name their labels, where one would expect that it does."""

from __future__ import annotations

import os
import re
from collections import Counter

from ...errors import DataError, printable
from ...problems import listed
from .folder import File, Folder
from .table_columns import has_labels, path_column
from .table_file import JSON, JSON_LINES, TABLES, read_table
from .table_images import ADDRESS, ImageFinder

# Tables of other programs.
OTHER_TABLES = (
    ".xlsx", ".xls", ".ods", ".arrow", ".feather", ".parquet", ".db", ".sqlite", ".mat", ".h5",
)  # fmt: skip
# Files of labels of published sets that are no tables, by which name each is read, and in a folder of which name.
PUBLISHED_LABELS = {
    "imagelabels.mat": ("flowers102", "flowers-102"),
    "cars_train_annos.mat": ("stanford-cars", "stanford_cars"),
    "cars_annos.mat": ("stanford-cars", "stanford_cars"),
    "images_variant_train.txt": ("fgvc-aircraft", "fgvc-aircraft-2013b"),
}
LINES = 200
# Files that hold images in forms that are not read, and what they are.
UNREAD = {
    ".npy": "NumPy arrays", ".mat": "MATLAB arrays", ".h5": "HDF5", ".hdf5": "HDF5",
    ".pkl": "pickles, which may run code", ".pt": "pickles, which may run code", ".tfrecord": "TFRecord",
    ".dcm": "DICOM", ".nii": "NIfTI", ".mp4": "videos", ".avi": "videos", ".mov": "videos", ".svg": "drawings",
    ".pdf": "documents", ".cr2": "raw camera files", ".nef": "raw camera files", ".dng": "raw camera files",
    ".bin": "bytes without a header",
}  # fmt: skip
MOST_FILES = 10_000
SAVE = "save the images as PNG or JPEG"


def why_no_images(folder: Folder) -> str:
    """Return words about the files of a folder without images, or an empty text if it has none."""
    names: list[str] = []
    stack = [folder]
    while stack and len(names) < MOST_FILES:
        each = stack.pop()
        names += each.files()
        stack += each.folders()
    whole = [re.sub(r"-\d+-of-\d+$", "", name) for name in names]  # x.tfrecord-00000-of-00001
    suffixes = Counter(os.path.splitext(name)[1].lower() for name in whole)  # noqa: PTH122
    if unread := [suffix for suffix in suffixes if suffix in UNREAD]:
        suffix = max(unread, key=suffixes.__getitem__)
        count = "1 file" if suffixes[suffix] == 1 else f"{suffixes[suffix]:,} files"
        return f"{count} in {suffix} ({UNREAD[suffix]}), which is not read: {SAVE}"
    if suffixes[""] > len(names) // 2:
        return f"the names of {suffixes['']:,} files have no ending such as .jpg: add it"
    return ""


def why_unused(folder: Folder, encoding: str) -> str:
    """Return words about the first table at the top of a data set whose images have no labels, or an empty text."""
    files = folder.files()
    if published := _why_published(folder):
        return published
    for suffixes in (TABLES + JSON_LINES, JSON):
        for name, item in files.items():
            if name.lower().endswith(suffixes):
                return _why_no_labels(folder, name, item, encoding)
    other = next((name for name in files if os.path.splitext(name)[1].lower() in OTHER_TABLES), None)  # noqa: PTH122
    return f"{printable(other)} is of no kind that is read beside images: save it as .csv" if other else ""


def _why_published(folder: Folder) -> str:
    """Return how a published set is read whose labels are in no table; an empty text for every other folder."""
    names = {name for each in (folder, *folder.folders()) for name in each.files()}
    if (file := next((each for each in PUBLISHED_LABELS if each in names), None)) is None:
        return ""
    name, called = PUBLISHED_LABELS[file]
    return (
        f"its labels are in {file}: call this folder {called}, and give {name} as DATA and the folder around it as "
        "--data-dir"
    )


def _why_no_labels(folder: Folder, name: str, item: File, encoding: str) -> str:
    shown = printable(name)
    try:
        table = read_table(name, item, shown, LINES, encoding)
    except DataError as problem:
        return str(problem)
    columns = listed(table.columns or (table.rows[0][1] if table.rows else ("nothing",)), 6)
    if any(ADDRESS.match(cell) for _, cells in table.rows[:1] for cell in cells):
        return f"{shown} names the images by their addresses: download them, and write where the files lie"
    path = path_column(table, ImageFinder(folder).exists)
    if path is None:
        return f"{shown} has no column with names of images that are there ({columns}): call one 'path'"
    if not has_labels(table, path):
        return (
            f"{shown} has no column whose values repeat as labels do ({columns}): if one has the classes, name it with "
            "--label-column; numbers to predict are no classes"
        )
    return f"{shown} is not understood ({columns}): give it as DATA to see why"
