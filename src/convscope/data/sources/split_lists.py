"""Lists of images by split beside class folders: `train.txt`, `test.json` or `splits.json` of paths, CUB's numbers."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ...errors import DataError, printable
from ...problems import listed, warn
from ..image_file import ImageItem
from ..split import SPLITS
from .annotations import ANNOTATIONS, data_images
from .assemble import Classes
from .folder import File, Folder, join_path, read_file_up_to
from .matlab_lists import matlab_names
from .split_names import split_of
from .split_tables import read_split_table
from .table_file import JSON, LISTS, TABLES
from .text_encoding import decode_text

MATLAB = ".mat"
# Bytes of a list: some million lines.
LIMIT = 1 << 28
# Lines of which most must name images for a file to be a list of them.
LINES_TRIED = 20
# CUB-200 numbers its images in the first file; the second has 1 behind the numbers of training images.
NUMBERED, MEMBERSHIP = "images.txt", "train_test_split.txt"


@dataclass(frozen=True)
class SplitLists:
    """The split of each image that a list names, by its file, and the names of the lists; `kind` is list or table."""

    splits: Mapping[ImageItem, str]
    names: list[str]
    kind: str = "list"

    @property
    def told(self) -> str:
        """Say in words where the splits come from."""
        names, several = listed(self.names, 4), len(self.names) > 1
        if self.kind == "table":
            return f"tables {names}" if several else f"table {names}"
        return f"lists {names}" if several else f"list {names}"

    def split(self, item: ImageItem) -> str | None:
        """Return the split of an image: that of its list, else train if no list names the training images."""
        return self.splits.get(item) or (None if "train" in self.splits.values() else "train")


# The lists of each split, with their paths and lines.
Lists = dict[str, list[tuple[str, list[str]]]]


def find_split_lists(
    above: Sequence[Folder], encoding: str = "auto", among: Collection[ImageItem] | None = None
) -> SplitLists | None:
    """Return the splits that lists give to the images of a data set; `above` are the folders that may hold the lists.

    The first one holds all the images. The lists lie in them or in their folders without images; each is called as
    a split is, and each of its lines begins with the path of an image, with or without its suffix, from any of the
    folders around the image on. None if there is no list, or if only training images are listed.

    `among` are the training images where folders are splits: only what lists set aside of these counts then.
    """
    lists = _all_lists([found for folder in above for found in list_files(folder, 2)], encoding)
    if not any(lists.values()):
        return None
    images = data_images(above[0])
    if among is None:
        finder = ListedImages(images)
    else:
        finder = ListedImages([(path, item) for path, item in images if item in among])
        outside = ListedImages([(path, item) for path, item in images if item not in among])
        lists["train"] = []
        lists = {split: [each for each in found if not outside.most(each[1])] for split, found in lists.items()}
    lists = {split: [each for each in found if finder.listed(each[1], each[0])] for split, found in lists.items()}
    first = next((path for found in lists.values() for path, _ in found), "")
    return _joined(lists, finder, printable(first))


def _all_lists(files: Sequence[tuple[str, File]], encoding: str) -> Lists:
    """Return all lists among files that are called as a split, or that name several splits."""
    lists_of = [found for found in files if found[0].lower().endswith((*LISTS, *JSON))]
    lists = {
        split: [(path, list_lines(path, item, encoding)) for path, item in lists_of if split_of_list(path) == split]
        for split in SPLITS
    }
    for path, item in files:
        if path.lower().endswith(MATLAB) and (split := split_of_list(path)):
            lists[split].append((path, matlab_names(path, item)))
    numbered = [found for name in (NUMBERED, MEMBERSHIP) for found in files if found[0].rpartition("/")[2] == name]
    if len(numbered) == 2:
        of_number = dict(line.split(None, 1) for line in list_lines(*numbered[0], encoding) if len(line.split()) > 1)
        rows = [line.split() for line in list_lines(*numbered[1], encoding)]
        for split, mark in (("train", "1"), ("test", "0")):
            members = [of_number.get(row[0], row[0]) for row in rows if row[-1] == mark]
            lists[split].append((numbered[1][0], members))
    for path, item in files:
        for read in (read_split_table, _document_of_splits):
            for split, names in read(path, item, encoding).items():
                lists[split].append((path, names))
    return lists


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


def _joined(lists: Lists, finder: ListedImages, where: str) -> SplitLists | None:
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
                    if (first := _first_numbered(lists, where)) is not None:
                        return _joined(first, finder, where)
                    text = "name the same images for several splits; they are not used: keep one list per split"
                    warn("split-lists", where, f"{listed(names, 4)} {text}")
                    return None
    if missing:
        warn("split-lists", where, f"lines of {listed(names, 4)} that name no image that is there: {missing:,}")
    return SplitLists(result, names) if set(result.values()) - {"train"} else None


def _first_numbered(lists: Lists, where: str) -> Lists | None:
    """Return the first of several divisions that are numbered, as `train1.txt` to `test10.txt` of DTD; else None."""
    divisions: dict[int, Lists] = {}
    for split, found in lists.items():
        for path, lines in found:
            number = re.search(r"(\d+)\D*$", os.path.splitext(path.rpartition("/")[2])[0])  # noqa: PTH122
            if number is None:
                return None
            divisions.setdefault(int(number[1]), {}).setdefault(split, []).append((path, lines))
    splits = {frozenset(division) for division in divisions.values()}
    if len(divisions) < 2 or len(splits) > 1 or not all("train" in each and len(each) > 1 for each in splits):
        return None
    first = min(divisions)
    used = listed([path for found in divisions[first].values() for path, _ in found], 4)
    text = f"{len(divisions)} divisions are numbered; the first is used ({used}): for another, keep only its lists"
    warn("split-lists", where, text)
    return divisions[first]


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
        if not self.most(lines):
            return []
        first = [line for line in lines[:LINES_TRIED] if self._key(line) in self.items]
        if several := [line for line in first if self.find(line) is None]:
            text = f"'{printable(several[0])}' may be any of several images; the list is not used: write the whole path"
            warn("split-lists", path, text)
            return []
        return lines

    def most(self, lines: list[str]) -> bool:
        """Whether most of the first lines name images."""
        first = lines[:LINES_TRIED]
        return 2 * sum(self._key(line) in self.items for line in first) > len(first)

    def find(self, line: str) -> File | None:
        """Return the image that a line names, or None."""
        return self.items.get(self._key(line))

    def _key(self, line: str) -> str:
        text = line.strip().replace("\\", "/").removeprefix("./").removeprefix("/")
        return text if text in self.items else re.split(r"[\s,]", text, maxsplit=1)[0]


def list_files(folder: Folder, deeper: int) -> list[tuple[str, File]]:
    """Return lists and tables in a folder and in its folders of annotations or without images, with their paths."""
    files = [(join_path(folder.path, name), item) for name, item in folder.files().items()]
    found = [(path, item) for path, item in files if path.lower().endswith((*LISTS, *TABLES, *JSON, MATLAB))]
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
