"""A data set and its splits, and how a data set without splits is divided into training, validation and test images."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import DataError, printable
from ..files import csv_text
from .image_file import ImageItem

SPLITS = ("train", "val", "test")
# Independent of a run's seed, so that runs with other seeds are tested on the same images.
SPLIT_SEED = 0
# Share and highest number of images held out for each of validation and test: with more than that, training loses
# images and the figures gain hardly any precision.
HELD_OUT, MOST_HELD_OUT = 0.15, 5000


@dataclass
class Split:
    """Images with labels.

    `images` are files or parts of a zip or table, or an array of uint8 pixels, N x H x W (gray) or N x H x W x 3.
    `labels` are int64 indices into the data set's `class_names`, or for several labels per image uint8 N x K, 1 where
    an image has a label. `names` identify the images in tables and reports.
    """

    images: np.ndarray | list[ImageItem]
    labels: np.ndarray
    names: list[str]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray | Sequence[int]) -> Split:
        """Return the images at `indices`, in that order."""
        order = [int(i) for i in indices]
        images = [self.images[i] for i in order] if isinstance(self.images, list) else self.images[order]
        return Split(images, self.labels[order], [self.names[i] for i in order])

    def join(self, other: Split) -> Split:
        """Return this split's images followed by those of `other`."""
        if isinstance(self.images, list) or isinstance(other.images, list):
            images: np.ndarray | list[ImageItem] = [*self.images, *other.images]
        else:
            images = np.concatenate([self.images, other.images])
        return Split(images, np.concatenate([self.labels, other.labels]), self.names + other.names)


@dataclass(frozen=True)
class Origin:
    """Where the classes and the splits of a data set come from, in words: `folder names (cat, dog)`, `column split`.

    `kind` says what the images were taken for and why; it is empty for published sets, where that is known.
    """

    classes: str
    splits: str = ""
    kind: str = ""

    def __str__(self) -> str:
        text = f"classes: {self.classes}; splits: {self.splits or 'none'}"
        return f"{text}\nkind: {self.kind}" if self.kind else text


