"""Example images for the page: a run's own ones, else digits or photos."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from ..data.datasets import load_data
from ..data.image_file import UnreadableImage
from ..evaluation.run_data import is_gone, source_of_run
from .classifiers import ServedClassifier
from .example import Example, ExampleSet
from .http.errors import not_found
from .run_examples import run_examples

# Titles of the example photos, in the order of the page: `cup of coffee` is photos/cup-of-coffee.jpg.
PHOTOS = ("cat", "cup of coffee", "flower", "pagoda", "astronaut", "rocket", "coins")
PHOTO_FOLDER = Path(__file__).parent / "photos"
DIGITS = [str(digit) for digit in range(10)]
DIGITS_SHOWN = 20


class Examples:
    """The examples of each classifier, collected when first needed. The page names them by number, never by a path."""

    def __init__(self) -> None:
        self.by_source: dict[Path, ExampleSet] = {}  # another one once a training has ended

    def set_of(self, served: ServedClassifier) -> ExampleSet:
        """Return the examples of a classifier: those of its run, its mistakes first; else some that suit it."""
        if served.source not in self.by_source:
            own = run_examples(served) if served.run_folder is not None else ExampleSet([])
            found = own if own.examples else ExampleSet(general(served), None, own.warning)
            if served.run_folder is not None and is_gone(source_of_run(served.run_folder)):
                return found  # looked for again next time: they may have been moved back
            self.by_source[served.source] = found
        return self.by_source[served.source]

    def of(self, served: ServedClassifier) -> list[Example]:
        """Return the examples of a classifier."""
        return self.set_of(served).examples

    def listing(self, served: ServedClassifier) -> dict[str, Any]:
        """Return the list of examples, and what there is to say of them, as JSON."""
        chosen = self.set_of(served)
        examples = [
            {
                "id": f"{number}",
                "title": example.title,
                "kind": example.kind,
                "label": example.label,
                "predicted": example.predicted,
                "url": f"/api/examples/{quote(served.id, safe='')}/{number}",
            }
            for number, example in enumerate(chosen.examples)
        ]
        return {
            "examples": examples,
            "about": chosen.about,
            "warning": chosen.warning,
            "mistakes": chosen.mistakes,
        }

    def content(self, served: ServedClassifier, number: int) -> tuple[bytes, str]:
        """Return an encoded image and its content type; HttpError 404 if there is none."""
        examples = self.of(served)
        if not 0 <= number < len(examples):
            raise not_found("example", "示例", number)
        try:
            return examples[number].content(served.classifier.preprocess.levels)
        except UnreadableImage:
            raise not_found("example", "示例", number) from None


def general(served: ServedClassifier) -> list[Example]:
    """Return digits for a network that reads digits, photos for colour pictures; nothing suits any other."""
    if reads_digits(served):
        return _digits()
    return _photos() if served.classifier.preprocess.input_size[0] == 3 else []


def reads_digits(served: ServedClassifier) -> bool:
    """Whether the classes are the digits, in gray images."""
    return served.classifier.class_names == DIGITS and served.classifier.preprocess.input_size[0] == 1


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
