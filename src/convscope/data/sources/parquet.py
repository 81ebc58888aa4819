"""Folders of parquet files with images in them, in the layout of Hugging Face: `data/train-00000-of-00001.parquet`."""

from __future__ import annotations

import io
import json
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...errors import DataError, printable, require_extra
from ...problems import listed, warn
from ..image_file import MAX_BYTES, EmbeddedImage, UnreadableImage, fingerprint
from ..split import SPLITS, Data, Origin
from .archive import check_member_size
from .assemble import assemble, assemble_multi_label
from .folder import File, Folder, read_file_up_to
from .interpretation import Interpretation
from .parquet_columns import Columns, label_cells, split_cells, understand_columns
from .split_names import split_of
from .spool import Positions, Spool, opened_once

SUFFIX = ".parquet"
# Rows unpacked at once, and bytes of a parquet file in an archive, which is held in memory.
ROWS_AT_ONCE, LIMIT = 256, 1 << 31
# `train-00000-of-00004`, also with the digits of a hash behind it.
SHARD = re.compile(r"-\d+-of-\d+(-[0-9a-f]+)?$")


@dataclass(frozen=True)
class ParquetImage(EmbeddedImage):
    """An image in a row of a parquet file; `state` is the fingerprint of the file when it was listed."""

    file: File
    column: str
    row: int
    state: str

    def read(self) -> bytes:
        """Return the encoded image; UnreadableImage if the row has none."""
        try:
            if fingerprint(self.file) != self.state:
                raise UnreadableImage("the parquet file was changed while it was in use")
            cells = opened_once((self.state, self.column), partial(_unpacked, self.file, self.column))
        except UnreadableImage:
            raise
        except DataError as problem:
            raise UnreadableImage(str(problem)) from problem
        return cells.image(self.row)

    def fingerprint(self) -> str:
        """Return a key made of the file's fingerprint, the column and the row."""
        return f"{self.state}:{self.column}:{self.row}"

    def __str__(self) -> str:
        return f"{self.file}/{self.row:06d}"


class _Cells:
    """The images of a parquet file, row by row: parquet cannot be read at positions, so they are unpacked once."""

    def __init__(self, file: Positions, places: Sequence[tuple[int, int] | str | None]):
        self.file, self.places = file, places

    def image(self, row: int) -> bytes:
        """Return the encoded image of a row; UnreadableImage if it has none."""
        place = self.places[row]
        if place is None:
            raise UnreadableImage("no image in this row")
        if isinstance(place, str):
            raise UnreadableImage(f"only the path of an image ({printable(place)}), not its content")
        check_member_size(place[1], MAX_BYTES)
        return self.file.read(*place)


def is_parquet_name(name: str) -> bool:
    """Whether a name ends as that of a parquet file does."""
    return name.lower().endswith(SUFFIX)


def find_parquet(folder: Folder) -> dict[str, list[tuple[str, File]]]:
    """Return the parquet files in a folder without image files, by split: each with its path; {} if there are none.

    They lie in the folder itself, in `data/`, or in folders of splits, as on Hugging Face. DataError if they belong to
    several data sets (configurations), or if their names do not tell one training split.
    """
    found = _parquet_files(folder, 2)
    if not found or folder.has_images():
        return {}
    sets: dict[str, dict[str, list[tuple[str, File]]]] = defaultdict(lambda: defaultdict(list))
    for path, item in found:
        above, _, name = path.rpartition("/")
        parent = above.rpartition("/")[2]
        stem = SHARD.sub("", os.path.splitext(name)[0])  # noqa: PTH122
        split = split_of(stem) or split_of(parent)
        sets[above.rpartition("/")[0] if not split_of(stem) and split_of(parent) else above][split or ""].append(
            (path, item)
        )
    if len(sets) > 1:
        where = listed([name or "." for name in sorted(sets)])
        raise DataError(f"{_shown(folder)}the folders {where} hold a data set each: give one of them as DATA")
    parts = next(iter(sets.values()))
    if set(parts) == {""}:
        return {"train": parts[""]}
    for path, _ in parts.pop("", []):
        warn("unused-split", path, "its name is that of no split (train, val or test); it is not used")
    return {split: parts[split] for split in SPLITS if split in parts}


