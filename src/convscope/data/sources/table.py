"""Tables of labelled images: CSV, TSV, JSON, and Caffe's lists of `path index` lines with class names."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...errors import DataError, printable
from ...problems import listed, warn
from ..split import Data, Origin
from .assemble import assemble, assemble_multi_label
from .class_folders import CONTAINERS
from .class_names_file import CLASS_NAME_FILES, with_class_names
from .folder import File, Folder, has_image_suffix
from .interpretation import Interpretation
from .rows_of_text import Table
from .split_lists import SplitLists, find_split_lists
from .split_names import is_unlabelled, split_of, split_word_in
from .split_tables import names_only_splits
from .table_columns import LabelledRow, LabelledTable, has_labels, holds_measurements, path_column, understand
from .table_file import is_json_name, is_table_name, read_table
from .table_images import ImageFinder, columns_of_other_images
from .table_repeats import Repeated, report_repeated

# Lines read to find out whether a file is a table.
LINES_TO_RECOGNISE = 23
# Files of JSON in a folder that are looked into.
MOST_DOCUMENTS = 20
# What tables of labels are called beside the split: `Test_GroundTruth.csv`.
GROUND_TRUTH = re.compile(r"ground[\W_]*truth", re.IGNORECASE)
# Kaggle's example of an answer: its labels are no labels.
ANSWER_TEMPLATES = re.compile(r"(sample|example)?_?submission", re.IGNORECASE)


@dataclass(frozen=True)
class TableFile:
    """A table of labelled images: its name, its file, and the folder in which it lies."""

    name: str
    item: File
    folder: Folder
    among_others: str | None = None

    @property
    def path(self) -> str:
        """The path from the data set's root."""
        return f"{self.folder.path}/{self.name}" if self.folder.path else self.name

    @property
    def named_split(self) -> str | None:
        """The split that its name says (`train.csv`), or a word in it beside the names of other tables, or None."""
        return self.among_others or split_of(GROUND_TRUTH.sub("", os.path.splitext(self.name)[0]))  # noqa: PTH122

    @property
    def split(self) -> str | None:
        """The split that its name or the folder around it names, or None."""
        return self.named_split or (split_of(self.folder.name) if self.folder.path else None)


def find_tables(folder: Folder, encoding: str = "auto", label_column: str | None = None) -> list[TableFile]:
    """Return the tables of labelled images in a folder, in its split folders and in containers such as `images/`.

    With `label_column` also those whose column of that name would not be taken for labels.
    """
    holders = [folder]
    for inner in folder.folders():
        if split_of(inner.name) or inner.name.lower() in CONTAINERS or not inner.has_images():
            holders.append(inner)
    finder: ImageFinder | None = None
    tables: list[TableFile] = []
    measured: list[TableFile] = []
    for holder in holders:
        files = holder.files()
        # Many documents of JSON describe an image each.
        described = sum(map(is_json_name, files)) > MOST_DOCUMENTS
        for name, item in files.items():
            if not is_table_name(name) or ANSWER_TEMPLATES.match(name) or (described and is_json_name(name)):
                continue
            finder, table = finder or ImageFinder(folder), TableFile(name, item, holder)
            if (read := _labelled_images(table, finder, encoding, label_column)) is not None:
                (measured if holds_measurements(read) else tables).append(table)
    return tables or measured


