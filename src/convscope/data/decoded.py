"""A split's images as uint8 pixels, decoded once and in parallel, with what could not be used set aside.

They lie in memory if they are few enough; otherwise they are read from the cache of decoded images as they are needed,
and where that has no room for them they are decoded again whenever they are needed. A training is the same each way.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError, printable
from ..problems import Problem
from .decoding.cache import Cache, cache_root
from .decoding.split_decoder import Bar, Gathering, Reading, cores, waiting
from .decoding.pixels import Pixels, ahead
from .decoding.decoded_image import read_row
from .decoding.stream import Streamed
from .exact_copies import find_copies, require_usable_classes
from .image_file import Stored
from .preprocess import Preprocess, channel_moments, statistics
from .split import Data, Split

log = logging.getLogger("convscope")

# Images that are there twice are named one by one up to this number.
MOST_NAMED = 5
# More pixels than this are not held in memory, nor more than this share of what the machine has.
MOST_IN_MEMORY, SHARE_OF_MEMORY = 512_000_000, 0.25


@dataclass
class Decoded:
    """uint8 pixels N x C x H x W, int64 labels N, a name an image, and the files that were skipped with the reason.

    `digests` (of the encoded images) and `moments` (sums of all values and of their squares, 2 x C) are there for
    files only.
    """

    pixels: Pixels
    labels: Tensor
    names: list[str]
    skipped: list[tuple[str, str]]
    digests: list[bytes]
    moments: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation a channel, in units of 0..1."""
        moments = self.moments
        if moments is None:
            assert isinstance(self.pixels, Tensor)
            moments = channel_moments(self.pixels)
        return statistics(moments, len(self) * int(np.prod(self.pixels.shape[2:])))

    def identity(self) -> bytes:
        """What tells these images and labels from others: a digest of the files, or of the pixels if there are none."""
        digest = hashlib.blake2b(digest_size=16)
        for part in self.digests:
            digest.update(part)
        if not self.digests:
            assert isinstance(self.pixels, Tensor)
            digest.update(self.pixels.contiguous().numpy().data)
        digest.update(self.labels.contiguous().numpy().data)
        return digest.digest()


def decode_data(
    data: Data, preprocess: Preprocess, strict: bool = False, reading: Reading | None = None
) -> dict[str, Decoded]:
    """Decode all splits of a data set and look at them together.

    Skipped files and images that stand in two splits or under two labels are warned about. Raises DataError if a class
    has no usable training image, and if a file is skipped although it is to be `strict`.
    """
    parts = _decode(data.splits, preprocess, reading or Reading())
    report_skipped([item for part in parts.values() for item in part.skipped], strict)
    if "train" in parts:
        require_usable_classes(printable(data.name), data.class_names, parts["train"].labels.numpy())
    _warn_about_copies(parts)
    return {name: part for name, part in parts.items() if len(part)}


def decode_split(split: Split, preprocess: Preprocess, reading: Reading | None = None) -> Decoded:
    """Decode and resize every image of a split. Files that cannot be used are skipped, each named with its reason."""
    return _decode({"": split}, preprocess, reading or Reading())[""]


def decode_files(
    sources: Sequence[Path | Stored | bytes], preprocess: Preprocess
) -> Iterator[tuple[Tensor, bytes] | str]:
    """For every file (or content), in order: pixels C x H x W and a digest, or the reason why it is skipped."""
    with ThreadPoolExecutor(cores()) as pool:
        for row in ahead(pool, partial(read_row, preprocess=preprocess), sources, waiting(preprocess)):
            if isinstance(row, str):
                yield row
            else:
                yield torch.from_numpy(row.pixels).permute(2, 0, 1).contiguous(), row.digest


def report_skipped(skipped: Sequence[tuple[str, str]], strict: bool = False) -> None:
    """One warning a file, and their number; DataError after that if it is to be `strict`."""
    for name, reason in skipped:
        log.warning("skipped %s: %s", printable(name), reason)
    if len(skipped) > 1:
        log.warning("%d files skipped in all", len(skipped))
    if skipped and strict:
        raise DataError(f"{len(skipped)} files could not be used, and --strict was given: mend or remove them")


def _decode(splits: dict[str, Split], preprocess: Preprocess, reading: Reading) -> dict[str, Decoded]:
    root = cache_root(reading.cache)
    cache = None if root is None else Cache(root, preprocess)
    room = min(MOST_IN_MEMORY, SHARE_OF_MEMORY * _memory())
    done: dict[str, Decoded] = {}
    with Bar(reading.show, sum(map(len, splits.values()))) as bar:
        # The smallest first, so that as many splits as can be lie in memory.
        for name in sorted(splits, key=lambda name: len(splits[name])):
            split = splits[name]
            needed = len(split) * int(np.prod(preprocess.input_size))
            in_memory = needed <= room
            room -= needed if in_memory else 0
            labels = torch.from_numpy(split.labels)
            if in_memory and isinstance(split.images, np.ndarray):
                done[name] = Decoded(preprocess.batch(split.images), labels, split.names, [], [])
                continue
            got = Gathering(split, preprocess, reading, cache, in_memory).run(bar)
            names = [split.names[i] for i in got.kept]
            done[name] = Decoded(got.pixels, labels[got.kept], names, got.skipped, got.digests, got.moments)
    if streamed := [part for part in done.values() if isinstance(part.pixels, Streamed)]:
        images = sum(map(len, streamed))
        log.warning(
            "%s images of %s (%.1f GB) fit neither into memory nor into the cache%s: they are decoded in every epoch",
            f"{images:,}", " x ".join(map(str, preprocess.input_size)),
            images * int(np.prod(preprocess.input_size)) / 1e9, "" if root else ", which is off",
        )  # fmt: skip
    return {name: done[name] for name in splits}


def _warn_about_copies(parts: dict[str, Decoded]) -> None:
    seen = [
        (digest, split, label, name)
        for split, part in parts.items()
        for digest, label, name in zip(part.digests, part.labels.tolist(), part.names, strict=False)
    ]
    by_kind: dict[str, list[Problem]] = defaultdict(list)
    for problem in find_copies(seen):
        by_kind[problem.kind].append(problem)
    for problems in by_kind.values():
        for problem in problems[:MOST_NAMED]:
            log.warning("%s", problem.message)
        if (more := len(problems) - MOST_NAMED) > 0:
            log.warning("... and %d more such images: see convscope check", more)


def _memory() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # Windows does not say
        return 8e9
