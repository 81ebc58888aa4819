"""What tables say about images that folders hold: the labels of each image, and its split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...errors import DataError, printable
from .class_names_file import CLASS_NAME_FILES, with_class_names
from .folder import File, Folder
from .interpretation import Interpretation
from .split_names import split_of
from .table import TableFile, preferred_folders
from .table_columns import LABELS, LabelledRow, normalised, path_column, understand
from .table_file import is_json_name, read_table
from .table_images import ImageFinder


@dataclass(frozen=True)
class ListedImage:
    """An image in a row of a table: its name in the data set, its file, its labels.

    `split` is what the table says, by a column or by its own name, else what the folders around the image do, or None.
    """

    name: str
    item: File
    labels: tuple[str, ...]
    split: str | None
    table: TableFile


@dataclass(frozen=True)
class TableLabels:
    """The images that tables name, whether they have splits, too, and all labels that they have.

    `doubt` says which image is not found where no row of a table with a column for labels finds its own. `guessed` is
    true if the name of the only column that may have the labels does not say that it has.
    """

    images: Sequence[ListedImage]
    divided: bool
    names: frozenset[str]
    doubt: str = ""
    guessed: bool = False

    @property
    def labels(self) -> Mapping[File, tuple[str, ...]]:
        """The labels of each image file."""
        return {image.item: image.labels for image in self.images}


def labels_by_image(folder: Folder, tables: Sequence[TableFile], interpretation: Interpretation) -> TableLabels:
    """Return what tables say about image files; rows whose file does not exist are left out.

    DataError for a word in a column of splits that is none.
    """
    finder = ImageFinder(folder)
    images: list[ListedImage] = []
    names: set[str] = set()
    divided, doubt, guessed = len({table.split for table in tables}) > 1, "", False
    for table in tables:
        read = read_table(table.name, table.item, table.path, encoding=interpretation.encoding)
        understood = understand(read, path_column(read, finder.exists), interpretation)
        divided |= any(row.split is not None for row in understood.rows)
        # A document of JSON may hold anything; the column of a table is called so by somebody.
        named = interpretation.label_column is not None or normalised(understood.labelled_by) in LABELS
        guessed |= bool(read.columns) and understood.label_columns == 1 and not named
        is_meant = not is_json_name(table.name) and normalised(understood.labelled_by) in LABELS
        preferred = preferred_folders(folder, table)
        rows: Sequence[LabelledRow] = understood.rows
        if read.is_list and not {*CLASS_NAME_FILES}.isdisjoint(map(str.lower, table.folder.files())):
            rows = with_class_names(rows, table.name, table.folder, table.path, interpretation.encoding)
        for row in rows:
            names.update(row.labels)
            try:
                found = finder.find_row(row, table.path, preferred)
            except DataError as problem:
                doubt = doubt or (str(problem) if is_meant else "")
                continue
            said = _split(row, table)
            split = found.split if found.split == "test" else said or found.split  # nothing makes test images others
            images.append(ListedImage(found.name, found.item, row.labels, split, table))
    return TableLabels(images, divided, frozenset(names), "" if images else doubt, guessed)


def _split(row: LabelledRow, table: TableFile) -> str | None:
    if row.split is None:
        return table.split
    if (split := split_of(row.split)) is None:
        text = f"unknown split '{printable(row.split)}': call it train, val or test"
        raise DataError(f"{table.path}: line {row.line}: {text}; without the table: --folders classes")
    return split
