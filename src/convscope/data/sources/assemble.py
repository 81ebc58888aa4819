"""From images by split and class to a `Data`: the checks that every source of labelled images goes through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ...errors import DataError, printable
from ...problems import listed, warn
from ..image_file import is_gray
from ..split import Data, Split, divide, held_out_share, hold_out
from .file_tree import Item

# Images by class: the name of each, and where it is.
Classes = Mapping[str, Sequence[tuple[str, Item]]]
# So many times as many images of one class as of another are worth a word.
IMBALANCE = 20


def assemble(shown: str, parts: Mapping[str, Classes]) -> Data:
    """A data set from its splits, which are images by class; one that has only `train` is divided.

    Raises DataError if there is nothing to learn from: no images, one class, a class without an image, or one that
    only another split has. What is odd is warned about.
    """
    parts = {name: classes for name, classes in parts.items() if name == "train" or _has_images(shown, name, classes)}
    class_names = in_order(parts["train"])
    if not any(parts["train"].values()):
        raise DataError(f"{shown}: no images found: put them into one folder a class, such as {shown}/cat/1.jpg")
    counts = {name: [len(classes.get(label, ())) for label in class_names] for name, classes in parts.items()}
    if not all(counts["train"]):
        empty, where = printable(class_names[counts["train"].index(0)]), "" if len(parts) == 1 else " in train"
        raise DataError(f"{shown}: class '{empty}' has no image{where}: add some or remove the class")
    if len(class_names) < 2:
        raise DataError(f"{shown}: only one class, '{printable(class_names[0])}': a classifier needs at least two")
    for name, classes in parts.items():
        if extra := in_order(set(classes) - set(class_names)):
            raise DataError(
                f"{shown}: class '{printable(extra[0])}' is in {name} but not in train: "
                "add training images of it or move it away"
            )
    warn_about_counts(shown, class_names, counts)
    data = Data(shown, class_names, {n: _as_split(classes, class_names) for n, classes in parts.items()})
    data.channels = 1 if _looks_gray(data.splits["train"]) else 3
    # Classes that are called 0, 1 or A are signs, which must not be mirrored; in colour only numbers surely are, for a
    # single character may well be a cat.
    sure = data.channels == 1 or all(name.isdecimal() for name in class_names)
    data.kind = "digits" if sure and all(len(name) == 1 for name in class_names) else "photos"
    if len(parts) == 1:
        data.divided = True
        share = held_out_share(len(data.splits["train"]))
        data.splits = divide(data.splits["train"], share, share)
    elif "val" not in parts:
        data.splits, data.held_out = hold_out(data.splits), True
        held = len(data.splits.get("val", ()))
        warn("no-validation", shown, f"no validation images; {held:,} of the training images are held out")
    return data


def in_order(names: Iterable[str]) -> list[str]:
    """Class names as they are listed everywhere: numbers by their value, all else by its letters."""
    found = sorted(names)
    return sorted(found, key=int) if all(name.isascii() and name.isdigit() for name in found) else found


def _has_images(shown: str, split: str, classes: Classes) -> bool:
    if any(classes.values()):
        return True
    warn("empty-split", shown, f"{split} has no image of a class and is not used")
    return False


def warn_about_counts(shown: str, class_names: Sequence[str], counts: Mapping[str, Sequence[int]]) -> None:
    """Say what is odd about the classes, of which `counts` has the images in each split."""
    folded = Counter(map(str.casefold, class_names))
    if alike := [label for label in class_names if folded[label.casefold()] > 1]:
        warn("letter-case", shown, f"class names differ only in upper and lower case: {listed(alike)}")
    train = counts["train"]
    for label in [label for label, count in zip(class_names, train, strict=True) if count == 1]:
        warn("one-image", shown, f"class '{printable(label)}' has one image: nothing is left to check it with")
    most, least = int(np.argmax(train)), int(np.argmin(train))
    if train[most] > IMBALANCE * train[least] > 0:
        several = [
            f"{train[i]:,}{' images' if i == most else ''} of '{printable(class_names[i])}'" for i in (most, least)
        ]
        warn("imbalance", shown, f"strong imbalance, {' and '.join(several)}")
    for name, part in counts.items():
        if missing := [label for label, count in zip(class_names, part, strict=True) if not count]:
            warn("missing-class", shown, f"{name} has no image of {listed(missing)}")


def _as_split(classes: Classes, class_names: list[str]) -> Split:
    images, labels, names = [], [], []
    for label, name in enumerate(class_names):
        for shown, item in classes.get(name, ()):
            images.append(item)
            labels.append(label)
            names.append(shown)
    return Split(images, np.array(labels, dtype=np.int64), names)


def _looks_gray(split: Split) -> bool:
    step = max(len(split.images) // 64, 1)
    # What cannot be opened has no say; it is named when the images are decoded.
    return {is_gray(item) for item in split.images[::step]} - {None} == {True}
