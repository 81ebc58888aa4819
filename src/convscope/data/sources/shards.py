"""Folders of tar shards in the layout of WebDataset: `train-000000.tar` with `0001.jpg` beside `0001.cls` or `.json`.

A shard is listed once and then read at positions, like any other tar, so that images come in any order and a training
goes on in the middle of an epoch. `INDEX`, which `convscope shard` writes, says which shards there are and how large.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import DataError, printable
from ...problems import listed
from ..split import Data, Origin
from .archive import Member
from .assemble import assemble, assemble_multi_label
from .folder import Folder, has_image_suffix, read_file_up_to
from .remote import RemoteFile
from .remote_folder import INDEX, SHARD_INDEX
from .split_names import split_of
from .tar_archive import list_tar

Shard = Path | RemoteFile
# `train-000000.tar`, `imagenet_val_0001.tar`, `000012.tar`; the first group is what says the split.
NAME = re.compile(r"^(?:(.*?)[-_.])?\d{3,}\.tar$", re.IGNORECASE)
LABEL_KEYS, SEVERAL_KEYS = ("label", "class", "cls", "class_name", "target"), ("labels", "tags")
LABEL_LIMIT, INDEX_LIMIT = 1 << 20, 1 << 26


@dataclass
class _Sample:
    """The image of one key in a shard, and the files that hold its label: `.cls` or else `.json`, and the `.json`."""

    images: list[Member] = field(default_factory=list)
    label: Member | None = None
    document: Member | None = None


def find_shards(folder: Folder) -> dict[str, list[tuple[str, Shard]]]:
    """Return the tar shards in a folder without image files, by split: each with its path; {} if there are none.

    The split is that of the name before the number, else that of the folder below `folder`; without either, "train".
    """
    found = _named_like_shards(folder, "")
    for inner in folder.folders():
        found += _named_like_shards(inner, f"{inner.name}/")
    if not found or folder.has_images():
        return {}
    parts: dict[str, list[tuple[str, Shard]]] = defaultdict(list)
    for path, file in found:
        above, _, name = path.rpartition("/")
        match = NAME.match(name)
        words = re.split(r"[-_.]", (match and match[1]) or "")
        parts[split_of(words[-1]) or split_of(words[0]) or split_of(above) or "train"].append((path, file))
    return dict(parts)


def is_shard_name(name: str) -> bool:
    """Whether a file is named like a tar shard: its name ends in a number of at least three digits."""
    return bool(NAME.match(name))


def is_shard(path: Path) -> bool:
    """Whether a file is a single shard: named like one, with labels of its own beside its images."""
    if not is_shard_name(path.name) or not path.is_file():
        return False
    return any(name.lower().endswith((".cls", ".json")) for name in list_tar(path)[0])


def load_shards(parts: Mapping[str, Sequence[tuple[str, Shard]]], shown: str, folder: Folder | None = None) -> Data:
    """Load the images and labels of tar shards; DataError names a shard that is missing, cut or without labels.

    `folder` is the one that holds them, with the index if there is one.
    """
    names = () if folder is None else _checked_index(folder, shown)
    rows: dict[str, list[tuple[str, Member, tuple[str, ...]]]] = {"train": []}
    several = False
    for split, files in parts.items():
        for path, file in files:
            where = shown if folder is None else f"{shown}/{printable(path)}"
            for key, sample in _samples(_members(file, path, folder), where).items():
                labels, is_list = _labels(sample, names, f"{where}: {printable(key)}")
                several |= is_list
                rows.setdefault(split, []).append((f"{path.removesuffix('.tar')}/{key}", sample.images[0], labels))
    if several:
        data = assemble_multi_label(shown, rows, names)
    else:
        classes: dict[str, dict[str, list[tuple[str, Member]]]] = {"train": {}}
        for split, images in rows.items():
            for name, image, labels in images:
                classes.setdefault(split, {}).setdefault(labels[0], []).append((name, image))
        data = assemble(shown, classes)
    count = sum(map(len, parts.values()))
    told = f"labels in {count:,} tar shards"
    if several:
        told = f"{told}, several labels per image"
    return data.described(Origin(told, f"names of the shards ({listed(list(parts))})" if len(parts) > 1 else ""))


def _named_like_shards(folder: Folder, below: str) -> list[tuple[str, Shard]]:
    files = folder.files().items()
    return [(below + name, file) for name, file in files if is_shard_name(name) and isinstance(file, Path | RemoteFile)]


def _members(file: Shard, path: str, folder: Folder | None) -> dict[str, Member]:
    """Return the files in a shard by path."""
    if isinstance(file, RemoteFile):
        return file.members(folder.find(path + SHARD_INDEX) if folder is not None else None)
    return list_tar(file)[0]


def _checked_index(folder: Folder, shown: str) -> Sequence[str]:
    """Return the class names of the index, if there is one; DataError for a shard that is not as the index says."""
    index = folder.files().get(INDEX)
    if index is None:
        return ()
    try:
        content = json.loads(read_file_up_to(index, INDEX_LIMIT))
        expected = {str(shard["name"]): int(shard["bytes"]) for shard in content["shards"]}
        names = [str(name) for name in content["class_names"]]
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise DataError(f"{shown}/{INDEX}: damaged ({printable(problem)[:80]}): write the shards again") from problem
    for name, size in expected.items():
        file = folder.files().get(name)
        if not isinstance(file, Path | RemoteFile):
            raise DataError(
                f"{shown}: the shard {printable(name)} is missing: copy it again, or write the shards again"
            )
        found = file.size if isinstance(file, RemoteFile) else file.stat().st_size
        if found != size:
            raise DataError(f"{shown}/{printable(name)}: {found:,} bytes instead of {size:,}: copy it again")
    return names


def _samples(members: Mapping[str, Member], where: str) -> dict[str, _Sample]:
    """Return what a shard holds, by key: the path up to the first point of the file's name."""
    samples: dict[str, _Sample] = defaultdict(_Sample)
    for path, member in members.items():
        above, slash, name = path.rpartition("/")
        stem, _, suffix = name.partition(".")
        sample = samples[f"{above}{slash}{stem}"]
        if has_image_suffix(name):
            sample.images.append(member)
        elif suffix.lower() == "cls":
            sample.label = member
        elif suffix.lower() == "json":
            sample.label, sample.document = sample.label or member, member
    samples = {key: sample for key, sample in samples.items() if sample.images}
    for key, sample in samples.items():
        if len(sample.images) > 1:
            raise DataError(f"{where}: {printable(key)} has {len(sample.images)} images: one per sample can be used")
        if sample.label is None:
            raise DataError(f"{where}: {printable(key)} has no label: expected {printable(key)}.cls or .json")
    return samples


