"""Find images that are unlike the others in size, colour or brightness, among summaries of all images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ...errors import printable
from ...problems import Problem, listed

# A picture this many times as long as wide loses most of itself to a centre crop; one whose shorter side is this share
# of the usual one is enlarged until it is blurred.
ELONGATED, SMALL = 3.0, 0.25
# Of 255: a picture whose values deviate less than this from their mean shows nothing, not even noise of a camera or of
# JPEG; one of which 99 in 100 pixels are darker than this is hardly to be seen.
BLANK, DARK, SHARE = 2.0, 40, 0.99


@dataclass(frozen=True)
class Look:
    """Width and height of an image, whether it is gray, and its brightness.

    `deviation` is that of the gray values, `brightest` the value below which 99 in 100 of them are; both of 255.
    """

    width: int
    height: int
    gray: bool
    deviation: float
    brightest: int

    @property
    def blank(self) -> bool:
        """Whether the image shows nothing."""
        return self.deviation < BLANK

    @property
    def dark(self) -> bool:
        """Whether the image shows something, but is nearly black."""
        return not self.blank and self.brightest < DARK


def brightness(gray: Image.Image) -> tuple[float, int]:
    """Return the deviation of a gray picture's values, and the value below which 99 in 100 of them are."""
    counts = np.array(gray.histogram(), dtype=np.float64)
    shares, values = counts / counts.sum(), np.arange(256)
    mean = float(shares @ values)
    deviation = float(np.sqrt(shares @ (values - mean) ** 2))
    return deviation, int(np.searchsorted(shares.cumsum(), SHARE - 1e-9))


def unusual(images: Sequence[tuple[str, Look]]) -> list[Problem]:
    """Return what is unusual about images, each with its name."""
    blank = [name for name, image in images if image.blank]
    dark = [name for name, image in images if image.dark]
    problems = [_several("blank", "info", blank, "blank: one colour everywhere")] if blank else []
    if dark:
        problems.append(_several("dark", "info", dark, f"very dark: 99 of 100 pixels are below {DARK} of 255"))
    return problems + _sizes(images) + _colours(images)


def _sizes(images: Sequence[tuple[str, Look]]) -> list[Problem]:
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
        problems.append(_several("odd-size", "info", long, text))
    if small:
        text = f"less than a quarter of the usual {usual:.0f} pixels on the shorter side and will be blurred"
        problems.append(_several("odd-size", "info", small, text))
    return problems


def _colours(images: Sequence[tuple[str, Look]]) -> list[Problem]:
    gray = [name for name, image in images if image.gray]
    return [_several("gray", "info", gray, "gray, others are in colour")] if 0 < len(gray) < len(images) else []


def _several(kind: str, severity: str, names: Sequence[str], what: str) -> Problem:
    shown = listed(names, 3)
    text = f"1 image is {what}: {shown}" if len(names) == 1 else f"{len(names):,} images are {what}: {shown}"
    return Problem(kind, severity, printable(names[0]), text, tuple(names))
