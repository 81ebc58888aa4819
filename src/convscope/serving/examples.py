"""Pictures to begin with: real digits, photos, and what a run gets wrong."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import yaml
from PIL import Image

from ..data.datasets import load_data
from ..data.image_file import UnreadableImage, decode, read_bytes
from ..data.split import Data
from ..errors import printable
from .classifiers import Served
from .http.errors import unknown

# What the example photos show, in the order of the page: `cup of coffee` is photos/cup-of-coffee.jpg.
PHOTOS = ("cat", "cup of coffee", "flower", "pagoda", "astronaut", "rocket", "coins")
PHOTO_FOLDER = Path(__file__).parent / "photos"
DIGITS_SHOWN, MISTAKES_SHOWN = 20, 24
# Data sets whose images are there at once, without a download.
AT_HAND = ("mnist-5k", "digits")
# Formats that every browser shows; others are sent as PNG.
SHOWN = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


@dataclass(frozen=True)
class Example:
    """One picture: where it is (a file, or pixels), what it shows and what was said about it."""

    title: str
    kind: str
    label: str | None
    predicted: str | None
    source: Path | np.ndarray

    def content(self) -> tuple[bytes, str]:
        """Encoded for a browser, and its type; UnreadableImage if the file is gone or broken."""
        if isinstance(self.source, np.ndarray):
            return _png(Image.fromarray(self.source)), "image/png"
        content = read_bytes(self.source)
        for beginning, kind in SHOWN.items():
            if content.startswith(beginning):
                return content, kind
        return _png(decode(content)), "image/png"


class Examples:
    """The examples of a classifier, found when first asked for. The page names them by number, never by a path."""

    def __init__(self) -> None:
        self.found: dict[str, list[Example]] = {}

    def of(self, served: Served) -> list[Example]:
        """All of them; the mistakes last."""
        if served.id not in self.found:
            channels, height, _ = served.classifier.preprocess.input_size
            start = _digits() if channels == 1 and height in (28, 32) else _photos()
            self.found[served.id] = [*start, *_mistakes(served.folder)]
        return self.found[served.id]

    def listing(self, served: Served) -> list[dict[str, Any]]:
        """What the page gets to know of them."""
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

    def content(self, served: Served, number: int) -> tuple[bytes, str]:
        """The picture and its type; 404 if there is none."""
        examples = self.of(served)
        if not 0 <= number < len(examples):
            raise unknown("example", "示例", number)
        try:
            return examples[number].content()
        except UnreadableImage:
            raise unknown("example", "示例", number) from None


@cache
def _digits() -> list[Example]:
    """Two of each digit, from the test images of mnist-5k."""
    data = load_data("mnist-5k")
    test = data.splits["test"]
    labels = np.asarray(test.labels)
    shown = [i for digit in range(10) for i in np.flatnonzero(labels == digit)[: DIGITS_SHOWN // 10]]
    names = [data.class_names[labels[i]] for i in shown]
    return [
        Example(name, "digit", name, None, np.asarray(test.images[i])) for i, name in zip(shown, names, strict=True)
    ]


@cache
def _photos() -> list[Example]:
    paths = {title: PHOTO_FOLDER / f"{title.replace(' ', '-')}.jpg" for title in PHOTOS}
    return [Example(title, "photo", None, None, path) for title, path in paths.items()]


def _mistakes(folder: Path | None) -> list[Example]:
    """Validation images that a run gets wrong, the surest mistakes first, where the images can still be found."""
    if folder is None:
        return []
    try:
        table = (folder / "predictions_val.csv").read_text(encoding="utf-8", errors="surrogateescape")
        rows = [row for row in csv.DictReader(io.StringIO(table, newline="")) if row["label"] != row["prediction"]]
        rows.sort(key=lambda row: -float(row["probability"]))
    except (OSError, KeyError, TypeError, ValueError, csv.Error):
        return []
    at_hand = _at_hand(folder)
    found: list[Example] = []
    for row in rows:
        source = at_hand.get(row["path"]) if at_hand else Path(row["path"])
        if source is not None and (isinstance(source, np.ndarray) or source.is_file()):
            title = printable(Path(row["path"]).name)
            found.append(Example(title, "mistake", row["label"], row["prediction"], source))
        if len(found) == MISTAKES_SHOWN:
            break
    return found


def _at_hand(folder: Path) -> dict[str, np.ndarray]:
    """Images by name, of a run on data that ships with the package."""
    try:
        recipe = yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    name = recipe.get("data") if isinstance(recipe, dict) else None
    if name not in AT_HAND:
        return {}
    data: Data = load_data(name)
    return {
        name: np.asarray(image)
        for split in data.splits.values()
        for name, image in zip(split.names, split.images, strict=True)
    }


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
