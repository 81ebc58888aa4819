"""Write a classifier and the page that shows it at work as one HTML file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...choices import WEIGHTS_PRECISIONS
from ...data.image_file import UnreadableImage, read_bytes
from ...errors import DataError, UsageError, printable
from ...export.engine import EngineNetwork, describe_network
from ...files import folder_name, write_atomically
from ...finite_json import finite
from ...target import Target, as_target
from ..classifiers import ServedClassifier, serve_target
from ..example import Example
from ..examples import Examples
from ..pointing import measure_methods
from ..run_examples import FIRST_SHOWN
from .html import page_html, page_parts
from .packing import Part
from .precision import PrecisionError, precision_error
from .training_images import first_weights, training_images

MAX_MB = 16.0
# Unless a size is given, epochs do not make a small file larger than this: of a LeNet they are most of the file.
SMALL_MB = 1.0
MEASURING_SECONDS = 0.5  # for finding out which heat maps point best
TYPES = {"8bit": "int8", "half": "float16", "full": "float32"}
EXAMPLES_SHARE = 0.2  # of the file, at most, for pictures that nobody named


class TooLargeError(UsageError):
    """The weights of a network do not fit into the file."""


@dataclass(frozen=True)
class Shared:
    """What was written: `error` says what fewer digits of the weights change, None for all of them.

    A file of `mb_of_all_epochs` (in units of 10^6 bytes) would hold every epoch of the training.
    """

    path: Path
    size: int
    precision: str
    error: PrecisionError | None
    epochs: list[int]
    all_epochs: int
    mb_of_all_epochs: float
    examples: int
    training_images: int

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        error = None if self.error is None else vars(self.error)
        return {**vars(self), "path": str(self.path), "error": error}


def share(
    target: str | Target,
    output: str | Path | None = None,
    images: Sequence[str] = (),
    max_mb: float | None = None,
    weights_precision: str | None = None,
) -> Shared:
    """Write the page with a classifier, and `images` to begin with, as one HTML file.

    `target` is a run, a bundle, or the name of a network. The file has at most `max_mb` (in units of 10^6 bytes).
    `weights_precision` is one of `WEIGHTS_PRECISIONS`, None for the finest that fits. Epochs of the run are added as
    long as there is room. Without `max_mb` it is 16, and a file that is smaller than 1 MB without epochs stays so.
    UsageError if it does not fit, ModelFileError with the operations that the page's engine lacks, DataError for a
    picture that cannot be read.
    """
    served = serve_target(as_target(target), torch.device("cpu"))
    path = Path(output) if output is not None else Path(f"{folder_name(served.id)}.html")
    return share_served(served, path, images, max_mb, weights_precision)


def share_served(
    served: ServedClassifier,
    path: Path,
    images: Sequence[str] = (),
    max_mb: float | None = None,
    weights_precision: str | None = None,
) -> Shared:
    """Write the page with a classifier that is loaded, as `share`."""
    if weights_precision not in (None, *WEIGHTS_PRECISIONS):
        raise UsageError(f"unknown precision '{weights_precision}': choose {', '.join(WEIGHTS_PRECISIONS)}")
    if served.classifier.preprocess.superpixels:
        raise UsageError("the page's engine cannot compute superpixels: show this classifier with convscope serve")
    return _File(served, max_mb, weights_precision).write(path, [_named(image, served) for image in images])


def _named(image: str, served: ServedClassifier) -> Example:
    path = Path(image)
    try:
        read_bytes(path)
        example = Example(printable(path.name), "photo", None, None, path)
        example.content(served.classifier.preprocess.levels)
    except UnreadableImage as problem:
        raise DataError(f"{printable(image)}: {problem}") from problem
    return example


class _File:
    """The file while it is put together, within its size."""

    def __init__(self, served: ServedClassifier, max_mb: float | None, precision: str | None):
        self.served, self.wished = served, precision
        self.limit = int((MAX_MB if max_mb is None else max_mb) * 1e6)
        self.stays_small = max_mb is None
        self.parts = page_parts()
        self.contents: dict[str, Any] = {}
        self.title = f"{served.id} · ConvScope"
        # The list of the contents comes last and has its room from the beginning.
        self.size = len(page_html(self.title, self.parts).encode()) + self._contents_size()

    def add(self, name: str, content: bytes, width: int = 1) -> bool:
        """Add a part, of numbers of `width` bytes, if it fits; return whether it did."""
        part = Part.of(name, content, width)
        size = len(part.html())
        if self.size + size > self.limit:
            return False
        self.parts.append(part)
        self.size += size
        return True

    def write(self, path: Path, images: list[Example]) -> Shared:
        """Put everything together and write it."""
        given = self._add_examples(images, required=True)
        described, precision = self._add_network()
        error = None
        if precision != "full":
            error = precision_error(self.served, described)
        usual = Examples().set_of(self.served)
        listed = given + self._add_examples(usual.examples[:FIRST_SHOWN], required=False, first=len(given))
        about, mistakes = (usual.about, usual.mistakes) if len(listed) > len(given) else (None, None)
        training = self._add_training_images(described)
        epochs, mb_of_all_epochs = self._add_epochs(TYPES[precision])
        entry = self.served.entry()
        if error is not None:
            words = error.sentences(precision)
            entry["description"] = {
                language: f"{entry['description'][language]} · {words[language]}" for language in words
            }
        contents = {
            "classifier": {**entry, "has_snapshots": bool(epochs)},
            "network": {k: v for k, v in self.served.graph.items() if k not in ("nodes", "edges", "groups")},
            "graph": "graph",
            "weights": "weights",
            "examples": listed,
            "about_examples": about,
            "mistakes": mistakes,
            "methods": measure_methods(self.served, self.served.network(), usual.examples, MEASURING_SECONDS),
            "first": listed[0]["id"] if given else None,
            "training": {
                "epochs": [{"epoch": epoch, "weights": f"epoch/{epoch}"} for epoch in epochs],
                "metrics": self.served.metrics(),
                "images": training,
            },
        }
        self.parts.append(Part.of("contents", _json(contents)))
        html = page_html(self.title, self.parts).encode()
        write_atomically(path, html)
        count = training["count"] if training else 0
        of_epochs = epochs, len(self.served.epochs()), mb_of_all_epochs
        return Shared(path, len(html), precision, error, *of_epochs, len(listed), count)

    def _add_training_images(self, described: EngineNetwork) -> dict[str, Any] | None:
        """Add images to train with, as many as fit, and what an untrained network is like."""
        images = training_images(self.served, described)
        while images is not None and images.labels:
            before, count = self.size, len(self.parts)
            if self.add("training/pixels", images.pixels) and self.add("training/labels", images.labels):
                return {**images.entry(), "first_weights": first_weights(self.served, described)}
            self.size = before
            del self.parts[count:]
            images = images.half()
        return None

    def _add_network(self) -> tuple[EngineNetwork, str]:
        """Add graph and weights in the finest precision that fits, or the one that was wished."""
        classifier = self.served.classifier
        size = classifier.preprocess.input_size
        sizes = []
        for precision in [self.wished] if self.wished else reversed(WEIGHTS_PRECISIONS):
            described = describe_network(classifier.network, size, TYPES[precision])
            before, count = self.size, len(self.parts)
            width = np.dtype(TYPES[precision]).itemsize
            if self.add("graph", _json(described.graph)) and self.add("weights", described.weights, width):
                return described, precision
            sizes.append(f"{len(described.weights) / 1e6:.1f} MB ({precision})")
            self.size = before
            del self.parts[count:]
        raise TooLargeError(
            f"the weights of {printable(self.served.id)} do not fit into {self.limit / 1e6:g} MB: they need "
            f"{', '.join(sizes)} before packing; give a larger --max-size"
        )

    def _add_examples(self, examples: list[Example], required: bool, first: int = 0) -> list[dict[str, Any]]:
        """Add pictures: all if they are required, else those that fit into their share of the file."""
        listed: list[dict[str, Any]] = []
        room = self.limit * EXAMPLES_SHARE
        for number, example in enumerate(examples, first):
            try:
                content, kind = example.content(self.served.classifier.preprocess.levels)
            except UnreadableImage:
                continue
            name = f"example/{number}"
            room -= len(content)
            if not required and room < 0:
                break
            if not self.add(name, content):
                if required:
                    raise UsageError(
                        f"{example.title} has {len(content) / 1e6:.1f} MB, which does not fit into the file: give a "
                        f"smaller picture or a larger --max-size"
                    )
                break
            words = {"title": example.title, "kind": example.kind, "label": example.label}
            listed.append({"id": f"{number}", **words, "predicted": example.predicted, "part": name, "type": kind})
        return listed

    def _add_epochs(self, kind: str) -> tuple[list[int], float]:
        """Add the weights of as many epochs as fit, evenly spaced, with the first and the last.

        Also return how many MB the file would need for all of them.
        """
        epochs = self.served.epochs()
        occupied = self.size
        if not epochs:
            return [], occupied / 1e6
        size, width = self.served.classifier.preprocess.input_size, np.dtype(kind).itemsize
        largest = Part.of("epoch", describe_network(self.served.network(epochs[-1]), size, kind).weights, width)
        each = 1.02 * len(largest.html())
        small = SMALL_MB * 1e6
        room = int(((small if self.stays_small and occupied <= small else self.limit) - occupied) // each)
        chosen = spaced(epochs, room)
        weights = (describe_network(self.served.network(epoch), size, kind).weights for epoch in chosen)
        added = [n for n, block in zip(chosen, weights, strict=True) if self.add(f"epoch/{n}", block, width)]
        return added, (occupied + len(epochs) * each) / 1e6

    def _contents_size(self) -> int:
        known = [self.served.graph, self.served.entry(), self.served.metrics()]
        return len(Part.of("contents", _json(known)).html()) + 10_000


def spaced(epochs: Sequence[int], room: int) -> list[int]:
    """Return at most `room` of the epochs, evenly spaced, the first and the last among them."""
    if room < 2 or len(epochs) <= room:
        return list(epochs[:: max(1, len(epochs))] if room < 2 else epochs)[: max(room, 0)]
    step = (len(epochs) - 1) / (room - 1)
    return [epochs[round(i * step)] for i in range(room)]


def _json(value: Any) -> bytes:
    return json.dumps(finite(value), ensure_ascii=False, separators=(",", ":")).encode()
