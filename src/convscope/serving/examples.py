"""Example images for the page: real digits, photos, and the mistakes of a run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from ..data.datasets import load_data
from ..data.image_file import UnreadableImage, decode, read_bytes
from ..data.split import Data
from ..errors import printable
from ..png import png_bytes
from ..run_folder import RunFolder
from .classifiers import ServedClassifier
from .http.errors import not_found

# Titles of the example photos, in the order of the page: `cup of coffee` is photos/cup-of-coffee.jpg.
PHOTOS = ("cat", "cup of coffee", "flower", "pagoda", "astronaut", "rocket", "coins")
PHOTO_FOLDER = Path(__file__).parent / "photos"
DIGITS_SHOWN, MISTAKES_SHOWN = 20, 24
# Data sets that ship with the package, so that their images need no download.
BUNDLED_DATA = ("mnist-5k", "digits")
# Formats that every browser shows, by their first bytes; others are sent as PNG.
BROWSER_FORMATS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


@dataclass(frozen=True)
class Example:
    """One image: its source (a file, or pixels), its true label and the label that was predicted, where known."""

    title: str
    kind: str
    label: str | None
    predicted: str | None
    source: Path | np.ndarray

    def content(self) -> tuple[bytes, str]:
        """Return the image encoded for a browser, and its content type; UnreadableImage if it cannot be read."""
        if isinstance(self.source, np.ndarray):
            return png_bytes(self.source), "image/png"
        content = read_bytes(self.source)
        for beginning, kind in BROWSER_FORMATS.items():
            if content.startswith(beginning):
                return content, kind
        return png_bytes(decode(content)), "image/png"


class Examples:
    """The examples of each classifier, collected when first needed. The page names them by number, never by a path."""

    def __init__(self) -> None:
        self.by_classifier: dict[str, list[Example]] = {}

    def of(self, served: ServedClassifier) -> list[Example]:
        """Return all examples of a classifier, the mistakes last."""
        if served.id not in self.by_classifier:
            channels, height, _ = served.classifier.preprocess.input_size
            general = _digits() if channels == 1 and height in (28, 32) else _photos()
            self.by_classifier[served.id] = [*general, *_mistakes(served.run_folder)]
        return self.by_classifier[served.id]

    def listing(self, served: ServedClassifier) -> list[dict[str, Any]]:
        """Return the list of examples as JSON."""
        return [
            {
                "id": f"{number}",
                "title": example.title,
                "kind": example.kind,
                "label": example.label,
                "predicted": example.predicted,
                "url": f"/api/examples/{quote(served.id, safe='')}/{number}",
            }
            for number, example in enumerate(self.of(served))
        ]

    def content(self, served: ServedClassifier, number: int) -> tuple[bytes, str]:
        """Return an encoded image and its content type; HttpError 404 if there is none."""
        examples = self.of(served)
        if not 0 <= number < len(examples):
            raise not_found("example", "示例", number)
        try:
            return examples[number].content()
        except UnreadableImage:
            raise not_found("example", "示例", number) from None


@cache
def _digits() -> list[Example]:
    """Return two of each digit, from the test images of mnist-5k."""
    data = load_data("mnist-5k")
    test = data.splits["test"]
    labels = np.asarray(test.labels)
    chosen = [i for digit in range(10) for i in np.flatnonzero(labels == digit)[: DIGITS_SHOWN // 10]]
    names = [data.class_names[labels[i]] for i in chosen]
    return [
        Example(name, "digit", name, None, np.asarray(test.images[i])) for i, name in zip(chosen, names, strict=True)
    ]


@cache
def _photos() -> list[Example]:
    paths = {title: PHOTO_FOLDER / f"{title.replace(' ', '-')}.jpg" for title in PHOTOS}
    return [Example(title, "photo", None, None, path) for title, path in paths.items()]


def _mistakes(run_folder: RunFolder | None) -> list[Example]:
    """Return wrongly classified validation images whose files still exist, the most confident mistakes first."""
    if run_folder is None:
        return []
    try:
        rows = [row for row in run_folder.read_predictions() if row["label"] != row["prediction"]]
        # Of several labels per image there is no single probability: the highest loss comes first.
        rows.sort(key=lambda row: -float(row["probability"] if "probability" in row else row["loss"]))
    except (KeyError, TypeError, ValueError):
        return []
    bundled = _bundled_images(run_folder)
    mistakes: list[Example] = []
    for row in rows:
        source = bundled.get(row["path"]) if bundled else Path(row["path"])
        if source is not None and (isinstance(source, np.ndarray) or source.is_file()):
            title = printable(Path(row["path"]).name)
            mistakes.append(Example(title, "mistake", row["label"], row["prediction"], source))
        if len(mistakes) == MISTAKES_SHOWN:
            break
    return mistakes


def _bundled_images(run_folder: RunFolder) -> dict[str, np.ndarray]:
    """Return the images by name, of a run on data that ships with the package; nothing for another run."""
    name = run_folder.read_recipe().get("data")
    if name not in BUNDLED_DATA:
        return {}
    data: Data = load_data(name)
    return {
        name: np.asarray(image)
        for split in data.splits.values()
        for name, image in zip(split.names, split.images, strict=True)
    }
