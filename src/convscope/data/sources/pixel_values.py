"""Build a data set from numbers that are pixels: rows of tables, arrays of NumPy files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np

from ...errors import DataError
from ..kind import decide_kind
from ..split import SPLITS, Data, Split
from .assemble import divide_data, reason_untrainable, sorted_class_names, warn_about_counts

# Pictures of fewer pixels per side are hardly any, and other numbers come in rows of such lengths.
LEAST_SIDE = 8
# Colours are interleaved, or one plane follows another, where neighbours then differ by at most this share.
CLEARLY_SMOOTHER = 0.8
# From so many rows of which each has a label of its own, the label is a number or a name, not a class.
MOST_UNIQUE = 20
# White is at least so much of 255: a set whose brightest pixel is darker has another white, such as 16, 31 or 63.
LEAST_WHITE = 64


@dataclass
class PixelPart:
    """The images of a split, N x H x W or N x H x W x 3, with the label and the name of each."""

    images: np.ndarray
    labels: list[str]
    names: list[str]

    def join(self, other: PixelPart, where: str) -> PixelPart:
        """Return the images of both; DataError if their sizes differ."""
        require_one_size([self, other], where)
        images = np.concatenate([self.images, other.images])
        return PixelPart(images, self.labels + other.labels, self.names + other.names)


def require_one_size(parts: Sequence[PixelPart], where: str) -> None:
    """Raise DataError if pictures of one data set differ in size or in the number of colours."""
    sizes = sorted({part.images.shape[1:] for part in parts})
    if len(sizes) > 1:
        both = " and ".join(" x ".join(map(str, size)) for size in sizes[:2])
        raise DataError(f"{where}: pictures of {both} in one data set: keep one size per folder")


def picture_side(count: int) -> int | None:
    """Return height and width of a square picture of so many numbers, gray or colour; None if there is none."""
    for pixels in (count, count // 3 if count % 3 == 0 else 0):
        if isqrt(pixels) ** 2 == pixels and isqrt(pixels) >= LEAST_SIDE:
            return isqrt(pixels)
    return None


def to_bytes(values: Sequence[np.ndarray] | np.ndarray, where: str) -> np.ndarray:
    """Return arrays of numbers as one of bytes; numbers up to 1 become 0..255. DataError for any other range."""
    least, most = min(float(part.min()) for part in values), max(float(part.max()) for part in values)
    if not (least >= 0 and (most <= 1 or LEAST_WHITE <= most <= 255)):
        text = f"its pixels are {least:g} to {most:g}: give 0 to 255 or 0 to 1, or save the images as PNG"
        raise DataError(f"{where}: {text}")
    if isinstance(values, np.ndarray) and values.dtype == np.uint8 and most > 1:
        return values
    scale = 255 if most <= 1 else 1
    return np.stack([np.round(part * np.float32(scale)).astype(np.uint8) for part in values])


def as_pictures(rows: np.ndarray, where: str) -> np.ndarray:
    """Return rows of pixels as square pictures; whether colours are interleaved is found in the pictures."""
    side = picture_side(rows.shape[1])
    if side is None:
        text = f"{rows.shape[1]:,} pixels in a row are no square picture, gray or colour: save the images as PNG"
        raise DataError(f"{where}: {text}")
    if rows.shape[1] == side * side:
        return rows.reshape(-1, side, side)
    interleaved, planes = rows.reshape(-1, side, side, 3), rows.reshape(-1, 3, side, side).transpose(0, 2, 3, 1)
    rough, rough_planes = _roughness(interleaved[:256]), _roughness(planes[:256])
    if min(rough, rough_planes) > CLEARLY_SMOOTHER * max(rough, rough_planes):
        text = "its colours may be interleaved or one plane after another: save the images as PNG"
        raise DataError(f"{where}: {text}")
    return interleaved if rough < rough_planes else np.ascontiguousarray(planes)


def _roughness(pictures: np.ndarray) -> float:
    return float(np.abs(np.diff(pictures.astype(np.int16), axis=2)).mean())


def pixel_data(shown: str, parts: dict[str, PixelPart]) -> Data:
    """Build a data set from its parts; one that has only `train` is divided. DataError if their sizes differ."""
    parts = {name: parts[name] for name in SPLITS if name in parts}
    require_one_size([*parts.values()], shown)
    for part in parts.values():
        if len(set(part.labels)) == len(part.labels) > MOST_UNIQUE:
            raise DataError(f"{shown}: each image has a label of its own: numbers to predict are no classes")
    counted = {name: Counter(part.labels) for name, part in parts.items()}
    names = sorted_class_names(counted.get("train", {}))
    counts = {name: [of_part[label] for label in names] for name, of_part in counted.items()}
    untrainable = reason_untrainable(shown, names, counts.get("train", []), counted)
    if untrainable:
        names = sorted_class_names({label for part in parts.values() for label in part.labels})
    else:
        warn_about_counts(shown, names, counts)
    index = {name: i for i, name in enumerate(names)}
    splits = {
        name: Split(part.images, np.array([index[label] for label in part.labels], dtype=np.int64), part.names)
        for name, part in parts.items()
    }
    channels = 3 if next(iter(parts.values())).images.ndim == 4 else 1
    data = Data(shown, names, splits, channels=channels, untrainable=untrainable)
    decide_kind(data)
    divide_data(data)
    return data