def load_tables(folder: Folder, tables: Sequence[TableFile], shown: str, interpretation: Interpretation) -> Data:
    """Load one table, or one per split (`train.csv`, or a table in each split folder), from the data set in `folder`.

    Raises DataError for a missing column, an empty label, an unknown split and a file that does not exist.
    """
    if len(tables) > 1 and len({table.split for table in tables} - {None}) < len(tables):
        names = listed([table.path for table in tables])
        raise DataError(f"{shown}: several tables of labelled images, {names}: give one of them as DATA")
    finder = ImageFinder(folder)
    lists = None if any(table.split for table in tables) else find_split_lists([folder], interpretation.encoding)
    collected = _Collected(shown, interpretation.label_type, lists)
    for table in tables:
        where = shown if shown.endswith(table.name) else f"{shown}/{table.path}"
        read = read_table(table.name, table.item, where, encoding=interpretation.encoding)
        if not read.rows:
            raise DataError(f"{where}: it lists no image")
        preferred = preferred_folders(folder, table)
        understood = _understand(read, finder, interpretation)
        for kind, text in (*(("left-out", note) for note in read.notes), *understood.notes):
            warn(kind, where, text)
        if read.is_list:
            rows = with_class_names(understood.rows, table.name, table.folder, where, interpretation.encoding)
            understood = replace(understood, rows=rows)
        if also := columns_of_other_images(understood, folder, where, preferred):
            warn("left-out", where, f"{also} name other images, which are not used: give each image a row of its own")
        collected.add(understood, finder, preferred, table.split if len(tables) > 1 else None, where)
    if finder.outside:
        warn("outside", shown, f"{finder.outside:,} listed images lie outside the folder; used")
    if finder.prefix.strip("/"):
        text = (
            f"the paths begin with {printable(finder.prefix)}, which is not there: what follows it was looked up here"
        )
        warn("other-paths", shown, text)
    _warn_about_unlisted(folder, tables, collected, shown)
    return collected.data(_origin(tables, collected))


class _Collected:
    """The images of all tables, by split, with the rows that repeat an image."""

    def __init__(self, shown: str, label_type: str, lists: SplitLists | None = None):
        self.shown, self.label_type, self.lists = shown, label_type, lists
        self.images: dict[str, list[tuple[str, File, tuple[str, ...]]]] = {"train": []}
        self.seen: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.places: dict[str, dict[str, int]] = {}
        self.told: list[str] = []
        self.label_columns = 0
        self.split_sources: dict[str, None] = {}
        self.class_names: list[str] = []
        self.multi_label = False
        self.columns: dict[str, dict[str, str]] = {}

    def add(
        self, table: LabelledTable, finder: ImageFinder, preferred: Sequence[Folder], given: str | None, where: str
    ) -> None:
        """Add the rows of a table; `given` is the split that its name says, of several tables."""
        repeated = []
        for row in table.rows:
            image = finder.find_row(row, where, preferred)
            listed_in = self.lists.split(image.item) if self.lists else None
            split = self._split(row, given or listed_in, image.split, where)
            if image.name in self.seen:
                before, labels = self.seen[image.name]
                if self.label_type == "multi" and split == before:
                    self._join(split, image.name, row.labels)
                else:
                    repeated.append(Repeated(row, split != before, row.labels != labels))
                continue
            self.seen[image.name] = (split, row.labels)
            self.images.setdefault(split, []).append((image.name, image.item, row.labels))
            for column, cell in row.further:
                self.columns.setdefault(column, {})[image.name] = cell
        report_repeated(repeated, len(self.seen), self.label_type, where)
        self.multi_label |= table.multi_label
        self.class_names += [name for name in table.class_names if name not in self.class_names]
        if table.labelled_by not in self.told:
            self.told.append(table.labelled_by)
            self.label_columns += table.label_columns

    def _join(self, split: str, name: str, labels: tuple[str, ...]) -> None:
        """Add labels to an image that has some from an earlier row: one row per label."""
        images = self.images[split]
        at = self.places.setdefault(split, {})
        for i in range(len(at), len(images)):
            at[images[i][0]] = i
        _, item, before = images[at[name]]
        images[at[name]] = (name, item, tuple(dict.fromkeys((*before, *labels))))

    def _split(self, row: LabelledRow, given: str | None, folder: str | None, where: str) -> str:
        if row.split is not None:
            split = split_of(row.split)
            if split is None:
                text = f"unknown split '{printable(row.split)}': call it train, val or test"
                raise DataError(f"{where}: line {row.line}: {text}")
            self.split_sources["the table's split column"] = None
        elif folder is not None and not (folder == "train" and given):  # which may set some of its images aside
            split = folder
            self.split_sources["folder names"] = None
        else:
            split = given or "train"
            if given:
                self.split_sources[self.lists.told if self.lists else "the tables' names"] = None
        if folder == "test" and "test" not in (split, given or split):
            raise DataError(
                f"{where}: line {row.line}: '{printable(row.path)}' is a {split} image by the table and a test image "
                "by its folder: move it, or correct the table"
            )
        if folder == "test" and given not in (None, "test"):
            raise DataError(
                f"{where}: line {row.line}: '{printable(row.path)}' lies only in a folder of test images, which a "
                f"table of {given} images cannot name: move it, or rename the table"
            )
        return split

    def data(self, origin: Origin) -> Data:
        """Build the data set."""
        if self.multi_label:
            data = assemble_multi_label(self.shown, self.images, self.class_names)
        else:
            parts: dict[str, dict[str, list[tuple[str, File]]]] = {}
            for split, images in self.images.items():
                classes = parts.setdefault(split, {})
                for name, item, (label, *_) in images:
                    classes.setdefault(label, []).append((name, item))
            data = assemble(self.shown, parts)
        data.columns = self.columns
        return data.described(origin)


