"""The data doctor: everything about a data set that training on it would find out, and a look at what it would see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...errors import ConvScopeError, printable
from ...problems import Problem, collected, listed
from ..datasets import load_data
from ..decoding.split_decoder import Bar, cores
from ..decoding.pixels import ahead
from ..decoding.decoded_image import Source, read_content
from ..exact_copies import Seen, describe_copies, find_copies, require_usable_classes
from ..image_file import UnreadableImage, decode_pixels, stored_size
from ..preprocess import Preprocess
from ..split import Data
from .near_duplicates import appearance, find_alike

# Images of each class on the contact sheet, and classes.
SHOWN_IMAGES, SHOWN_CLASSES = 8, 20
# So many candidates for each place on the sheet are there, for some may turn out not to be images.
CANDIDATES = 3
# A picture so many times as long as wide loses most of itself to a centre crop; one whose side is such a share of the
# usual side is blown up.
LONG, SMALL = 3.0, 0.25


@dataclass(frozen=True)
class Look:
    """What one image turned out to be: width, height, whether it is gray, a digest, and how it looks if that is asked.

    `thumbnail` is H x W x C, what the network would see, for those that are shown.
    """

    width: int
    height: int
    gray: bool
    digest: bytes
    appearance: tuple[int, int] | None = None
    thumbnail: np.ndarray | None = None


@dataclass
class Report:
    """What `examine` found; `thumbnails` are those of each class."""

    name: str
    problems: list[Problem]
    data: Data | None = None
    looks: dict[str, list[Look | str]] = field(default_factory=dict)
    thumbnails: dict[str, list[np.ndarray]] = field(default_factory=dict)

    @property
    def refusal(self) -> str | None:
        """Why training would refuse the data; None if it would not."""
        return next((problem.message for problem in self.problems if problem.severity == "error"), None)

    @property
    def skipped(self) -> int:
        """How many images cannot be used."""
        return sum(isinstance(look, str) for looks in self.looks.values() for look in looks)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many images each class has in each split."""
        if self.data is None:
            return {}
        found = self.data.counts()
        return {label: {n: part[i] for n, part in found.items()} for i, label in enumerate(self.data.class_names)}

    def sizes(self) -> dict[str, list[int]] | None:
        """The smallest, the usual and the largest size, width and height."""
        looks = [look for looks in self.looks.values() for look in looks if not isinstance(look, str)]
        if not looks:
            return None
        by_area = sorted(((look.width, look.height) for look in looks), key=lambda size: (size[0] * size[1], size))
        return {"smallest": [*by_area[0]], "median": [*by_area[len(by_area) // 2]], "largest": [*by_area[-1]]}

    def to_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        splits = self.data.splits if self.data else {}
        return {
            "ok": self.refusal is None,
            "data": self.name,
            "images": sum(map(len, splits.values())),
            "usable": sum(map(len, splits.values())) - self.skipped,
            "classes": {label: sum(parts.values()) for label, parts in self.counts().items()},
            "splits": {name: len(split) for name, split in splits.items()},
            "counts": self.counts(),
            "divided": bool(self.data and self.data.divided),
            "channels": self.data.channels if self.data else None,
            "sizes": self.sizes(),
            "problems": [problem.to_dict() for problem in self.problems],
        }


def examine(
    source: str | Path,
    data_dir: str | None = None,
    *,
    size: int = 96,
    crop_mode: str = "center",
    near: bool = False,
    show: bool = False,
) -> Report:
    """Load a data set and open every image of it, as training would; nothing is written, nothing is raised.

    `size` and `crop_mode` say how the thumbnails see the images; `near` also looks for images that look the same;
    `show` draws a progress bar on stderr.
    """
    with collected() as problems:
        report = Report(printable(source), problems)
        try:
            report.data = data = load_data(source, data_dir)
            report.name = data.name
            half = (0.5,) * data.channels
            preprocess = Preprocess((data.channels, size, size), half, half, crop_mode=crop_mode)
            report.looks = _look(data, preprocess, near, show)
            _find(report, data, near)
        except ConvScopeError as problem:
            problems.append(Problem("refused", "error", report.name, " ".join(printable(problem).split())))
    return report


def _look(data: Data, preprocess: Preprocess, near: bool, show: bool) -> dict[str, list[Look | str]]:
    """For every image of every split, read in parallel, what it is, or the reason why it cannot be used."""
    left = dict.fromkeys(range(min(len(data.class_names), SHOWN_CLASSES)), CANDIDATES * SHOWN_IMAGES)
    found: dict[str, list[Look | str]] = {}
    with ThreadPoolExecutor(cores()) as pool, Bar(show, sum(map(len, data.splits.values()))) as bar:
        for name, split in data.splits.items():
            wanted = []
            for label in split.labels.tolist():
                wanted.append(left.get(label, 0) > 0)
                left[label] = left.get(label, 0) - 1
            looks = found[name] = []
            for look in ahead(pool, partial(_examine, preprocess, near), zip(split.images, wanted, strict=True), 256):
                looks.append(look)
                bar.advance(1)
    return found


def _examine(preprocess: Preprocess, near: bool, task: tuple[Source, bool]) -> Look | str:
    source, wanted = task
    try:
        content, digest = read_content(source)
        if isinstance(source, np.ndarray):
            picture, size = source, (source.shape[1], source.shape[0])
        else:
            # Decoded as training would, a large JPEG at a part of its size.
            picture, size = decode_pixels(content, preprocess.longest_side), stored_size(content)
        seen = preprocess.array(picture) if wanted else None
        near_as = appearance(Image.fromarray(picture)) if near else None
        return Look(*size, picture.ndim == 2, digest, near_as, seen)
    except UnreadableImage as problem:
        return str(problem)
    except MemoryError:
        return "does not fit into memory"


def _find(report: Report, data: Data, near: bool) -> None:
    """Judge what was seen."""
    seen: list[Seen] = []
    appearances = []
    for name, split in data.splits.items():
        for look, label, path in zip(report.looks[name], split.labels.tolist(), split.names, strict=True):
            if isinstance(look, str):
                report.problems.append(Problem("unreadable", "warning", printable(path), look))
            else:
                seen.append((look.digest, name, label, path))
                appearances.append(look.appearance)
                shown = report.thumbnails.setdefault(data.class_names[label], [])
                if look.thumbnail is not None and len(shown) < SHOWN_IMAGES:
                    shown.append(look.thumbnail)
    if "train" in data.splits:
        usable = [not isinstance(look, str) for look in report.looks["train"]]
        require_usable_classes(data.name, data.class_names, data.splits["train"].labels[usable])
    report.thumbnails = {label: shown for label, shown in report.thumbnails.items() if shown}
    report.problems += find_copies(seen)
    if near:
        groups = [[seen[i] for i in group] for group in find_alike(appearances)]
        groups = [group for group in groups if len({image[0] for image in group}) > 1]
        report.problems += describe_copies("images that look the same", groups, "near")
    report.problems += _odd_sizes(report, data) + _odd_colours(report, data)


def _odd_sizes(report: Report, data: Data) -> list[Problem]:
    named = list(_usable(report, data))
    usual = float(np.median([min(look.width, look.height) for _, look in named])) if named else 0.0
    long = [name for name, look in named if max(look.width, look.height) > LONG * min(look.width, look.height)]
    known = set(long)
    small = [n for n, look in named if min(look.width, look.height) < SMALL * usual and n not in known]
    problems = []
    if long:
        text = (
            f"more than {LONG:g} times as long as wide, a centre crop cuts most off: --crop-mode pad shows all of them"
        )
        problems.append(_several("odd-size", long, text))
    if small:
        text = f"less than a quarter of the usual {usual:.0f} pixels on their shorter side, they will be blurred"
        problems.append(_several("odd-size", small, text))
    return problems


def _odd_colours(report: Report, data: Data) -> list[Problem]:
    named = list(_usable(report, data))
    gray = [name for name, look in named if look.gray]
    return [_several("gray", gray, "gray among others in colour")] if 0 < len(gray) < len(named) else []


def _usable(report: Report, data: Data) -> Iterator[tuple[str, Look]]:
    for name, split in data.splits.items():
        for path, look in zip(split.names, report.looks[name], strict=True):
            if not isinstance(look, str):
                yield path, look


def _several(kind: str, names: Sequence[str], what: str) -> Problem:
    images = "1 image is" if len(names) == 1 else f"{len(names):,} images are"
    return Problem(kind, "info", printable(names[0]), f"{images} {what}: {listed(names, 3)}")
