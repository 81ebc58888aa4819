"""Folders of images on disk: which files there are, which class and which split they belong to.

Nothing is opened here but folders, and nothing is ever written into them.
"""

from __future__ import annotations

import logging
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
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
# What is held out where there is no such folder; more than so many images would not measure better, only train worse.
HELD_OUT, MOST_HELD_OUT = 0.15, 5000


def load_folder(root: Path) -> Data:
    """Class folders, or `train/` with `val|valid|validation/` and `test/` of class folders, as a `Data` of files.

    Raises DataError if there is nothing to learn from: no images, one class, an empty class, or classes outside train.
    """
    shown = printable(root)
    parts = _split_folders(root)
    tree = _Tree(root)
    if parts:
        _warn_about_loose_images(root)
        splits = {name: _scan_classes(folder, tree) for name, folder in parts.items()}
        class_names = sorted(splits["train"])
        for name, classes in list(splits.items()):
            if name != "train" and not any(classes.values()):
                log.warning("%s: the %s folder has no image in a folder of a class and is not used", shown, name)
                del splits[name]
                continue
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
        splits = {"train": _scan_classes(root, tree)}
        class_names = sorted(splits["train"])
    _check_classes(root, class_names, splits["train"])
    if tree.outside:
        plural = "s lead" if tree.outside > 1 else " leads"
        log.warning("%s: %d link%s out of the folder; followed", shown, tree.outside, plural)

    # Classes that are called 0, 1 or A are signs, which must not be mirrored.
    kind = "digits" if all(len(name) == 1 for name in class_names) else "photos"
    data = Data(shown, class_names, {name: _as_split(root, c, class_names) for name, c in splits.items()}, kind=kind)
    data.channels = 1 if _looks_gray(data.splits["train"]) else 3
    share = min(HELD_OUT, MOST_HELD_OUT / len(data.splits["train"]))
    if not parts:
        data.divided = True
        data.splits = divide(data.splits["train"], share, share)
    elif "val" not in data.splits:
        held = divide(data.splits["train"], share, 0)
        data.splits = {**held, **{k: v for k, v in data.splits.items() if k != "train"}}
        log.warning("%s: no validation folder; %d of the training images are held out", shown, len(held.get("val", ())))
    return data


def image_files(root: Path) -> list[Path]:
    """Every image file below `root`, each once, in a fixed order; by ending, upper or lower case.

    Dot-files and dot-folders, system files and files without an image's ending are left out. Links are followed, but
    what has a place of its own below `root` is only taken there, so that a loop ends.
    """
    return _Tree(root).images(root)


def _split_folders(root: Path) -> dict[str, Path] | None:
    named: dict[str, list[Path]] = defaultdict(list)
    others: list[Path] = []
    for folder in _subfolders(root):
        split = SPLIT_FOLDERS.get(folder.name.lower())
        (named[split] if split else others).append(folder)
    if "train" not in named:
        if named and not others:
            found = ", ".join(folder.name for folders in named.values() for folder in folders)
            raise DataError(f"{printable(root)}: there is {found} but no train folder: add it")
        return None
    # A class may be called `train` (beside `plane`): it is a split if it holds class folders and stands among splits.
    if not any(map(_subfolders, named["train"])) or (others and len(named) < 2):
        return None
    for split, folders in named.items():
        if len(folders) > 1:
            names = " and ".join(folder.name for folder in folders)
            raise DataError(f"{printable(root)}: {names} are both the {split} split: keep one of them")
    for folder in others:
        log.warning("%s: folder '%s' is no split and is not used", printable(root), printable(folder.name))
    return {split: folders[0] for split, folders in named.items()}


def _scan_classes(folder: Path, tree: _Tree) -> dict[str, list[Path]]:
    _warn_about_loose_images(folder)
    tree.has(folder)
    return {place.name: tree.images(place) for place in _subfolders(folder)}


def _warn_about_loose_images(folder: Path) -> None:
    if loose := [f for f in _entries(folder) if f.suffix.lower() in IMAGE_SUFFIXES and not _is_folder(f)]:
        log.warning("%s: %d images lie outside the class folders and are not used", printable(folder), len(loose))


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
    # What cannot be opened has no say; it is named when the images are decoded.
    gray = {is_gray(path) for path in split.images[::step]} - {None}
    return gray == {True}


def _subfolders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if _is_folder(path) and not _leads_up(path)]


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


class _Tree:
    """The folders of one data set, walked without ever going round; `outside` counts the links that lead out of it."""

    def __init__(self, root: Path):
        self.home = os.path.realpath(root)
        self.outside = 0

    def has(self, path: Path) -> bool:
        """Whether a path of this tree stays in it when it is a link; if it does not, it is counted."""
        inside = not path.is_symlink() or _is_within(os.path.realpath(path), self.home)
        self.outside += not inside
        return inside

    def images(self, folder: Path) -> list[Path]:
        """The image files below `folder`, each once, in a fixed order: a link to a file that is taken is not."""
        self.has(folder)
        found = [path for path in self._walk(folder) if path.suffix.lower() in IMAGE_SUFFIXES]
        links = {path for path in found if path.is_symlink()}
        if not links:
            return found
        seen = {_identity(path) for path in found if path not in links}
        kept = []
        for path in found:
            if path in links and (key := _identity(path)) is not None:  # a broken link is kept, to be named
                if key in seen:
                    continue
                seen.add(key)
                self.has(path)
            kept.append(path)
        return kept

    def _walk(self, folder: Path) -> Iterator[Path]:
        entered, waiting = set(), [folder]
        while waiting:
            path = waiting.pop()
            if not _is_folder(path):
                yield path
            elif (path is folder or self._may_enter(path)) and (key := _identity(path)) not in entered:
                entered.add(key)
                waiting += reversed(_entries(path))

    def _may_enter(self, folder: Path) -> bool:
        if not folder.is_symlink():
            return True
        if _leads_up(folder):
            return False
        if self.has(folder):
            log.warning("%s: link to a folder of the same data set, not followed", printable(folder))
            return False
        return True


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - pathlib's raises where a folder may be listed but not entered


def _leads_up(path: Path) -> bool:
    """Whether a link points at a folder that it lies in: following it would never end and add nothing."""
    return path.is_symlink() and _is_within(os.path.realpath(path.parent), os.path.realpath(path))


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