def load_parquet(parts: dict[str, list[tuple[str, File]]], shown: str, interpretation: Interpretation) -> Data:
    """Load the images and labels of parquet files, given by split; DataError for what cannot be used."""
    require_extra("parquet", "pyarrow", "parquet files need pyarrow")
    rows: dict[str, list[tuple[str, ParquetImage, tuple[str, ...]]]] = {"train": []}
    further: dict[str, dict[str, str]] = defaultdict(dict)
    columns: Columns | None = None
    by_column = False
    for split, files in parts.items():
        for path, item in files:
            where = shown if shown.endswith(path) else f"{shown}/{printable(path)}"
            table, columns = _read(item, where, interpretation, columns)
            state = fingerprint(item)
            images = [ParquetImage(item, columns.image, i, state) for i in range(table.num_rows)]
            names = [f"{path.removesuffix(SUFFIX)}/{i:06d}" for i in range(table.num_rows)]
            labels = label_cells(table, columns, where)
            if labels is None:
                warn("unlabelled-images", where, f"its {len(names):,} images have no labels (-1) and are not used")
                continue
            of_rows = split_cells(table, columns, where) if len(parts) == 1 else None
            by_column |= of_rows is not None
            for row, own in zip(zip(names, images, labels, strict=True), of_rows or [split] * len(names), strict=True):
                rows.setdefault(own, []).append(row)
            for column in columns.further:
                cells = ["" if cell is None else str(cell) for cell in table[column].to_pylist()]
                further[column].update(zip(names, cells, strict=True))
    assert columns is not None
    if columns.several:
        data = assemble_multi_label(shown, rows, columns.class_names)
    else:
        classes: dict[str, dict[str, list[tuple[str, Any]]]] = {}
        for split, found in rows.items():
            for name, image, (label, *_) in found:
                classes.setdefault(split, {}).setdefault(label, []).append((name, image))
        data = assemble(shown, {"train": {}, **classes})
    data.columns = dict(further)
    told = f"column {printable(columns.label)} of the parquet files"
    if columns.several:
        told = f"{told}, several labels per image"
    splits = "the split column of the parquet files" if by_column else f"file names ({listed(list(parts))})"
    return data.described(Origin(told, splits if len(rows) > 1 else ""))


def _parquet_files(folder: Folder, deeper: int, below: str = "") -> list[tuple[str, File]]:
    found = [(below + name, item) for name, item in folder.files().items() if is_parquet_name(name)]
    for inner in folder.folders() if deeper else ():
        found += _parquet_files(inner, deeper - 1, f"{below}{inner.name}/")
    return found


def _read(item: File, where: str, interpretation: Interpretation, before: Columns | None) -> tuple[Any, Columns]:
    """Return the cells of a file except its images, and what its columns mean, which must be as in files `before`."""
    file = _open(item, where)
    try:
        metadata = json.loads((file.schema_arrow.metadata or {}).get(b"huggingface", b"{}"))
        features = metadata.get("info", {}).get("features", {})
    except (ValueError, AttributeError):
        features = {}
    columns = understand_columns(file.schema_arrow, features, where, interpretation)
    if _has_no_content(file.metadata, columns.image):
        text = "its images are paths without their content: save the table as .csv beside the images"
        raise DataError(f"{where}: {text}")
    if before is not None and columns != before:
        raise DataError(f"{where}: its columns or classes are not those of the other files: keep files of one data set")
    try:
        return file.read(columns=[columns.label, *columns.further]), columns
    except Exception as problem:  # pyarrow has an error class for every way in which a file can be damaged
        raise _damaged(where, problem) from problem


def _has_no_content(metadata: Any, image: str) -> bool:
    """Whether no row of a file has the bytes of its image, as far as the statistics in its footer say."""
    nulls = 0
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        chunks = [group.column(i) for i in range(group.num_columns)]
        content = next((chunk for chunk in chunks if chunk.path_in_schema == f"{image}.bytes"), None)
        if content is None or content.statistics is None or not content.statistics.has_null_count:
            return False
        nulls += content.statistics.null_count
    return bool(metadata.num_rows and nulls == metadata.num_rows)


def _unpacked(item: File, column: str) -> _Cells:
    where = printable(item)
    spool, file = Spool(), _open(item, where)
    places: list[tuple[int, int] | str | None] = []
    try:
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=[column]):
            for cell in batch.column(0):
                places.append(_place(cell.as_py(), spool, where))
    except DataError:
        raise
    except Exception as problem:
        raise _damaged(where, problem) from problem
    spool.finish(where)
    return _Cells(spool, places)


def _place(cell: Any, spool: Spool, where: str) -> tuple[int, int] | str | None:
    content = cell.get("bytes") if isinstance(cell, dict) else cell
    if content:
        return spool.append(content, where), len(content)
    return (cell.get("path") or None) if isinstance(cell, dict) else None


def _open(item: File, where: str) -> Any:
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(item if isinstance(item, Path) else io.BytesIO(read_file_up_to(item, LIMIT)))
    except DataError:
        raise
    except Exception as problem:
        raise _damaged(where, problem) from problem


def _damaged(where: str, problem: Exception) -> DataError:
    reason = (str(problem).strip() or type(problem).__name__).splitlines()[0]
    return DataError(f"{where}: not a parquet file that can be read ({printable(reason)[:120]}): download it again")


def _shown(folder: Folder) -> str:
    return f"{printable(folder.path)}: " if folder.path else ""
