"""CIFAR-10 and CIFAR-100 as they are published: batches of Python's pickles, or plain bytes. No pickle is trusted."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ...errors import DataError, printable
from ..split import Data, Split, hold_out
from .assemble import warn_about_counts
from .file_tree import File, Place, read_small
from .plain_pickle import read_plain_pickle

CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
PIXELS = 3 * 32 * 32
LIMIT = 1 << 29
# File names by split, for the four ways in which the two sets are published.
LAYOUTS: dict[str, dict[str, re.Pattern[str]]] = {
    "cifar10 pickles": {"train": re.compile(r"data_batch_\d+"), "test": re.compile("test_batch")},
    "cifar10 bytes": {"train": re.compile(r"data_batch_\d+\.bin"), "test": re.compile(r"test_batch\.bin")},
    "cifar100 pickles": {"train": re.compile("train"), "test": re.compile("test")},
    "cifar100 bytes": {"train": re.compile(r"train\.bin"), "test": re.compile(r"test\.bin")},
}


def find_cifar(place: Place) -> str | None:
    """Which layout of CIFAR lies in a folder, if any; a file or two may be missing, which loading will say."""
    names = set(place.files())
    for layout, patterns in LAYOUTS.items():
        found = [name for name in names if any(pattern.fullmatch(name) for pattern in patterns.values())]
        # CIFAR-100's files are called like many others: what goes with them must be there.
        sure = not layout.startswith("cifar100") or names & {"meta", "fine_label_names.txt"}
        if found and sure:
            return layout
    return None


def load_cifar(place: Place, layout: str, shown: str) -> Data:
    """The set in a folder: colour images of 32 x 32 in two parts; DataError if a file is cut or missing."""
    files = place.files()
    fine = layout.startswith("cifar100")
    names = _class_names(files, fine)
    splits = {}
    for split, pattern in LAYOUTS[layout].items():
        found = [name for name in files if pattern.fullmatch(name)]
        if not found:
            raise DataError(f"{shown}: {pattern.pattern.replace(chr(92), '')} is missing beside the others: fetch it")
        if missing := _gap(found):
            raise DataError(f"{shown}: {missing} is missing between the others: fetch it")
        read = _read_pickle if layout.endswith("pickles") else _read_bytes
        batches = [read(files[name], fine) for name in found]
        images = np.concatenate([pixels for pixels, _ in batches])
        labels = np.concatenate([part for _, part in batches]).astype(np.int64)
        classes = len(names) if names else 100 if fine else 10
        if labels.min() < 0 or labels.max() >= classes:
            raise DataError(f"{shown}: a label of {split} is out of range for {classes} classes: wrong files?")
        splits[split] = Split(images, labels, [f"{split}/{i:05d}" for i in range(len(labels))])
    names = names or ([str(i) for i in range(100)] if fine else CIFAR10)
    data = Data(shown, names, hold_out(splits), channels=3)
    warn_about_counts(shown, names, data.counts())
    return data


def _gap(names: Sequence[str]) -> str | None:
    """The batch that is missing from `data_batch_1` to the last."""
    numbers = sorted(int(found[1]) for name in names if (found := re.search(r"_(\d+)", name)))
    gone = next((n for n in range(1, numbers[-1]) if n not in numbers), None) if numbers else None
    return None if gone is None else re.sub(r"_\d+", f"_{gone}", names[0])


def _class_names(files: dict[str, File], fine: bool) -> list[str] | None:
    """The names of the classes from the file beside the batches, if it is there."""
    text = "fine_label_names.txt" if fine else "batches.meta.txt"
    pickled = "meta" if fine else "batches.meta"
    if pickled in files:
        meta = _plain(files[pickled])
        found = _get(meta, "fine_label_names" if fine else "label_names")
        names = [_text(name) for name in found] if isinstance(found, list) else None
    elif text in files:
        names = read_small(files[text], 1 << 20).decode("utf-8", "replace").split("\n")
        names = [name.strip() for name in names if name.strip()]
    else:
        return None
    if not names or len(set(names)) < len(names):
        raise DataError(f"{printable(files.get(pickled, files.get(text)))}: no names of classes in it: fetch it again")
    return names


def _read_pickle(item: File, fine: bool) -> tuple[np.ndarray, np.ndarray]:
    batch = _plain(item)
    pixels, labels = _get(batch, "data"), _get(batch, "fine_labels" if fine else "labels")
    if isinstance(labels, list) and labels and all(type(label) is int for label in labels):
        labels = np.array(labels)
    if (
        not (isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.ndim == 2)
        or not (isinstance(labels, np.ndarray) and labels.shape == pixels.shape[:1] and labels.dtype.kind in "iu")
        or pixels.shape[1] != PIXELS
        or not len(pixels)
    ):
        raise DataError(f"{printable(item)}: no batch of CIFAR: images and labels are not what they should be")
    return _as_images(pixels), labels


def _read_bytes(item: File, fine: bool) -> tuple[np.ndarray, np.ndarray]:
    content, head = np.frombuffer(read_small(item, LIMIT), np.uint8), 2 if fine else 1
    if not len(content) or len(content) % (PIXELS + head):
        raise DataError(
            f"{printable(item)}: {len(content):,} bytes are no whole number of images of {PIXELS + head}: "
            "cut or damaged, fetch it again"
        )
    rows = content.reshape(-1, PIXELS + head)
    return _as_images(rows[:, head:]), rows[:, head - 1]


def _as_images(rows: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _plain(item: File) -> dict:
    content = read_small(item, LIMIT)
    try:
        found = read_plain_pickle(content)
    except DataError as problem:
        raise DataError(f"{printable(item)}: {problem}: not used") from problem
    if not isinstance(found, dict):
        raise DataError(f"{printable(item)}: no batch of CIFAR: fetch it again")
    return found


def _get(batch: dict, key: str) -> object:
    """A value by its name, whichever Python wrote it."""
    return batch.get(key, batch.get(key.encode()))


def _text(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
