"""Folders of images on disk: which files there are, which class and which split they belong to.

Nothing is opened here but folders, and nothing is ever written into them.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from pathlib import Path

import numpy as np

from ..errors import DataError, printable
from .image_file import IMAGE_SUFFIXES, is_gray
from .split import Data, Split, divide

log = logging.getLogger("convscope")

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
VAL_SHARE, TEST_SHARE = 0.15, 0.15


def load_folder(root: Path) -> Data:
    """Class folders, or `train/` with `val|valid|validation/` and `test/` of class folders, as a `Data` of files.

    Raises DataError if there is nothing to learn from: no images, one class, an empty class, or classes outside train.
    """
    shown = printable(root)
    parts = _split_folders(root)
    if parts:
        splits = {name: _scan_classes(folder) for name, folder in parts.items()}
        class_names = sorted(splits["train"])
        for name, classes in splits.items():
            if extra := sorted(set(classes) - set(class_names)):
                raise DataError(
                    f"{shown}: class '{printable(extra[0])}' is in {name} but not in train: "
                    "add training images of it or move it away"
                )
            if missing := sorted(c for c in class_names if not classes.get(c)):
                if name == "train":
                    raise DataError(
                        f"{shown}: class '{printable(missing[0])}' has no image in train: add some or remove the folder"
                    )
                log.warning("%s: %s has no image of %s", shown, name, ", ".join(map(printable, missing)))
    else:
        splits = {"train": _scan_classes(root)}
        class_names = sorted(splits["train"])
    _check_classes(root, class_names, splits["train"])

    data = Data(
        shown, class_names, {name: _as_split(root, c, class_names) for name, c in splits.items()}, augment="flip-crop"
    )
    data.channels = 1 if _looks_gray(data.splits["train"]) else 3
    if not parts:
        data.divided = True
        data.splits = divide(data.splits["train"], VAL_SHARE, TEST_SHARE)
    elif "val" not in data.splits:
        held = divide(data.splits["train"], VAL_SHARE, 0)
        data.splits = {**held, **{k: v for k, v in data.splits.items() if k != "train"}}
        log.warning("%s: no validation folder; %d of the training images are held out", shown, len(held.get("val", ())))
    return data


def image_files(root: Path) -> list[Path]:
    """Every image file below `root`, each once, in a fixed order; by ending, upper or lower case.

    Dot-files and dot-folders, system files and files without an image's ending are left out. Links are followed, but
    a folder or file that has been seen (a loop, or a second name) is not taken again.
    """
    return [path for path in _walk(root, set()) if path.suffix.lower() in IMAGE_SUFFIXES]


def _split_folders(root: Path) -> dict[str, Path] | None:
    folders = _subfolders(root)
    named = {SPLIT_FOLDERS[f.name.lower()]: f for f in folders if f.name.lower() in SPLIT_FOLDERS}
    if "train" not in named:
        if named and len(named) == len(folders):
            raise DataError(
                f"{printable(root)}: there is {', '.join(f.name for f in named.values())} but no train folder: add it"
            )
        return None
    # A class may be called `train` (beside `plane`): it is a split if it holds class folders and stands among splits.
    return named if _subfolders(named["train"]) and len(named) == len(folders) else None


def _scan_classes(folder: Path) -> dict[str, list[Path]]:
    if loose := [f for f in _entries(folder) if f.suffix.lower() in IMAGE_SUFFIXES and not f.is_dir()]:
        log.warning("%s: %d images lie outside the class folders and are not used", printable(folder), len(loose))
    seen: set[tuple[int, int]] = set()
    classes = {}
    for place in _subfolders(folder):
        classes[place.name] = [path for path in _walk(place, seen) if path.suffix.lower() in IMAGE_SUFFIXES]
    return classes


def _check_classes(root: Path, class_names: list[str], train: dict[str, list[Path]]) -> None:
    shown = printable(root)
    if not any(train.values()):
        raise DataError(f"{shown}: no images found: put them into one folder a class, such as {shown}/cat/1.jpg")
    if empty := [c for c in class_names if not train[c]]:
        raise DataError(f"{shown}: class '{printable(empty[0])}' has no image: add some or remove the folder")
    if len(class_names) < 2:
        raise DataError(
            f"{shown}: only one class, '{printable(class_names[0])}': a classifier needs at least two folders"
        )
    folded = Counter(c.casefold() for c in class_names)
    for name in class_names:
        if folded[name.casefold()] > 1:
            log.warning("%s: class names differ only in upper and lower case: %s", shown, printable(name))
        if len(train[name]) == 1:
            log.warning("%s: class '%s' has one image: nothing is left to check it with", shown, printable(name))
    counts = {c: len(train[c]) for c in class_names}
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if counts[most] > 20 * counts[least]:
        log.warning(
            "%s: strong imbalance, %s images of '%s' and %s of '%s'",
            shown, f"{counts[most]:,}", printable(most), f"{counts[least]:,}", printable(least),
        )  # fmt: skip


def _as_split(root: Path, classes: dict[str, list[Path]], class_names: list[str]) -> Split:
    files = [(path, class_names.index(name)) for name in class_names for path in classes.get(name, [])]
    labels = np.array([label for _, label in files], dtype=np.int64)
    return Split([path for path, _ in files], labels, [str(path.relative_to(root)) for path, _ in files])


def _looks_gray(split: Split) -> bool:
    assert isinstance(split.images, list)
    step = max(len(split.images) // 64, 1)
    return all(is_gray(path) for path in split.images[::step])


def _subfolders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir()]


def _entries(folder: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(folder), key=os.fsencode)  # noqa: PTH208 - names may be bytes that are no valid text
    except NotADirectoryError as problem:
        raise DataError(f"{printable(folder)} is no folder") from problem
    except OSError as problem:
        raise DataError(f"{printable(folder)}: cannot be listed ({problem.strerror})") from problem
    return [
        folder / name
        for name in names
        if not name.startswith(".") and name not in ("Thumbs.db", "desktop.ini", "__MACOSX")
    ]


def _walk(folder: Path, seen: set[tuple[int, int]]) -> list[Path]:
    found: list[Path] = []
    for path in _entries(folder) if _first_visit(folder, seen) else ():
        if path.is_dir():
            found += _walk(path, seen)
        elif not path.is_symlink() or _first_visit(path, seen, default=True):
            found.append(path)
    return found


def _first_visit(path: Path, seen: set[tuple[int, int]], default: bool = False) -> bool:
    try:
        status = path.stat()
    except OSError:
        return default
    key = (status.st_dev, status.st_ino)
    if key in seen:
        return False
    seen.add(key)
    return True
