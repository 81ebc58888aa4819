"""Labels in file names, such as `train/cat.0.jpg`: read by a pattern that the user gives, or suggested."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ...errors import DataError, UsageError, printable
from ...problems import listed, warn
from ..image_file import ImageItem
from ..split import Data, Origin
from .annotations import data_images
from .assemble import assemble
from .folder import File, Folder
from .split_lists import divided_by_lists, find_split_lists
from .split_names import is_unlabelled, split_of_path

# A name that ends in a number, and what comes before it: `cat.0.jpg`, `great_pyrenees_12.jpg`, `pizza (3).jpg`.
NUMBERED = r"(?:^|/)([^\d/]+?)[-_. (]*\d+\)?\.\w+$"


def load_by_pattern(folder: Folder, pattern: str, shown: str) -> Data:
    """Load all images of a folder, each with the label that the pattern's first group finds in its path.

    Folders that are called as splits are splits; in those for testing, images whose names have no label are left out.
    Raises UsageError for a pattern that is none, and DataError for other images that it does not match.
    """
    try:
        expression = re.compile(pattern)
    except re.error as problem:
        raise UsageError(f"--label-pattern {printable(pattern)} is no regular expression: {problem}") from problem
    parts: dict[str, dict[str, list[tuple[str, ImageItem]]]] = {"train": {}}
    without: list[str] = []
    unused = 0
    for path, item in data_images(folder):
        name = path[len(folder.path) + 1 :] if folder.path else path
        split, found = split_of_path(name), expression.search(name)
        label = (found.group(1 if expression.groups else 0) or "").strip() if found else ""
        if label and not is_unlabelled(name.rpartition("/")[0]):
            parts.setdefault(split or "train", {}).setdefault(label, []).append((path, item))
        elif split == "test" or is_unlabelled(name.rpartition("/")[0]):
            unused += 1
        else:
            without.append(name)
    if without:
        text = f"{len(without):,} images have no label by --label-pattern, such as {printable(without[0])}"
        raise DataError(f"{shown}: {text}: change the pattern, or move them away")
    if unused:
        warn("unlabelled-images", shown, f"{unused:,} images without labels are not used")
    lists = find_split_lists([folder]) if set(parts) == {"train"} else None
    data = assemble(shown, parts if lists is None else divided_by_lists(parts["train"], lists, shown))
    told = f"--label-pattern over the paths ({listed(data.class_names)})"
    splits = lists.told if lists else "folder names" if set(parts) != {"train"} else ""
    return data.described(Origin(told, splits))


def suggest_pattern(images: Sequence[tuple[str, File]]) -> str:
    """Return a hint where names of images begin with what may be labels; an empty text where they do not."""
    found = [re.search(NUMBERED, name) for name, _ in images if split_of_path(name) != "test"]
    labels = Counter(match.group(1) for match in found if match)
    if len(labels) < 2 or min(labels.values()) < 2 or not all(found):
        return ""
    begin = listed(sorted(labels), 3)
    return f"their names begin with {begin}: if those are the classes, --label-pattern '{NUMBERED}'"
