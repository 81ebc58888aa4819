"""A split's images as uint8 pixels in memory: decoded once, in parallel, with what could not be used set aside."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError, printable
from .image_file import UnreadableImage, decode, read_bytes
from .preprocess import Preprocess
from .split import Data, Split

log = logging.getLogger("convscope")


@dataclass
class Decoded:
    """uint8 pixels N x C x H x W, int64 labels N, a name an image, and the files that were skipped with the reason."""

    pixels: Tensor
    labels: Tensor
    names: list[str]
    skipped: list[tuple[str, str]]
    digests: list[bytes]

    def __len__(self) -> int:
        return len(self.labels)


def decode_split(split: Split, preprocess: Preprocess) -> Decoded:
    """Decode and resize every image of a split. Files that cannot be used are skipped, each named with its reason."""
    needed = len(split) * int(np.prod(preprocess.input_size))
    if needed > 0.7 * _memory():
        size = " x ".join(map(str, preprocess.input_size))
        raise DataError(
            f"{len(split):,} images of {size} need {needed / 1e9:.1f} GB of memory: "
            "use a smaller --img-size or fewer images"
        )
    labels = torch.from_numpy(split.labels)
    if isinstance(split.images, np.ndarray):
        return Decoded(preprocess.batch(split.images), labels, split.names, [], [])
    pixels = torch.empty(len(split), *preprocess.input_size, dtype=torch.uint8)
    kept: list[int] = []
    skipped: list[tuple[str, str]] = []
    digests: list[bytes] = []
    for i, result in enumerate(decode_files(split.images, preprocess)):
        if isinstance(result, str):
            skipped.append((split.names[i], result))
        else:
            pixels[len(kept)], digest = result
            kept.append(i)
            digests.append(digest)
    return Decoded(pixels[: len(kept)], labels[kept], [split.names[i] for i in kept], skipped, digests)


def decode_files(paths: Sequence[Path | bytes], preprocess: Preprocess) -> Iterator[tuple[Tensor, bytes] | str]:
    """For every file (or content), in order: pixels C x H x W and a digest, or the reason why it is skipped."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # In portions, so that a million files do not wait as a million tasks.
        for start in range(0, len(paths), 1024):
            yield from pool.map(lambda path: _decode_file(path, preprocess), paths[start : start + 1024])


def _decode_file(path: Path | bytes, preprocess: Preprocess) -> tuple[Tensor, bytes] | str:
    try:
        content = path if isinstance(path, bytes) else read_bytes(path)
        return preprocess.pixels(decode(content)), hashlib.blake2b(content, digest_size=16).digest()
    except UnreadableImage as problem:
        return str(problem)
    except MemoryError:
        return "does not fit into memory"


def decode_data(data: Data, preprocess: Preprocess, strict: bool = False) -> dict[str, Decoded]:
    """Decode all splits of a data set and look at them together.

    Skipped files and images that stand in two splits or under two labels are warned about. Raises DataError if a class
    has no usable training image, and if a file is skipped although it is to be `strict`.
    """
    parts = {name: decode_split(split, preprocess) for name, split in data.splits.items()}
    report_skipped([item for part in parts.values() for item in part.skipped], strict)
    if "train" in parts:
        counts = np.bincount(parts["train"].labels.numpy(), minlength=len(data.class_names))
        if not counts.all():
            empty = printable(data.class_names[int(counts.argmin())])
            raise DataError(
                f"{printable(data.name)}: class '{empty}' has no usable training image: add some or remove the folder"
            )
    _warn_about_copies(data, parts)
    return {name: part for name, part in parts.items() if len(part)}


def report_skipped(skipped: Sequence[tuple[str, str]], strict: bool = False) -> None:
    """One warning a file, and their number; DataError after that if it is to be `strict`."""
    for name, reason in skipped:
        log.warning("skipped %s: %s", printable(name), reason)
    if len(skipped) > 1:
        log.warning("%d files skipped in all", len(skipped))
    if skipped and strict:
        raise DataError(f"{len(skipped)} files could not be used, and --strict was given: mend or remove them")


def _warn_about_copies(data: Data, parts: dict[str, Decoded]) -> None:
    places: dict[bytes, list[tuple[str, int, str]]] = defaultdict(list)
    for split, part in parts.items():
        for digest, label, name in zip(part.digests, part.labels.tolist(), part.names, strict=False):
            places[digest].append((split, label, name))
    copies = [found for found in places.values() if len(found) > 1]
    for kind, position in (("under two labels", 1), ("in two splits", 0)):
        clashes = [found for found in copies if len({place[position] for place in found}) > 1]
        for found in clashes[:5]:
            log.warning("the same image %s: %s", kind, " and ".join(printable(place[2]) for place in found[:3]))
        if len(clashes) > 5:
            log.warning("... and %d more images %s", len(clashes) - 5, kind)


def _memory() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # Windows does not say
        return 8e9
