"""What tables say about images that folders hold, by image or by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...errors import DataError
from .assemble import Classes
from .folder import File, Folder
from .interpretation import Interpretation
from .table import TableFile, preferred_folders
from .table_columns import LABELS, normalised, path_column, understand
from .table_file import is_json_name, read_table
from .table_images import ImageFinder


def images_by_class(folder: Folder, table: TableFile, interpretation: Interpretation, shown: str) -> Classes:
    """Return the images that the table of one split names, by class; DataError as for `load_tables`."""
    finder, where = ImageFinder(folder), f"{shown}/{table.path}"
    read = read_table(table.name, table.item, where, encoding=interpretation.encoding)
    understood = understand(read, path_column(read, finder.exists), replace(interpretation, label_type="single"))
    classes: dict[str, list[tuple[str, File]]] = {}
    for row in understood.rows:
        image = finder.find(row.path, row.line, where, preferred_folders(folder, table))
        classes.setdefault(row.labels[0], []).append((image.name, image.item))
    return classes


@dataclass(frozen=True)
class TableLabels:
    """The labels that tables give to image files, whether they have splits, too, and all labels that they have.

    `doubt` says which image is not found where no row of a table with a column for labels finds its own.
    """

    labels: Mapping[File, tuple[str, ...]]
    divided: bool
    names: frozenset[str]
    doubt: str = ""


def labels_by_image(folder: Folder, tables: Sequence[TableFile], interpretation: Interpretation) -> TableLabels:
    """Return the labels that tables give to image files; rows whose file does not exist are left out."""
    finder, labels = ImageFinder(folder), {}
    names: set[str] = set()
    divided, doubt = len({table.split for table in tables}) > 1, ""
    for table in tables:
        read = read_table(table.name, table.item, table.path, encoding=interpretation.encoding)
        understood = understand(read, path_column(read, finder.exists), interpretation)
        divided |= any(row.split is not None for row in understood.rows)
        # A document of JSON may hold anything; the column of a table is called so by somebody.
        is_meant = not is_json_name(table.name) and normalised(understood.labelled_by) in LABELS
        for row in understood.rows:
            names.update(row.labels)
            try:
                labels[finder.find(row.path, row.line, table.path, preferred_folders(folder, table)).item] = row.labels
            except DataError as problem:
                doubt = doubt or (str(problem) if is_meant else "")
    return TableLabels(labels, divided, frozenset(names), "" if labels else doubt)