def _labels(sample: _Sample, names: Sequence[str], where: str) -> tuple[tuple[str, ...], bool]:
    """Return the labels of a sample, and whether there may be several; numbers are indices into `names` if given."""
    assert sample.label is not None
    if not names and (name := _name_in_own_document(sample)) is not None:
        return (name,), False
    text = read_file_up_to(sample.label, LABEL_LIMIT).decode("utf-8", "replace").strip()
    value: object = text
    if sample.label.path.lower().endswith(".json"):
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise DataError(f"{where}: its .json is damaged: write the shard again") from problem
        keys = [key for key in (*LABEL_KEYS, *SEVERAL_KEYS) if isinstance(content, dict) and key in content]
        if isinstance(content, dict) and not keys:
            raise DataError(f"{where}: its .json has no field `label` or `labels`")
        value = content[keys[0]] if keys else content
    if isinstance(value, list):
        return tuple(_class_name(each, names) for each in value), True
    if value is None or value == "":
        raise DataError(f"{where} has an empty label")
    return (_class_name(value, names),), False


def _name_in_own_document(sample: _Sample) -> str | None:
    """Return the class that `convscope shard` wrote beside a `.cls`, whose number says nothing without the index."""
    if sample.document is None or sample.document is sample.label:
        return None
    try:
        content = json.loads(read_file_up_to(sample.document, LABEL_LIMIT))
    except (ValueError, RecursionError):
        return None
    is_own = isinstance(content, dict) and content.keys() == {"label", "name"}
    return content["label"] if is_own and isinstance(content["label"], str) else None


def _class_name(value: object, names: Sequence[str]) -> str:
    text = str(value)
    is_index = names and text not in names and text.isascii() and text.isdigit() and int(text) < len(names)
    return names[int(text)] if is_index else text
