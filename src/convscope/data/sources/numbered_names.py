"""Lists that number the classes which the names of the images begin with, as those of Oxford-IIIT Pet do."""

from __future__ import annotations

import re
from collections import defaultdict

from ...problems import listed, warn
from ..split import SPLITS, Data, Origin
from .annotations import data_images
from .assemble import assemble
from .folder import File, Folder
from .split_lists import ListedImages, list_files, list_lines, split_of_list
from .table_file import LISTS

# `Abyssinian_100 1 1 1`: a class and the number of the image, with or without a suffix; the number of the class; more.
LINE = re.compile(r"(?P<name>(?:.*/)?(?P<label>[^/]*[^\W\d_])[-_ ]*\d+(?:\.\w+)?)\s+(?P<number>\d+)(?:\s+\d+)+")
# What the list of all images is called where others have those of a split.
ALL = re.compile(r"(?:.*/)?(?:list|all)\.\w+", re.IGNORECASE)


def load_numbered_names(folder: Folder, shown: str, encoding: str) -> Data | None:
    """Load images whose names begin with their class, by lists such as `annotations/trainval.txt` and `test.txt`.

    A list counts only where each of its numbers stands for one beginning, and each beginning has one number. None for
    every other folder.
    """
    lists = {path: list_lines(path, item, encoding) for path, item in list_files(folder, 2) if path.endswith(LISTS)}
    matches = {path: [LINE.fullmatch(line.strip()) for line in lines] for path, lines in lists.items()}
    rows = {path: [match for match in found if match] for path, found in matches.items() if found and all(found)}
    named = {path: split for path in rows if (split := split_of_list(path))}
    if "train" not in named.values():
        named = {path: "train" for path in rows if ALL.fullmatch(path)}
    if not named or not _is_one_to_one([match for path in named for match in rows[path]]):
        return None
    images = data_images(folder)
    finder, names = ListedImages(images), {item: name for name, item in images}
    parts: dict[str, dict[str, list[tuple[str, File]]]] = {}
    used: dict[File, str] = {}
    missing = twice = 0
    for path, split in sorted(named.items(), key=lambda one: SPLITS.index(one[1]), reverse=True):
        classes = parts.setdefault(split, defaultdict(list))
        for match in rows[path]:
            item = finder.find(match["name"])
            missing += item is None
            twice += item is not None and used.get(item, split) != split
            if item is not None and item not in used:
                used[item] = split
                classes[match["label"]].append((names[item], item))
    if not used:
        return None
    if twice:
        text = f"images named by more than one of {listed([*named], 4)}, not trained on: {twice:,}"
        warn("split-lists", shown, text)
    _warn_about_rest(listed([*named], 4), missing, [name for name, item in images if item not in used], shown)
    data = assemble(shown, parts)
    told = f"the names of the images, as {listed([*named], 4)} number them ({listed(data.class_names)})"
    return data.described(Origin(told, f"lists {listed([*named], 4)}" if len(named) > 1 else ""))


def _is_one_to_one(matches: list[re.Match[str]]) -> bool:
    pairs = {(match["label"], match["number"]) for match in matches}
    labels, numbers = ({pair[i] for pair in pairs} for i in (0, 1))
    return len(pairs) == len(labels) == len(numbers) > 1


def _warn_about_rest(lists: str, missing: int, unlisted: list[str], shown: str) -> None:
    if missing:
        warn("split-lists", shown, f"lines of {lists} that name no image that is there: {missing:,}")
    if unlisted:
        text = f"images in no list, not used: {len(unlisted):,} ({listed(unlisted)})"
        warn("unlisted-images", shown, text)
