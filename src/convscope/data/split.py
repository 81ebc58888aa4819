"""A data set in its parts, and how it is divided when it comes in one piece."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import DataError, printable
from ..files import csv_text
from .sources.file_tree import Item

SPLITS = ("train", "val", "test")
# Independent of a run's seed, so that runs with other seeds are tested on the same images.
SPLIT_SEED = 0
# What is held out where no split was made; more than so many images would not measure better, only train worse.
HELD_OUT, MOST_HELD_OUT = 0.15, 5000


@dataclass
class Split:
    """Images with labels: files (or what stands for them, inside a zip), or an array of uint8 pixels N x H x W x 3.

    An array of gray images is N x H x W.

    `labels` are int64 indices into the data set's `class_names`; `names` tell the images apart in tables and reports.
    """

    images: np.ndarray | list[Item]
    labels: np.ndarray
    names: list[str]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray | Sequence[int]) -> Split:
        """The images at `indices`, in that order."""
        order = [int(i) for i in indices]
        images = [self.images[i] for i in order] if isinstance(self.images, list) else self.images[order]
        return Split(images, self.labels[order], [self.names[i] for i in order])

    def join(self, other: Split) -> Split:
        """This split's images, then the other's."""
        if isinstance(self.images, list) or isinstance(other.images, list):
            images: np.ndarray | list[Item] = [*self.images, *other.images]
        else:
            images = np.concatenate([self.images, other.images])
        return Split(images, np.concatenate([self.labels, other.labels]), self.names + other.names)


@dataclass
class Data:
    """A named data set: its classes and its splits (`train`, `val`, `test`; the last two may be missing).

    `channels` is 1 for gray images and 3 for colour. `divided` says that we divided it, since it came in one piece,
    and `held_out` that validation images were taken out of those to train on.
    `kind` is "digits" (or other signs: gray, and no longer the same when mirrored) or "photos".
    """

    name: str
    class_names: list[str]
    splits: dict[str, Split]
    channels: int = 1
    divided: bool = False
    held_out: bool = False
    kind: str = "photos"

    def counts(self) -> dict[str, list[int]]:
        """How many images each class has in each split."""
        classes = len(self.class_names)
        return {name: np.bincount(part.labels, minlength=classes).tolist() for name, part in self.splits.items()}

    def split(self, name: str) -> Split:
        """One split, or `all` of them as one; DataError names those that exist."""
        if name == "all":
            joined = list(self.splits.values())
            whole = joined[0]
            for other in joined[1:]:
                whole = whole.join(other)
            return whole
        if name not in self.splits:
            raise DataError(
                f"{printable(self.name)} has no split '{name}'; it has {', '.join(self.splits)}: choose with --split"
            )
        return self.splits[name]


def divide(whole: Split, val: float, test: float, seed: int = SPLIT_SEED) -> dict[str, Split]:
    """Divide into train, val and test with the given shares of every class.

    The same images give the same division whatever order they come in. A class of one image goes to train, of two to
    train and val; from three on each part that is asked for gets at least one.
    """
    order = np.array(sorted(range(len(whole)), key=lambda i: os.fsencode(whole.names[i])), dtype=np.int64)
    shuffled = order[np.random.default_rng(seed).permutation(len(order))]
    parts: dict[str, list[int]] = {"train": [], "val": [], "test": []}
    for label in np.unique(whole.labels):
        members = shuffled[whole.labels[shuffled] == label]
        n = len(members)
        n_test = max(round(n * test), 1) if test and n >= 3 else 0
        n_val = max(round(n * val), 1) if val and n >= 2 else 0
        parts["test"] += members[:n_test].tolist()
        parts["val"] += members[n_test : n_test + n_val].tolist()
        parts["train"] += members[n_test + n_val :].tolist()
    return {name: whole.take(sorted(indices)) for name, indices in parts.items() if indices or name == "train"}


def held_out_share(images: int) -> float:
    """The share of so many images that is held out for each of validation and test."""
    return min(HELD_OUT, MOST_HELD_OUT / max(images, 1))


def hold_out(splits: dict[str, Split]) -> dict[str, Split]:
    """The same splits, with a validation split taken out of the training images if there is none."""
    if "val" in splits:
        return splits
    held = divide(splits["train"], held_out_share(len(splits["train"])), 0)
    return {**held, **{name: split for name, split in splits.items() if name != "train"}}


def split_table(data: Data) -> bytes:
    """CSV `path,label,split` of every image: what a run was trained, chosen and tested on. Any file name survives."""
    rows = [
        (path, data.class_names[label], name)
        for name, split in data.splits.items()
        for path, label in zip(split.names, split.labels, strict=True)
    ]
    return csv_text([("path", "label", "split"), *rows]).encode("utf-8", "surrogateescape")


def redivide(data: Data, table: bytes) -> Data:
    """`data` divided as an earlier run's split table says; images that came later are left out."""
    rows = csv.DictReader(io.StringIO(table.decode("utf-8", "surrogateescape"), newline=""))
    belongs = {row["path"]: row["split"] for row in rows}
    whole = data.split("all")
    parts = {name: [i for i, path in enumerate(whole.names) if belongs.get(path) == name] for name in SPLITS}
    return replace(data, splits={name: whole.take(indices) for name, indices in parts.items() if indices})
