"""Check a data set: open every image as training would, and report what cannot be used and what is unusual."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...errors import ConvScopeError, UsageError, printable
from ...problems import Problem, collect_problems
from ..datasets import load_data
from ..decoded import require_usable_classes
from ..decoding.ahead import available_cores, map_ahead
from ..decoding.decoded_image import RawImage, read_content
from ..decoding.progress_bar import ProgressBar
from ..exact_copies import Occurrence, describe_copies, find_copies, label_key
from ..frames import count_frames, told_frames
from ..groups import warn_about_copies_in_groups
from ..image_file import UnreadableImage, decode_pixels, stored_size
from ..preprocess import Preprocess
from ..split import Data, rarest_labels
from ..value_range import measure_levels
from .near_duplicates import Hashes, difference_hashes, find_near_duplicates
from .transformed_copies import MOST_IMAGES, find_transformed_copies, small_picture
from .unusual import Look, brightness, unusual

# Thumbnails per class on the contact sheet, and classes.
SHOWN_IMAGES, SHOWN_CLASSES = 8, 20
# The longest side, in pixels, of the pictures beside the thumbnails.
ORIGINAL = 96
# Images per thumbnail of which one is made, since some may turn out to be unreadable.
CANDIDATES = 3
IMAGES_AHEAD = 256


@dataclass(frozen=True)
class ImageSummary(Look):
    """What the check keeps of one image.

    `hashes` and `small` are for near-duplicates and None unless those are searched for. `thumbnail`, H x W x C, is what
    the network would see, `original` the picture itself, made smaller; None for images not on the contact sheet.
    """

    digest: bytes
    frames: int = 1
    hashes: Hashes | None = None
    small: np.ndarray | None = None
    thumbnail: np.ndarray | None = None
    original: np.ndarray | None = None


@dataclass
class Report:
    """The result of `check_data`.

    `images` has by split, for every image in order, its summary or the reason why it cannot be used; `thumbnails` are
    by class, `shown` likewise the split and the summary of the same images.
    """

    name: str
    problems: list[Problem]
    data: Data | None = None
    images: dict[str, list[ImageSummary | str]] = field(default_factory=dict)
    thumbnails: dict[str, list[np.ndarray]] = field(default_factory=dict)
    shown: dict[str, list[tuple[str, ImageSummary]]] = field(default_factory=dict)

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
    """Load a data set, open every image as training would, and report; nothing is written.

    Only a wrong option raises (UsageError): what is wrong with the data set is in the report.

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
            report.shown = _shown(report, data)
            report.thumbnails = {
                label: [image.thumbnail for _, image in images if image.thumbnail is not None]
                for label, images in report.shown.items()
            }
            _report_problems(report, data, near)
        except UsageError:
            raise
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
        gray = Image.fromarray(picture).convert("L")
        deviation, brightest = brightness(gray)
        hashes, small = (difference_hashes(gray), small_picture(gray)) if near else (None, None)
        original = _original(picture) if with_thumbnail else None
        is_gray = picture.ndim == 2
        frames = 1 if isinstance(image, np.ndarray) else count_frames(content)
        return ImageSummary(*size, is_gray, deviation, brightest, digest, frames, hashes, small, thumbnail, original)
    except UnreadableImage as problem:
        return str(problem)
    except MemoryError:
        return "does not fit into memory"


def _original(picture: np.ndarray) -> np.ndarray:
    small = Image.fromarray(picture)
    small.thumbnail((ORIGINAL, ORIGINAL))
    return np.asarray(small)


def sheet_classes(labels: np.ndarray) -> list[int]:
    """Return for each image the class under which the contact sheet shows it: of several labels the rarest, or -1."""
    return (labels if labels.ndim == 1 else rarest_labels(labels)).tolist()


def _shown(report: Report, data: Data) -> dict[str, list[tuple[str, ImageSummary]]]:
    shown: dict[str, list[tuple[str, ImageSummary]]] = {}
    for name, split in data.splits.items():
        for image, label in zip(report.images[name], sheet_classes(split.labels), strict=True):
            if not isinstance(image, str) and image.thumbnail is not None:
                of_class = shown.setdefault(data.class_names[label], [])
                if len(of_class) < SHOWN_IMAGES:
                    of_class.append((name, image))
    return shown


def _report_problems(report: Report, data: Data, near: bool) -> None:
    """Add the problems that show only once the images are read; DataError for one that training would refuse."""
    occurrences: list[Occurrence] = []
    for name, split in data.splits.items():
        for image, label, path in zip(report.images[name], split.labels, split.names, strict=True):
            if isinstance(image, str):
                report.problems.append(Problem("unreadable", "warning", printable(path), image, (path,)))
            else:
                occurrences.append(Occurrence(image.digest, name, label_key(label), path))
    if "train" in data.splits:
        usable = [not isinstance(image, str) for image in report.images["train"]]
        require_usable_classes(data.name, data.class_names, data.splits["train"].labels[usable])
    report.problems += find_copies(occurrences)
    images = list(_usable(report, data))
    if several := [(path, image.frames) for path, image in images if image.frames > 1]:
        # Loading has looked at a sample only.
        report.problems[:] = [problem for problem in report.problems if problem.kind != "frames"]
        text, names = told_frames(several, len(images)), tuple(path for path, _ in several)
        report.problems.append(Problem("frames", "warning", report.name, text, names))
    if near:
        report.problems += _near_copies(data, occurrences, [image for _, image in images])
    report.problems += unusual(images)


def _near_copies(data: Data, occurrences: Sequence[Occurrence], images: Sequence[ImageSummary]) -> list[Problem]:
    """Return the problems of images that look the same, and of mirrored or cropped copies."""
    groups = find_near_duplicates([image.hashes for image in images], [image.small for image in images])
    alike = {pair for group in groups for pair in combinations(sorted(group), 2)}
    copies = [[occurrences[i] for i in group] for group in groups]
    copies = [group for group in copies if len({image.digest for image in group}) > 1]
    warn_about_copies_in_groups(data, [[image.name for image in group] for group in copies])
    problems = describe_copies("images that look the same", copies, "near")
    shown = [i for i, image in enumerate(images) if not image.blank and image.small is not None]
    if len(shown) > MOST_IMAGES:
        text = f"not searched for mirrored and cropped copies: that is for at most {MOST_IMAGES:,} images"
        return [*problems, Problem("transformed-skipped", "info", data.name, text)]
    small = [picture for i in shown if (picture := images[i].small) is not None]
    for a, b, _ in find_transformed_copies(small, fine=data.kind == "digits"):
        first, second = shown[a], shown[b]
        pair = [occurrences[first], occurrences[second]]
        if (first, second) not in alike and pair[0].digest != pair[1].digest:
            apart = "; in two splits" if pair[0].split != pair[1].split else ""
            apart += "; under two labels" if pair[0].label != pair[1].label else ""
            names = tuple(image.name for image in pair)
            text = f"mirrored or cropped copy: {printable(names[0])} and {printable(names[1])}{apart}"
            problems.append(Problem("transformed", "warning", printable(names[0]), text, names))
    return problems


def _usable(report: Report, data: Data) -> Iterator[tuple[str, ImageSummary]]:
    for name, split in data.splits.items():
        for path, image in zip(split.names, report.images[name], strict=True):
            if not isinstance(image, str):
                yield path, image
