"""Check a data set: open every image as training would, and report what cannot be used and what is unusual."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...errors import ConvScopeError, printable
from ...problems import Problem, collect_problems, listed
from ..datasets import load_data
from ..decoded import require_usable_classes
from ..decoding.ahead import available_cores, map_ahead
from ..decoding.decoded_image import RawImage, read_content
from ..decoding.progress_bar import ProgressBar
from ..exact_copies import Occurrence, describe_copies, find_copies, label_key
from ..image_file import UnreadableImage, decode_pixels, stored_size
from ..preprocess import Preprocess
from ..split import Data, rarest_labels
from ..value_range import measure_levels
from .near_duplicates import Hashes, difference_hashes, find_near_duplicates

# Thumbnails per class on the contact sheet, and classes.
SHOWN_IMAGES, SHOWN_CLASSES = 8, 20
# Images per thumbnail of which one is made, since some may turn out to be unreadable.
CANDIDATES = 3
IMAGES_AHEAD = 256
# A picture this many times as long as wide loses most of itself to a centre crop; one whose shorter side is this share
# of the usual one is enlarged until it is blurred.
ELONGATED, SMALL = 3.0, 0.25


@dataclass(frozen=True)
class ImageSummary:
    """What the check keeps of one image.

    `hashes` are for near-duplicates and None unless those are searched for. `thumbnail`, H x W x C, is what the network
    would see, and None for images that are not on the contact sheet.
    """

    width: int
    height: int
    gray: bool
    digest: bytes
    hashes: Hashes | None = None
    thumbnail: np.ndarray | None = None


@dataclass
class Report:
    """The result of `check_data`.

    `images` has by split, for every image in order, its summary or the reason why it cannot be used; `thumbnails` are
    by class.
    """

    name: str
    problems: list[Problem]
    data: Data | None = None
    images: dict[str, list[ImageSummary | str]] = field(default_factory=dict)
    thumbnails: dict[str, list[np.ndarray]] = field(default_factory=dict)

    @property
    def refusal(self) -> str | None:
        """The message with which training would refuse the data; None if it would not."""
        return next((problem.message for problem in self.problems if problem.severity == "error"), None)

    @property
    def skipped(self) -> int:
        """The number of images that cannot be used."""
        return sum(isinstance(image, str) for images in self.images.values() for image in images)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of images by class and split."""
        if self.data is None:
            return {}
        counts = self.data.counts()
        return {label: {n: part[i] for n, part in counts.items()} for i, label in enumerate(self.data.class_names)}

    def without_label(self) -> dict[str, int]:
        """Return the number of images without any label, by split, of data with several labels per image."""
        if self.data is None or not self.data.multi_label:
            return {}
        return {name: int((~split.labels.any(1)).sum()) for name, split in self.data.splits.items()}

    def sizes(self) -> dict[str, list[int]] | None:
        """Return width and height of the smallest, the median and the largest image by area; None without images."""
        usable = [image for images in self.images.values() for image in images if not isinstance(image, str)]
        if not usable:
            return None
        by_area = sorted(((image.width, image.height) for image in usable), key=lambda size: (size[0] * size[1], size))
        return {"smallest": [*by_area[0]], "median": [*by_area[len(by_area) // 2]], "largest": [*by_area[-1]]}

    def to_dict(self) -> dict[str, Any]:
        """Return what `convscope check --json` prints."""
        splits = self.data.splits if self.data else {}
        return {
            "ok": self.refusal is None,
            "data": self.name,
            "images": sum(map(len, splits.values())),
            "usable": sum(map(len, splits.values())) - self.skipped,
            "classes": {label: sum(parts.values()) for label, parts in self.counts().items()},
            "splits": {name: len(split) for name, split in splits.items()},
            "counts": self.counts(),
            "without_label": self.without_label(),
            "origin": asdict(self.data.origin) if self.data and self.data.origin else None,
            "divided": bool(self.data and self.data.divided),
            "channels": self.data.channels if self.data else None,
            "sizes": self.sizes(),
            "problems": [problem.to_dict() for problem in self.problems],
        }


def check_data(
    source: str | Path,
    data_dir: str | None = None,
    interpretation: Mapping[str, Any] | None = None,
    *,
    size: int = 96,
    crop_mode: str = "center",
    near: bool = False,
    show: bool = False,
) -> Report:
    """Load a data set, open every image as training would, and report; nothing is written, nothing is raised.

    `interpretation` has the options of `load_data` that settle doubts. `size` and `crop_mode` are those of the
    thumbnails. `near` searches for near-duplicates too. `show` draws a progress bar on stderr.
    """
    with collect_problems() as problems:
        report = Report(printable(source), problems)
        try:
            report.data = data = load_data(source, data_dir, **(interpretation or {}))
            report.name = data.name
            half = (0.5,) * data.channels
            preprocess = Preprocess((data.channels, size, size), half, half, crop_mode=crop_mode)
            if measured := measure_levels(next(iter(data.splits.values()))):
                preprocess = replace(preprocess, levels=measured.levels)
                problems.append(Problem("value-range", "info", report.name, measured.words))
            report.images = _summarise_images(data, preprocess, near, show)
            report.thumbnails = _thumbnails(report, data)
            _report_problems(report, data, near)
        except ConvScopeError as problem:
            problems.append(Problem("refused", "error", report.name, " ".join(printable(problem).split())))
    return report


def _summarise_images(
    data: Data, preprocess: Preprocess, near: bool, show: bool
) -> dict[str, list[ImageSummary | str]]:
    """Return by split, for every image, its summary or the reason why it cannot be used; read in parallel."""
    left = dict.fromkeys(range(min(len(data.class_names), SHOWN_CLASSES)), CANDIDATES * SHOWN_IMAGES)
    summaries: dict[str, list[ImageSummary | str]] = {}
    summarise = partial(_summarise, preprocess, near)
    with ThreadPoolExecutor(available_cores()) as pool, ProgressBar(show, sum(map(len, data.splits.values()))) as bar:
        for name, split in data.splits.items():
            with_thumbnail = []
            for label in sheet_classes(split.labels):
                with_thumbnail.append(left.get(label, 0) > 0)
                left[label] = left.get(label, 0) - 1
            tasks = zip(split.images, with_thumbnail, strict=True)
            summaries[name] = []
            for summary in map_ahead(pool, summarise, tasks, IMAGES_AHEAD):
                summaries[name].append(summary)
                bar.advance(1)
    return summaries


def _summarise(preprocess: Preprocess, near: bool, task: tuple[RawImage, bool]) -> ImageSummary | str:
    image, with_thumbnail = task
    try:
        content, digest = read_content(image)
        if isinstance(image, np.ndarray):
            picture, size = image, (image.shape[1], image.shape[0])
        else:
            # Decoded as training does, a large JPEG at reduced size.
            picture, size = decode_pixels(content, preprocess.longest_side, preprocess.levels), stored_size(content)
        thumbnail = preprocess.array(picture) if with_thumbnail else None
        hashes = difference_hashes(Image.fromarray(picture)) if near else None
        return ImageSummary(*size, picture.ndim == 2, digest, hashes, thumbnail)
    except UnreadableImage as problem:
        return str(problem)
    except MemoryError:
        return "does not fit into memory"


def sheet_classes(labels: np.ndarray) -> list[int]:
    """Return for each image the class under which the contact sheet shows it: of several labels the rarest, or -1."""
    return (labels if labels.ndim == 1 else rarest_labels(labels)).tolist()


def _thumbnails(report: Report, data: Data) -> dict[str, list[np.ndarray]]:
    thumbnails: dict[str, list[np.ndarray]] = {}
    for name, split in data.splits.items():
        for image, label in zip(report.images[name], sheet_classes(split.labels), strict=True):
            if not isinstance(image, str) and image.thumbnail is not None:
                of_class = thumbnails.setdefault(data.class_names[label], [])
                if len(of_class) < SHOWN_IMAGES:
                    of_class.append(image.thumbnail)
    return thumbnails


def _report_problems(report: Report, data: Data, near: bool) -> None:
    """Add the problems that show only once the images are read; DataError for one that training would refuse."""
    occurrences: list[Occurrence] = []
    hashes = []
    for name, split in data.splits.items():
        for image, label, path in zip(report.images[name], split.labels, split.names, strict=True):
            if isinstance(image, str):
                report.problems.append(Problem("unreadable", "warning", printable(path), image))
            else:
                occurrences.append(Occurrence(image.digest, name, label_key(label), path))
                hashes.append(image.hashes)
    if "train" in data.splits:
        usable = [not isinstance(image, str) for image in report.images["train"]]
        require_usable_classes(data.name, data.class_names, data.splits["train"].labels[usable])
    report.problems += find_copies(occurrences)
    if near:
        groups = [[occurrences[i] for i in group] for group in find_near_duplicates(hashes)]
        groups = [group for group in groups if len({image.digest for image in group}) > 1]
        report.problems += describe_copies("images that look the same", groups, "near")
    usable_images = list(_usable(report, data))
    report.problems += _unusual_sizes(usable_images) + _unusual_colours(usable_images)


def _usable(report: Report, data: Data) -> Iterator[tuple[str, ImageSummary]]:
    for name, split in data.splits.items():
        for path, image in zip(split.names, report.images[name], strict=True):
            if not isinstance(image, str):
                yield path, image


def _unusual_sizes(images: Sequence[tuple[str, ImageSummary]]) -> list[Problem]:
    usual = float(np.median([min(image.width, image.height) for _, image in images])) if images else 0.0
    long = [n for n, image in images if max(image.width, image.height) > ELONGATED * min(image.width, image.height)]
    known = set(long)
    small = [n for n, image in images if min(image.width, image.height) < SMALL * usual and n not in known]
    problems = []
    if long:
        text = (
            f"more than {ELONGATED:g} times as long as wide, so a centre crop cuts most of it off: "
            "--crop-mode pad keeps all of it"
        )
        problems.append(_several("odd-size", long, text))
    if small:
        text = f"less than a quarter of the usual {usual:.0f} pixels on the shorter side and will be blurred"
        problems.append(_several("odd-size", small, text))
    return problems


def _unusual_colours(images: Sequence[tuple[str, ImageSummary]]) -> list[Problem]:
    gray = [name for name, image in images if image.gray]
    return [_several("gray", gray, "gray, others are in colour")] if 0 < len(gray) < len(images) else []


def _several(kind: str, names: Sequence[str], what: str) -> Problem:
    images = "1 image is" if len(names) == 1 else f"{len(names):,} images are"
    return Problem(kind, "info", printable(names[0]), f"{images} {what}: {listed(names, 3)}")