@dataclass
class Data:
    """A named data set: its classes and its splits (`train`, `val`, `test`; the last two may be missing).

    `channels` is 1 for gray images and 3 for colour. `divided` is true if the source had no splits and we made them,
    `held_out` if it had no validation split and we took one out of the training images. `kind` is "digits" for digits
    and other characters, which must not be mirrored, or "photos"; `kind_reason` says why, where the pixels or the user
    decided it. With `multi_label` an image may have several labels
    or none. `untrainable` says why no classifier can be trained on the images, if that is so, although one can be
    evaluated. `origin` says where classes and splits come from. `columns` has the further columns of a table: column ->
    name of the image -> cell. `groups` has the group of each image by its name, if groups were asked for; `digests` the
    digest (hexadecimal) of each image file in the training of a run that the data set belongs to.

    >>> from convscope import load_data
    >>> data = load_data("digits")
    >>> {name: len(split) for name, split in data.splits.items()}
    {'train': 1259, 'val': 269, 'test': 269}
    >>> data.splits["train"].images.shape, data.class_names[:3]
    ((1259, 8, 8), ['0', '1', '2'])
    """

    name: str
    class_names: list[str]
    splits: dict[str, Split]
    channels: int = 1
    divided: bool = False
    held_out: bool = False
    kind: str = "photos"
    kind_reason: str = ""
    multi_label: bool = False
    untrainable: str = ""
    origin: Origin | None = None
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def described(self, origin: Origin) -> Data:
        """Note where the classes and splits come from, and what was divided here; return the data set itself."""
        sizes = ", ".join(f"{len(split):,} {name}" for name, split in self.splits.items())
        splits = origin.splits
        if self.divided:
            splits = f"divided by ConvScope ({sizes})"
        elif self.held_out:
            splits = f"{splits}; validation: {len(self.splits.get('val', ())):,} of the training images"
        kind = f"photos ({self.kind_reason})" if self.kind == "photos" else f"digits ({self.kind_reason})"
        self.origin = Origin(origin.classes, splits, kind if self.kind_reason else "")
        return self

    def with_kind(self, kind: str) -> Data:
        """Take the images for this kind, which the user gave; return the data set itself."""
        self.kind, self.kind_reason = kind, "given"
        if self.origin is not None:
            self.origin = replace(self.origin, kind=f"{kind} (given)")
        return self

    def counts(self) -> dict[str, list[int]]:
        """Return the number of images of each class, by split."""
        classes = len(self.class_names)
        if self.multi_label:
            return {name: part.labels.sum(0).tolist() for name, part in self.splits.items()}
        return {name: np.bincount(part.labels, minlength=classes).tolist() for name, part in self.splits.items()}

    def groups_of(self, names: Sequence[str]) -> list[str]:
        """Return the group of each image; an empty list if the data set has no groups."""
        return [self.groups[name] for name in names] if self.groups else []

    def split(self, name: str) -> Split:
        """Return one split, or for `all` the splits joined; DataError names those that exist."""
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

    The same images give the same division in whatever order they come. A class of one image goes to train, of two to
    train and val; from three on, every part whose share is not 0 gets at least one. An image with several labels counts
    for the rarest of them.
    """
    order = np.array(sorted(range(len(whole)), key=lambda i: os.fsencode(whole.names[i])), dtype=np.int64)
    shuffled = order[np.random.default_rng(seed).permutation(len(order))]
    parts: dict[str, list[int]] = {"train": [], "val": [], "test": []}
    labels = whole.labels if whole.labels.ndim == 1 else rarest_labels(whole.labels)
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        n = len(members)
        n_test = max(round(n * test), 1) if test and n >= 3 else 0
        n_val = max(round(n * val), 1) if val and n >= 2 else 0
        parts["test"] += members[:n_test].tolist()
        parts["val"] += members[n_test : n_test + n_val].tolist()
        parts["train"] += members[n_test + n_val :].tolist()
    return {name: whole.take(sorted(indices)) for name, indices in parts.items() if indices or name == "train"}


def rarest_labels(labels: np.ndarray) -> np.ndarray:
    """Return for each row of N x K label marks the index of its rarest label, or -1 if it has none."""
    by_rarity = np.argsort(labels.sum(0), kind="stable")
    first = labels[:, by_rarity].argmax(1)
    return np.where(labels.any(1), by_rarity[first], -1)


def held_out_share(images: int) -> float:
    """Return the share of `images` images that is held out for each of validation and test."""
    return min(HELD_OUT, MOST_HELD_OUT / max(images, 1))


def hold_out(splits: dict[str, Split]) -> dict[str, Split]:
    """Return the splits, with a validation split taken out of the training images if there is none."""
    if "val" in splits:
        return splits
    held = divide(splits["train"], held_out_share(len(splits["train"])), 0)
    return {**held, **{name: split for name, split in splits.items() if name != "train"}}


def without_validation(data: Data) -> Data:
    """Return `data` with the images that were held out for validation trained on; a split that it brought stays."""
    if "val" not in data.splits or not (data.divided or data.held_out):
        return data
    others = {name: split for name, split in data.splits.items() if name not in ("train", "val")}
    splits = {"train": data.splits["train"].join(data.splits["val"]), **others}
    origin = data.origin
    if origin is not None:
        given = origin.splits.partition(" (" if data.divided else "; validation")[0]
        sizes = ", ".join(f"{len(split):,} {name}" for name, split in splits.items())
        origin = replace(origin, splits=f"{given} ({sizes}); none held out for validation")
    return replace(data, splits=splits, origin=origin)


def split_table(data: Data, digests: Mapping[str, bytes] | None = None) -> bytes:
    """Return CSV `path,label,split` of every image, the record of what a run is trained, validated and tested on.

    Any file name survives, also one that is not UTF-8. Several labels of an image stand with `|` between them. With
    groups there is a column `group`, and with `digests`, the digests of files by name, a column `digest`.
    """
    more: list[tuple[str, Callable[[str], str]]] = []
    if data.groups:
        more.append(("group", data.groups.__getitem__))
    if digests:
        more.append(("digest", lambda path: digests.get(path, b"").hex()))
    header = ("path", "label", "split", *(name for name, _ in more))
    rows = [
        (path, _label_text(data, label), name, *(of(path) for _, of in more))
        for name, split in data.splits.items()
        for path, label in zip(split.names, split.labels, strict=True)
    ]
    return csv_text([header, *rows]).encode("utf-8", "surrogateescape")


def _label_text(data: Data, label: np.ndarray) -> str:
    indices = np.flatnonzero(label) if data.multi_label else [label]
    return "|".join(data.class_names[i] for i in indices)


def redivide(data: Data, table: bytes) -> Data:
    """Return `data` divided as an earlier run's `split_table` says, in its order, without images added since."""
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8", "surrogateescape"), newline="")))
    whole = data.split("all")
    places = {path: i for i, path in enumerate(whole.names)}
    parts = {
        name: [places[row["path"]] for row in rows if row["split"] == name and row["path"] in places] for name in SPLITS
    }
    return replace(data, splits={name: whole.take(indices) for name, indices in parts.items() if indices})
