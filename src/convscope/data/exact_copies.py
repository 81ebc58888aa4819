"""What only reading the images can tell about a data set: copies, and classes of which nothing is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import DataError, printable
from ..problems import Problem

# An image that was read: a digest of the file, its split, the number of its class, its name.
Seen = tuple[bytes, str, int, str]


def find_copies(images: Iterable[Seen]) -> list[Problem]:
    """The images that are there twice, byte for byte, under two labels or in two splits."""
    places: dict[bytes, list[Seen]] = defaultdict(list)
    for image in images:
        places[image[0]].append(image)
    return describe_copies("the same image", [found for found in places.values() if len(found) > 1])


def describe_copies(what: str, groups: Sequence[Sequence[Seen]], kind: str = "copy") -> list[Problem]:
    """A problem for each group of images that are alike and stand under two labels, or in two splits."""
    problems = []
    for name, where, position in (("two-labels", "under two labels", 2), ("two-splits", "in two splits", 1)):
        for group in groups:
            if len({image[position] for image in group}) > 1:
                found = sorted(printable(image[3]) for image in group)
                more = f" and {len(found) - 3} more" if len(found) > 3 else ""
                text = f"{what} {where}: {' and '.join(found[:3])}{more}"
                problems.append(Problem(f"{kind}-{name}", "warning", found[0], text))
    return problems


def require_usable_classes(shown: str, class_names: Sequence[str], labels: np.ndarray) -> None:
    """DataError if a class is missing from the labels of the training images that can be used."""
    counts = np.bincount(labels, minlength=len(class_names))
    if not counts.all():
        empty = printable(class_names[int(counts.argmin())])
        raise DataError(f"{shown}: class '{empty}' has no usable training image: add some or remove the class")
