"""Lists of images by split beside class folders: `train.txt`, `test.json` or `splits.json` of paths, CUB's numbers."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...errors import DataError, printable
from ...problems import listed, warn
from ..image_file import ImageItem
from ..split import SPLITS
from .annotations import ANNOTATIONS, data_images
from .assemble import Classes
from .folder import File, Folder, join_path, read_file_up_to
from .split_names import split_of
from .split_tables import read_split_table
from .table_file import JSON, LISTS, TABLES
from .text_encoding import decode_text

# Bytes of a list: some million lines.
LIMIT = 1 << 28
# Lines of which most must name images for a file to be a list of them.
LINES_TRIED = 20
# CUB-200 numbers its images in the first file; the second has 1 behind the numbers of training images.
NUMBERED, MEMBERSHIP = "images.txt", "train_test_split.txt"


@dataclass(frozen=True)
class SplitLists:
    """The split of each image that a list names, by its file, and the names of the lists."""

    splits: Mapping[ImageItem, str]
    names: list[str]

    @property
    def told(self) -> str:
        """Say in words where the splits come from."""
        names = listed(self.names, 4)
        return f"lists {names}" if len(self.names) > 1 else f"list {names}"

    def split(self, item: ImageItem) -> str | None:
        """Return the split of an image: that of its list, else train if no list names the training images."""
        return self.splits.get(item) or (None if "train" in self.splits.values() else "train")


def find_split_lists(above: Sequence[Folder], encoding: str = "auto") -> SplitLists | None:
    """Return the splits that lists give to the images of a data set; `above` are the folders that may hold the lists.

    The first one holds all the images. The lists lie in them or in their folders without images; each is called as
    a split is, and each of its lines begins with the path of an image, with or without its suffix, from any of the
    folders around the image on. None if there is no list, or if only training images are listed.
    """
    files = [found for folder in above for found in list_files(folder, 2)]
    lists_of = [found for found in files if found[0].lower().endswith((*LISTS, *JSON))]
    named = {split: [found for found in lists_of if split_of_list(found[0]) == split] for split in SPLITS}
    numbered = [found for name in (NUMBERED, MEMBERSHIP) for found in files if found[0].rpartition("/")[2] == name]
    tables = {path: found for path, item in files if (found := read_split_table(path, item, encoding))}
    documents = {path: found for path, item in files if (found := _document_of_splits(path, item, encoding))}
    if not any(named.values()) and len(numbered) < 2 and not tables and not documents:
        return None
    finder = ListedImages(data_images(above[0]))
    lists = {
        split: [
            (path, lines) for path, item in found if (lines := finder.listed(list_lines(path, item, encoding), path))
        ]
        for split, found in named.items()
    }
    if len(numbered) == 2:
        of_number = dict(line.split(None, 1) for line in list_lines(*numbered[0], encoding) if len(line.split()) > 1)
        rows = [line.split() for line in list_lines(*numbered[1], encoding)]
        for split, mark in (("train", "1"), ("test", "0")):
            members = [of_number.get(row[0], row[0]) for row in rows if row[-1] == mark]
            lists[split].append((numbered[1][0], members))
    for path, by_split in tables.items():
        for split, images in by_split.items():
            lists[split].append((path, images))
    for path, by_split in documents.items():
        for split, images in by_split.items():
            lists[split] += [(path, lines)] if (lines := finder.listed(images, path)) else []
    return _joined(lists, finder, printable(above[0]))


def divided_by_lists(classes: Classes, lists: SplitLists, shown: str) -> dict[str, Classes]:
    """Divide images, given by class, as lists say; those that no list names are left out, with a warning."""
    parts: dict[str, dict[str, list[tuple[str, ImageItem]]]] = {"train": {}}
    unlisted: list[str] = []
    for label, images in classes.items():
        parts["train"].setdefault(label, [])
        for name, item in images:
            split = lists.split(item)
            if split is None:
                unlisted.append(name)
            else:
                parts.setdefault(split, {}).setdefault(label, []).append((name, item))
    if unlisted:
        warn("unlisted-images", shown, f"images in no list, not used: {len(unlisted):,} ({listed(unlisted)})")
    return dict(parts)


def _joined(lists: dict[str, list[tuple[str, list[str]]]], finder: ListedImages, where: str) -> SplitLists | None:
    """Give every image its split; None where the lists do not say it, with a warning if they contradict each other."""
    result: dict[ImageItem, str] = {}
    missing = 0
    names = list(dict.fromkeys(path for found in lists.values() for path, _ in found))
    for split, found in lists.items():
        for _, lines in found:
            for line in lines:
                item = finder.find(line)
                if item is None:
                    missing += 1
                elif result.setdefault(item, split) != split:
                    text = "name the same images for several splits; they are not used: keep one list per split"
                    warn("split-lists", where, f"{listed(names, 4)} {text}")
                    return None
    if missing:
        warn("split-lists", where, f"lines of {listed(names, 4)} that name no image that is there: {missing:,}")
    return SplitLists(result, names) if set(result.values()) - {"train"} else None


class ListedImages:
    """Finds images by what a line of a list begins with."""

    def __init__(self, images: Sequence[tuple[str, File]]):
        self.items: dict[str, File | None] = {}
        for path, item in images:
            steps = path.split("/")
            for i in range(len(steps)):
                name = "/".join(steps[i:])
                for key in (name, os.path.splitext(name)[0]):  # noqa: PTH122
                    # A name that several images have tells none of them.
                    self.items[key] = item if self.items.get(key, item) == item else None

    def listed(self, lines: list[str], path: str) -> list[str]:
        """Return the lines if most of the first ones name images; none, with a warning, if one names several."""
        first = [line for line in lines[:LINES_TRIED] if self._key(line) in self.items]
        if 2 * len(first) <= len(lines[:LINES_TRIED]):
            return []
        if several := [line for line in first if self.find(line) is None]:
            text = f"'{printable(several[0])}' may be any of several images; the list is not used: write the whole path"
            warn("split-lists", path, text)
            return []
        return lines

    def find(self, line: str) -> File | None:
        """Return the image that a line names, or None."""
        return self.items.get(self._key(line))

    def _key(self, line: str) -> str:
        text = line.strip().replace("\\", "/").removeprefix("./").removeprefix("/")
        return text if text in self.items else re.split(r"[\s,]", text, maxsplit=1)[0]


def list_files(folder: Folder, deeper: int) -> list[tuple[str, File]]:
    """Return lists and tables in a folder and in its folders of annotations or without images, with their paths."""
    files = [(join_path(folder.path, name), item) for name, item in folder.files().items()]
    found = [(path, item) for path, item in files if path.lower().endswith((*LISTS, *TABLES, *JSON))]
    for inner in folder.folders() if deeper else ():
        if not inner.has_images() or inner.name.lower() in ANNOTATIONS:
            found += list_files(inner, deeper - 1)
    return found


def split_of_list(path: str) -> str | None:
    """Return the split that a list is called after, or None."""
    return split_of(os.path.splitext(path.rpartition("/")[2])[0])  # noqa: PTH122


def list_lines(path: str, item: File, encoding: str = "auto") -> list[str]:
    """Return the lines of a list, without comments; none of a file that cannot be decoded."""
    try:
        text = decode_text(read_file_up_to(item, LIMIT), path, encoding)
    except DataError:  # no text, or not in an encoding that is clear
        return []
    if path.lower().endswith(JSON):
        return _names_in(_document(text))
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _document_of_splits(path: str, item: File, encoding: str) -> dict[str, list[str]]:
    """Return the names by split in a document of JSON such as `splits.json`; empty for every other file."""
    if not (path.lower().endswith(JSON) and "split" in path.rpartition("/")[2].lower()):
        return {}
    try:
        document = _document(decode_text(read_file_up_to(item, LIMIT), path, encoding))
    except DataError:
        return {}
    parts = document.items() if isinstance(document, dict) else ()
    by_split = {split: names for name, part in parts if (split := split_of(name)) and (names := _names_in(part))}
    return by_split if len(by_split) == len(parts) else {}


def _document(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _names_in(part: object) -> list[str]:
    """Return a list of names, or those of each class together; none where something else is among them."""
    if isinstance(part, dict):
        lists = [_names_in(names) for names in part.values()]
        return [name for names in lists for name in names] if all(lists) else []
    return part if isinstance(part, list) and all(isinstance(name, str) for name in part) else []
