"""CIFAR-10 and CIFAR-100 as they are published: batches as Python pickles or as plain bytes. No pickle is executed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ...errors import DataError, printable
from ..split import Data, Split, hold_out
from .assemble import warn_about_counts
from .folder import File, Folder, read_file_up_to
from .plain_pickle import read_plain_pickle

CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
PIXELS = 3 * 32 * 32
LIMIT, NAMES_LIMIT = 1 << 29, 1 << 20  # bytes of a batch, and of the file with the names of the classes
# File names by split, for the four layouts in which the two sets are published.
LAYOUTS: dict[str, dict[str, re.Pattern[str]]] = {
    "cifar10 pickles": {"train": re.compile(r"data_batch_\d+"), "test": re.compile("test_batch")},
    "cifar10 bytes": {"train": re.compile(r"data_batch_\d+\.bin"), "test": re.compile(r"test_batch\.bin")},
    "cifar100 pickles": {"train": re.compile("train"), "test": re.compile("test")},
    "cifar100 bytes": {"train": re.compile(r"train\.bin"), "test": re.compile(r"test\.bin")},
}


def find_cifar(folder: Folder) -> str | None:
    """Return which of the `LAYOUTS` a folder has, if any; missing files are left for `load_cifar` to report."""
    names = set(folder.files())
    for layout, patterns in LAYOUTS.items():
        matching = [name for name in names if any(pattern.fullmatch(name) for pattern in patterns.values())]
        # CIFAR-100's files have common names: the file with its class names must be there too.
        sure = not layout.startswith("cifar100") or names & {"meta", "fine_label_names.txt"}
        if matching and sure:
            return layout
    return None


def load_cifar(folder: Folder, layout: str, shown: str) -> Data:
    """Load the set in a folder: colour images of 32 x 32, train and test; DataError if a file is damaged or missing."""
    files = folder.files()
    fine = layout.startswith("cifar100")
    names = _class_names(files, fine)
    classes = len(names) if names else 100 if fine else 10
    splits = {}
    for split, pattern in LAYOUTS[layout].items():
        matching = [name for name in files if pattern.fullmatch(name)]
        if not matching:
            raise DataError(f"{shown}: {pattern.pattern.replace(chr(92), '')} is missing: download it again")
        if missing := _missing_batch(matching):
            raise DataError(f"{shown}: {missing} is missing among the other batches: download it again")
        read = _read_pickle if layout.endswith("pickles") else _read_bytes
        batches = [read(files[name], fine) for name in matching]
        images = np.concatenate([pixels for pixels, _ in batches])
        labels = np.concatenate([part for _, part in batches]).astype(np.int64)
        if labels.min() < 0 or labels.max() >= classes:
            raise DataError(f"{shown}: a label of {split} is out of range for {classes} classes: wrong files?")
        splits[split] = Split(images, labels, [f"{split}/{i:05d}" for i in range(len(labels))])
    names = names or ([str(i) for i in range(100)] if fine else CIFAR10)
    data = Data(shown, names, hold_out(splits), channels=3, held_out="val" not in splits)
    warn_about_counts(shown, names, data.counts())
    return data


def _missing_batch(names: Sequence[str]) -> str | None:
    """Return the first batch that is missing between `data_batch_1` and the last one."""
    numbers = sorted(int(match[1]) for name in names if (match := re.search(r"_(\d+)", name)))
    missing = next((n for n in range(1, numbers[-1]) if n not in numbers), None) if numbers else None
    return None if missing is None else re.sub(r"_\d+", f"_{missing}", names[0])


def _class_names(files: dict[str, File], fine: bool) -> list[str] | None:
    """Return the names of the classes from the file beside the batches, or None if there is no such file."""
    text = "fine_label_names.txt" if fine else "batches.meta.txt"
    pickled = "meta" if fine else "batches.meta"
    if pickled in files:
        values = _get(_read_dictionary(files[pickled]), "fine_label_names" if fine else "label_names")
        names = [_text(name) for name in values] if isinstance(values, list) else None
    elif text in files:
        names = read_file_up_to(files[text], NAMES_LIMIT).decode("utf-8", "replace").split("\n")
        names = [name.strip() for name in names if name.strip()]
    else:
        return None
    if not names or len(set(names)) < len(names):
        where = printable(files.get(pickled, files.get(text)))
        raise DataError(f"{where}: no names of classes in it: download it again")
    return names


def _read_pickle(item: File, fine: bool) -> tuple[np.ndarray, np.ndarray]:
    batch = _read_dictionary(item)
    pixels, labels = _get(batch, "data"), _get(batch, "fine_labels" if fine else "labels")
    if isinstance(labels, list) and labels and all(type(label) is int for label in labels):
        labels = np.array(labels)
    if (
        not (isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.ndim == 2)
        or not (isinstance(labels, np.ndarray) and labels.shape == pixels.shape[:1] and labels.dtype.kind in "iu")
        or pixels.shape[1] != PIXELS
        or not len(pixels)
    ):
        raise DataError(f"{printable(item)}: not a batch of CIFAR: its images and labels have another form")
    return _as_images(pixels), labels


def _read_bytes(item: File, fine: bool) -> tuple[np.ndarray, np.ndarray]:
    content, label_bytes = np.frombuffer(read_file_up_to(item, LIMIT), np.uint8), 2 if fine else 1
    row = label_bytes + PIXELS
    if not len(content) or len(content) % row:
        raise DataError(
            f"{printable(item)}: {len(content):,} bytes are not a multiple of {row}, the bytes per image: "
            "cut short or damaged, download it again"
        )
    rows = content.reshape(-1, row)
    return _as_images(rows[:, label_bytes:]), rows[:, label_bytes - 1]


def _as_images(rows: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _read_dictionary(item: File) -> dict:
    content = read_file_up_to(item, LIMIT)
    try:
        value = read_plain_pickle(content)
    except DataError as problem:
        raise DataError(f"{printable(item)}: {problem}: the pickle is not used") from problem
    if not isinstance(value, dict):
        raise DataError(f"{printable(item)}: not a batch of CIFAR: download it again")
    return value


def _get(batch: dict, key: str) -> object:
    """Return a value by its name, which Python 2 wrote as bytes and Python 3 as text."""
    return batch.get(key, batch.get(key.encode()))


def _text(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
