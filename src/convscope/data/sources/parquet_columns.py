"""Find out what the columns of a parquet file mean: the image, its label or labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import DataError, printable
from ...problems import listed
from .interpretation import Interpretation
from .split_names import split_of
from .table_columns import LABELS, PATHS, SPLITS, normalised

# The column of the labels where there are several that may be it; those of the tables come after it.
KNOWN = ("label", "labels", "fine_label", *LABELS)


@dataclass(frozen=True)
class Columns:
    """The columns of images and labels, the names of the classes (empty if the cells are the names), and the others.

    `several` marks cells with lists of labels.
    """

    image: str
    label: str
    class_names: tuple[str, ...] = ()
    several: bool = False
    further: tuple[str, ...] = ()


def understand_columns(schema: Any, features: Mapping[str, Any], where: str, interpretation: Interpretation) -> Columns:
    """Find the columns in an Arrow schema, and in what the `datasets` library wrote about them into the file.

    Raises DataError where there is no column of images, or no column that is clearly the label.
    """
    names = list(schema.names)
    kinds = {name: features[name].get("_type") for name in names if isinstance(features.get(name), dict)}
    images = [name for name in names if kinds.get(name) == "Image" or _holds_images(schema.field(name))]
    if not images:
        text = f"no column holds images (a struct of bytes and path) among {listed(names)}"
        raise DataError(f"{where}: {text}: save a table of paths as .csv beside the images")
    image = min(images, key=lambda name: PATHS.index(normalised(name)) if normalised(name) in PATHS else len(PATHS))
    rest = [name for name in names if name not in images and _is_plain(schema.field(name).type)]
    label = _label(rest, kinds, where, interpretation.label_column)
    several = _is_list(schema.field(label).type)
    feature = features.get(label) or {}
    inner = feature.get("feature", feature) if isinstance(feature, dict) else {}
    class_names = tuple(map(str, inner.get("names") or ())) if isinstance(inner, dict) else ()
    if len(set(class_names)) < len(class_names):
        raise DataError(f"{where}: two classes of column '{printable(label)}' have the same name")
    further = tuple(name for name in rest if name != label and not _is_list(schema.field(name).type))
    return Columns(image, label, class_names, several or interpretation.label_type == "multi", further)


def label_cells(table: Any, columns: Columns, where: str) -> list[tuple[str, ...]] | None:
    """Return the labels of every row; DataError for a row without one, or with a number that has no name.

    None if every row has -1, which is how `datasets` marks images whose labels are not published.
    """
    names, rows = columns.class_names, []
    cells = table[columns.label].to_pylist()
    if names and cells and all(cell == -1 for cell in cells):
        return None
    for i, cell in enumerate(cells):
        values = cell if isinstance(cell, list) else [] if cell is None or cell == "" else [cell]
        if not values and not columns.several:
            raise DataError(f"{where}: row {i} has no label: fill it in or remove the row")
        if names and any(not isinstance(value, int) or not 0 <= value < len(names) for value in values):
            raise DataError(f"{where}: row {i} has the label {printable(cell)}, which is none of {len(names)} classes")
        rows.append(tuple(dict.fromkeys(names[value] if names else str(value).strip() for value in values)))
    return rows


def split_cells(table: Any, columns: Columns, where: str) -> list[str] | None:
    """Return the split of every row from a column such as `split`; None if there is none. DataError for other words."""
    for known in SPLITS:
        for column in [name for name in columns.further if normalised(name) == known]:
            cells = ["" if cell is None else str(cell).strip() for cell in table[column].to_pylist()]
            splits = [split_of(cell) for cell in cells]
            if not any(splits) and known != "split":
                continue
            if None in splits:
                word = printable(cells[splits.index(None)])
                raise DataError(
                    f"{where}: row {splits.index(None)}: unknown split '{word}': call it train, val or test"
                )
            return [split for split in splits if split]
    return None


def _label(rest: list[str], kinds: Mapping[str, Any], where: str, wanted: str | None) -> str:
    if wanted is not None:
        if wanted not in rest:
            raise DataError(f"{where}: no column '{printable(wanted)}' among {listed(rest)}")
        return wanted
    classes = [name for name in rest if kinds.get(name) == "ClassLabel"]
    for known in KNOWN:
        if found := [name for name in rest if normalised(name) == known]:
            return found[0]
    if len(classes) == 1 or len(rest) == 1:
        return (classes or rest)[0]
    if not rest:
        raise DataError(f"{where}: no column of labels beside the images: add one called 'label'")
    text = f"the label may be any of the columns {listed(classes or rest)}: choose one with --label-column NAME"
    raise DataError(f"{where}: {text}")


def _holds_images(field: Any) -> bool:
    import pyarrow as pa

    kind = field.type
    if pa.types.is_struct(kind):
        return any(part.name == "bytes" and _is_bytes(part.type) for part in kind)
    return _is_bytes(kind)


def _is_bytes(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_plain(kind: Any) -> bool:
    """Whether cells are words or whole numbers, or lists of these."""
    import pyarrow as pa

    kind = kind.value_type if _is_list(kind) or pa.types.is_dictionary(kind) else kind
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_boolean)
    return any(test(kind) for test in tests)
