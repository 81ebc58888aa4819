"""Find images that are byte for byte the same but have two labels or are in two splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..errors import printable
from ..problems import Problem

MOST_NAMED = 3


class Occurrence(NamedTuple):
    """One image of a data set: the digest of its file, its split, the `label_key` of its label and its name."""

    digest: bytes
    split: str
    label: bytes
    name: str


def label_key(label: np.ndarray) -> bytes:
    """Return what is equal for equal labels: of a class index (a NumPy number), or of an image's label marks."""
    return label.tobytes()


def find_copies(images: Iterable[Occurrence]) -> list[Problem]:
    """Return a problem for each image that occurs under two labels or in two splits."""
    by_digest: dict[bytes, list[Occurrence]] = defaultdict(list)
    for image in images:
        by_digest[image.digest].append(image)
    return describe_copies("the same image", [group for group in by_digest.values() if len(group) > 1])


def describe_copies(what: str, groups: Sequence[Sequence[Occurrence]], kind: str = "copy") -> list[Problem]:
    """Return a problem for each group of equal images with several labels, and for each in several splits.

    `what` begins the message, `kind` the problem's kind: "copy-two-labels" and "copy-two-splits".
    """
    problems = []
    for ending, where, field in (
        ("two-labels", f"{what} under two labels", "label"),
        ("two-splits", f"{what} in two splits", "split"),
    ):
        for group in groups:
            if len({getattr(image, field) for image in group}) > 1:
                names = sorted(printable(image.name) for image in group)
                more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
                text = f"{where}: {' and '.join(names[:MOST_NAMED])}{more}"
                problems.append(
                    Problem(f"{kind}-{ending}", "warning", names[0], text, tuple(image.name for image in group))
                )
    return problems
