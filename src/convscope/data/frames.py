"""Find images of several pages or frames: multi-page TIFF, animated GIF, WebP and PNG, of which the first is used."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ..problems import listed, warn
from .image_file import ImageItem, UnreadableImage, read_bytes
from .image_file.header import open_image
from .split import Data

# Formats of several pages, and files of those that a training looks at; `check` looks at all.
SUFFIXES = (".tif", ".tiff", ".gif", ".webp", ".png", ".avif", ".heic", ".heif")
SAMPLE = 64


def count_frames(content: bytes) -> int:
    """Return the number of pages or frames in an encoded image; smaller copies of the first page do not count."""
    try:
        with open_image(io.BytesIO(content)) as image:
            return _count(image)
    except (UnreadableImage, MemoryError):
        return 1


def _count(image: Image.Image) -> int:
    if image.format in ("JPEG", "MPO"):  # a telephone adds a preview or a map of depth
        return 1
    try:
        frames, size = int(getattr(image, "n_frames", 1)), image.size
        if image.format == "TIFF" and frames > 1:
            image.seek(1)
            return frames if image.size == size else 1
    except Exception:  # a damaged page may raise whatever a parser can raise; decoding reports what matters
        return 1
    return frames


def told_frames(found: Sequence[tuple[str, int]], looked_at: int) -> str:
    """Return a sentence about images of several frames, each with their number, for the user."""
    example = listed([f"{name} ({frames})" for name, frames in found], 1).partition(" and ")[0]
    return (
        f"{len(found):,} of {looked_at:,} files have several pages or frames, such as {example}: only the first of "
        "each is used; save the others as files of their own if they are images of the set, too"
    )


def warn_about_frames(data: Data) -> None:
    """Warn if some of a sample of the (training) images have several pages or frames."""
    split = next(iter(data.splits.values()))
    if isinstance(split.images, np.ndarray):
        return
    likely = [i for i, name in enumerate(split.names) if os.path.splitext(name)[1].lower() in SUFFIXES]  # noqa: PTH122
    chosen = [likely[i] for i in np.linspace(0, len(likely) - 1, min(SAMPLE, len(likely))).round().astype(int)]
    found = [(split.names[i], frames) for i in chosen if (frames := _frames_of(split.images[i])) > 1]
    if found:
        warn("frames", data.name, told_frames(found, len(chosen)))


def _frames_of(item: ImageItem) -> int:
    try:
        return count_frames(read_bytes(item))
    except (UnreadableImage, MemoryError):
        return 1