def _origin(tables: Sequence[TableFile], collected: _Collected) -> Origin:
    names, columns = listed([table.path for table in tables]), " and ".join(collected.told)
    told = f"columns {columns} of {names}" if collected.label_columns > 1 else f"column {columns} of {names}"
    if collected.multi_label:
        told = f"{told}, several labels per image"
    return Origin(told, " and ".join(collected.split_sources))


def _understand(table: Table, finder: ImageFinder, interpretation: Interpretation) -> LabelledTable:
    path = path_column(table, finder.exists)
    return understand(table, path, interpretation)


def _labelled_images(table: TableFile, finder: ImageFinder, encoding: str, label_column: str | None) -> Table | None:
    """Return the first rows of a file that names images with labels, as far as they tell; None for another."""
    try:
        read = read_table(table.name, table.item, table.name, LINES_TO_RECOGNISE, encoding)
        path = path_column(read, finder.exists)
        known = path is not None and has_labels(read, path, label_column)
        if path is None or not read.rows or not known or names_only_splits(read, path, table.name):
            return None
    except DataError:  # notes or another kind of table
        return None
    first = read.cells(path)[0]
    if table.name.lower() in CLASS_NAME_FILES:  # a line such as `0 cat` names no image, though there be a 0.jpg
        return read if has_image_suffix(first) and finder.exists(first) else None
    named = table.name.lower().endswith((".csv", ".tsv", ".jsonl")) and bool(read.columns)
    return read if named or finder.exists(first) else None


def preferred_folders(root: Folder, table: TableFile) -> list[Folder]:
    """Return the folders where a table's images are looked up first: its own, and those of the split in its name."""
    preferred = [table.folder] if table.folder is not root else []
    split = table.named_split
    tops = [
        *root.folders(),
        *(inner for top in root.folders() if top.name.lower() in CONTAINERS for inner in top.folders()),
    ]
    holders = [inner for inner in tops if split and split_of(inner.name) == split]
    for holder in [*preferred, *holders]:
        preferred += [holder] if holder not in preferred else []
        preferred += [inner for inner in holder.folders() if inner.name.lower() in CONTAINERS]
    return preferred


def _warn_about_unlisted(folder: Folder, tables: Sequence[TableFile], collected: _Collected, shown: str) -> None:
    """Warn about images of the folder that no table lists; those without labels are often the test images."""
    used = {item for images in collected.images.values() for _, item, _ in images}
    for inner in folder.folders():
        left = [item for _, item in inner.images() if item not in used]
        known = (
            split_of(inner.name)
            or split_word_in(inner.name)
            or is_unlabelled(inner.name)
            or inner.name.lower() in CONTAINERS
        )
        if left and (known or len(left) < len(inner.images())):  # others of the folder are in one
            text = f"{len(left):,} images of {printable(inner.name)} are in no table of labels and are not used"
            warn("unlabelled-images", shown, text)
