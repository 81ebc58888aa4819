"""One example image for the page, and the set of them that a classifier has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.image_file import ImageItem, Levels, decode, read_bytes
from ..png import png_bytes

# Formats that every browser shows, by their first bytes; others are sent as PNG.
BROWSER_FORMATS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


@dataclass(frozen=True)
class Example:
    """One image: its source (a file, a part of one, or pixels), its true label and the one that was predicted.

    `kind` is "digit" or "photo", which any classifier may be shown, or of the run's own images "mistake", "right", or
    "own" where the network's answer is not known.
    """

    title: str
    kind: str
    label: str | None
    predicted: str | None
    source: ImageItem | np.ndarray

    def content(self, levels: Levels | None = None) -> tuple[bytes, str]:
        """Return the image encoded for a browser, and its content type; UnreadableImage if it cannot be read.

        `levels` is the range of the classifier's training images if they had more than 8 bits per channel.
        """
        if isinstance(self.source, np.ndarray):
            return png_bytes(self.source), "image/png"
        content = read_bytes(self.source)
        for beginning, kind in BROWSER_FORMATS.items():
            if content.startswith(beginning) and levels is None:
                return content, kind
        return png_bytes(decode(content, levels=levels)), "image/png"


@dataclass(frozen=True)
class ExampleSet:
    """The examples of a classifier. `about` says which ones they are, `warning` what is missing or has changed.

    `mistakes` is how many mistakes there are in all, of which not all may be among the examples; None if unknown.
    """

    examples: list[Example]
    about: dict[str, str] | None = None
    warning: dict[str, str] | None = None
    mistakes: int | None = None
