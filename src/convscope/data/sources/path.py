"""Load the data set at a path: a folder, archive, table or set of array files, recognised by what is in it."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import DataError, UsageError, printable
from ...problems import warn
from ..split import Data
from .annotations import data_folders, data_images, reason_without_labels
from .archive_folder import OTHER_ARCHIVES, is_archive_name
from .choose_tables import choose_tables
from .cifar import find_cifar, load_cifar
from .class_folders import (
    DoubtfulLayoutError,
    NoLabelsError,
    OtherTaskError,
    load_layout,
    names_classes,
    read_layout,
)
from .class_names_file import mention_class_names
from .file_tree import DiskFolder, LinkTargets, open_folder
from .folder import Folder
from .folders_or_tables import class_of_images, tables_win
from .further_columns import add_columns
from .hub import is_saved, load_saved
from .idx import find_idx, load_idx
from .interpretation import Interpretation
from .label_pattern import load_by_pattern, suggest_pattern
from .npz import find_npz, is_npz_name, load_npz
from .numbered_names import load_numbered_names
from .parquet import find_parquet, is_parquet_name, load_parquet
from .pixel_tables import find_pixel_tables, holds_pixels, load_pixel_tables
from .shards import find_shards, is_shard, load_shards
from .split_lists import find_split_lists
from .split_names import split_of
from .table import TableFile, find_tables, load_tables
from .table_file import is_table_name
from .table_reasons import SAVE, UNREAD, why_no_images, why_unused

NO_FILES = "put them into one folder per class, such as {}/cat/1.jpg"
HINT = "give a folder with one folder of images per class, a zip or tar of it, or a table (.csv) of paths and labels"


def load_path(path: Path, interpretation: Interpretation) -> Data:
    """Load the data set at a path; DataError says in one line why there is none."""
    shown = printable(path)
    is_tree = os.path.isdir(path) or is_archive_name(path.name)  # noqa: PTH112 - pathlib's raises for names that are not valid text
    if interpretation.label_pattern is not None and not is_tree:
        raise UsageError(f"--label-pattern reads the paths of images in a folder or archive, and {shown} is a file")
    if is_tree:
        if is_saved(path):
            return load_saved(path)
        if is_shard(path):
            return load_shards({"train": [(path.name, path)]}, shown)
        folder = open_folder(path, interpretation.encoding)
        data = load_folder(folder, shown, interpretation)
        links = folder.links if isinstance(folder, DiskFolder) else None
    elif is_table_name(path.name):
        links = LinkTargets(path.parent)
        folder = DiskFolder(links, path.parent, "")
        if path.name not in folder.files():
            raise DataError(f"{shown}: tables whose names begin with a dot are ignored: rename it")
        item = folder.files()[path.name]
        if holds_pixels(path.name, item, interpretation.encoding):
            data = load_pixel_tables(folder, [(path.name, item)], shown, interpretation)
        else:
            data = load_tables(folder, [TableFile(path.name, item, folder)], shown, interpretation)
    elif is_parquet_name(path.name):
        links = None
        data = load_parquet({"train": [(path.name, path)]}, shown, interpretation)
    elif is_npz_name(path.name):
        links = None
        data = load_npz([(path.name, path)], shown)
    elif path.name.lower().endswith(OTHER_ARCHIVES):
        raise DataError(f"{shown}: archives of this kind are not read: unpack it, or pack it as .zip, .tar or .tar.gz")
    elif unread := UNREAD.get(path.suffix.lower()):
        raise DataError(f"{shown}: {path.suffix} ({unread}) is not read: {SAVE}")
    else:
        raise DataError(f"{shown} is a file: {HINT}")
    if links is not None and links.outside:
        text = "1 link leads" if links.outside == 1 else f"{links.outside:,} links lead"
        warn("outside", shown, f"{text} out of the folder; followed")
    return data


def load_folder(folder: Folder, shown: str, interpretation: Interpretation) -> Data:
    """Load the data set in a folder, or in its only subfolder if it holds nothing else.

    A table of labelled images wins over folders that are splits or have no labels of their own. Where folders and a
    table name different classes for the same images, DataError names both.
    """
    if interpretation.label_pattern is not None:
        return load_by_pattern(folder, interpretation.label_pattern, shown)
    try:
        data = _load_folder(folder, shown, interpretation)
        mention_class_names(folder, data.class_names, shown)
        one_folder = data.untrainable and len(data.class_names) == 1 and not find_tables(folder)
        if one_folder and (reason := why_unused(folder, interpretation.encoding)):
            data.untrainable = f"{data.untrainable}; {reason}"
        return data
    except NoLabelsError as problem:
        reason = "" if isinstance(problem, OtherTaskError) else why_unused(folder, interpretation.encoding)
        text, pattern = f"{problem}; {reason}" if reason else str(problem), suggest_pattern(data_images(folder))
        raise NoLabelsError(f"{text}; {pattern}" if pattern else text) from problem


def _load_folder(folder: Folder, shown: str, interpretation: Interpretation) -> Data:
    """Load the data set in a folder by its own evidence, as `load_folder` says."""
    above = [folder]
    while True:
        if layout := find_cifar(folder):
            return load_cifar(folder, layout, shown)
        if pairs := find_idx(folder):
            return load_idx(folder, pairs, shown)
        if shards := find_parquet(folder):
            return load_parquet(shards, shown, interpretation)
        if tars := find_shards(folder):
            return load_shards(tars, shown, folder)
        by_table = interpretation.folders == "auto"
        found = find_tables(folder, interpretation.encoding, interpretation.label_column) if by_table else []
        tables = choose_tables(folder, found, shown, interpretation)
        if by_table and not tables and (numbered := load_numbered_names(folder, shown, interpretation.encoding)):
            return numbered
        if not tables and (reason := reason_without_labels(folder)):
            raise OtherTaskError(f"{shown}: {reason}")
        # Of `Images/` and `Annotation/`, as in Stanford Dogs, the first is the data set.
        inner = data_folders(folder)
        alone = len(inner) == 1 and not folder.loose_images() and not tables and interpretation.folders == "auto"
        if alone and not split_of(inner[0].name) and _holds_data_set(inner[0]):
            folder = inner[0]
            above.append(folder)
            continue
        if not tables and not any(inner.has_images() for inner in folder.folders()):
            if pixels := find_pixel_tables(folder, interpretation.encoding):
                return load_pixel_tables(folder, pixels, shown, interpretation)
            if arrays := find_npz(folder):
                return load_npz(arrays, shown)
        if not folder.has_images():
            why = why_no_images(folder)
            raise DataError(f"{shown}: no images found: {why or NO_FILES.format(shown)}")
        try:
            classes = read_layout(folder, shown, interpretation.folders)
        except DoubtfulLayoutError:
            if not tables:
                raise
            return load_tables(folder, tables, shown, interpretation)
        if tables and (not names_classes(classes) or tables_win(folder, classes, tables, shown, interpretation)):
            return load_tables(folder, tables, shown, interpretation)
        if classes.lists is None:
            among = {*class_of_images(classes, "train")} if classes.splits else None
            classes.lists = find_split_lists(above, interpretation.encoding, among)
        data = load_layout(classes, shown)
        add_columns(data, above, interpretation.encoding)
        return data


def _holds_data_set(folder: Folder) -> bool:
    """Whether an only subfolder holds the data set rather than the images of a class."""
    return bool(folder.folders() or find_cifar(folder) or find_idx(folder) or find_tables(folder))
