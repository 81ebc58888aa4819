"""Data sets of the Hugging Face hub (`hf:owner/name`), and those that the `datasets` library saved to disk."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import DataError, printable
from ...problems import listed, warn
from ..image_file import MAX_BYTES, EmbeddedImage, ImageItem, UnreadableImage, read_bytes
from ..split import Data
from .assemble import assemble
from .split_names import split_of

INSTALL = "install it with pip install 'convscope[hub]'"


@dataclass(frozen=True, eq=False)
class HubImage(EmbeddedImage):
    """An image in a row of a table that the `datasets` library keeps on disk."""

    table: Any
    column: str
    row: int

    def read(self) -> bytes:
        """Return the encoded image; UnreadableImage if the row has none."""
        try:
            cell = self.table[self.row][self.column] or {}
        except Exception as problem:  # the library passes on whatever its readers raise
            raise UnreadableImage(f"cannot be read from its table ({printable(problem)[:100]})") from problem
        content = cell.get("bytes")
        if content is None:
            if not cell.get("path"):
                raise UnreadableImage("no image in this row")
            return read_bytes(cell["path"])
        if len(content) > MAX_BYTES:
            raise UnreadableImage(f"image of {len(content) / 1e6:,.0f} MB, over the limit of {MAX_BYTES / 1e6:,.0f} MB")
        return bytes(content)

    def fingerprint(self) -> str:
        """Return the library's fingerprint of the table, and the row."""
        return f"{self.table._fingerprint}:{self.column}:{self.row}"


def is_saved(folder: Path) -> bool:
    """Whether a folder was written by `save_to_disk`."""
    return (folder / "dataset_dict.json").is_file() or (
        (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    )


def load_hub(name: str, data_dir: Path | None = None) -> Data:
    """Load `owner/name` or `owner/name:configuration` from the hub or its cache, which `data_dir` moves elsewhere."""
    datasets = _library()
    repository, _, configuration = name.partition(":")
    if os.path.isdir(repository):  # noqa: PTH112
        return load_saved(Path(repository))
    if not repository:
        raise DataError("hf: must be followed by a name, as in hf:OWNER/NAME")
    try:
        loaded = datasets.load_dataset(repository, configuration or None, cache_dir=data_dir and os.fspath(data_dir))
    except Exception as problem:  # the network, the hub and the library each have errors of their own
        reason = (str(problem).strip() or type(problem).__name__).splitlines()[0]
        raise DataError(
            f"hf:{printable(name)} could not be loaded ({printable(reason)[:160]}): check the name, go online, "
            "or give the folder of a copy saved with save_to_disk"
        ) from problem
    return _from_tables(f"hf:{printable(name)}", loaded)


def load_saved(folder: Path) -> Data:
    """Load what `save_to_disk` wrote into a folder."""
    datasets = _library()
    try:
        loaded = datasets.load_from_disk(os.fspath(folder))
    except Exception as problem:
        reason = (str(problem).strip() or type(problem).__name__).splitlines()[0]
        raise DataError(
            f"{printable(folder)}: saved by `datasets`, but cannot be read ({printable(reason)[:160]}): save it again"
        ) from problem
    return _from_tables(printable(folder), loaded)


def _library() -> Any:
    try:
        import datasets
    except ImportError as problem:
        raise DataError(f"Hugging Face data sets need the `datasets` library: {INSTALL}") from problem
    datasets.disable_progress_bars()
    for name in ("datasets", "huggingface_hub"):  # they log a line per attempt to connect; our error is one line
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return datasets


def _from_tables(shown: str, loaded: Any) -> Data:
    tables = dict(loaded) if isinstance(loaded, dict) else {"train": loaded}
    parts: dict[str, dict[str, list[tuple[str, ImageItem]]]] = {}
    for split, table in tables.items():
        part = split_of(split)
        if part is None or part in parts:
            warn("unused-split", shown, f"split '{printable(split)}' is not used: only train, val and test are")
            continue
        image, label = _columns(shown, table)
        parts[part] = {}
        # With decode=False, a cell holds the bytes of the image file.
        plain = table.select_columns([image]).cast_column(image, type(table.features[image])(decode=False))
        for i, name in enumerate(_labels(shown, split, table, label)):
            parts[part].setdefault(name, []).append((f"{split}/{i:06d}", HubImage(plain, image, i)))
    if "train" not in parts:
        raise DataError(f"{shown}: no split is called train; there are {listed([str(name) for name in tables])}")
    return assemble(shown, parts)


def _columns(shown: str, table: Any) -> tuple[str, str]:
    """Return the names of the image column and the label column, found by their types and then by their names."""
    kinds = {name: type(feature).__name__ for name, feature in table.features.items()}
    images = [name for name, kind in kinds.items() if kind == "Image"]
    if not images:
        raise DataError(f"{shown}: no column holds images; the columns are {listed(list(kinds))}")
    labels = [name for name, kind in kinds.items() if kind == "ClassLabel"] or [
        name
        for name, feature in table.features.items()
        if getattr(feature, "dtype", "") in ("string", "large_string", "int32", "int64", "bool")
    ]
    known = [name for name in ("label", "labels", "fine_label", "class", "target", "category") if name in labels]
    if not known and len(labels) != 1:
        raise DataError(f"{shown}: none of the columns {listed(list(kinds))} is clearly the label: call it 'label'")
    return ("image" if "image" in images else images[0]), (known or labels)[0]


def _labels(shown: str, split: str, table: Any, column: str) -> Iterator[str]:
    names = getattr(table.features[column], "names", None)
    for i, value in enumerate(table[column]):
        if value is None or value == "" or (names and not 0 <= value < len(names)):
            raise DataError(f"{shown}: row {i} of {printable(split)} has no label: fill it in or remove the row")
        yield str(names[value] if names else value)
