"""Decode data sets to uint8 pixels, once and in parallel, and set aside the files that cannot be used.

Pixels are held in memory if they are few enough. Otherwise they are read from the cache of decoded images when they are
needed, and where the cache has no room for them, they are decoded in every epoch. Training is the same each way.
"""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError, printable
from ..problems import Problem
from .decoding.cache import Cache
from .decoding.cache_files import cache_root
from .decoding.pixels import ChosenPixels, Pixels
from .decoding.progress_bar import ProgressBar
from .decoding.split_decoder import Reading, SplitDecoder
from .decoding.stream import StreamedPixels
from .exact_copies import Occurrence, find_copies, label_key
from .free_memory import free_memory
from .moments import channel_moments, statistics
from .preprocess import Preprocess
from .skipped import report_skipped
from .split import Data, Split

log = logging.getLogger("convscope")

# Copies of each kind that are named one by one.
MOST_NAMED = 5
# Limits on the pixel values held in memory: their number where there is a cache, and their share of the free memory.
MOST_IN_MEMORY, SHARE_OF_MEMORY = 512_000_000, 0.25


@dataclass
class Decoded:
    """The usable images of a split: uint8 pixels N x C x H x W, int64 labels N (or label marks N x K) and N names.

    `skipped` has name and reason of each file that could not be used. For files, `digests` has one digest per encoded
    image and `moments` the sums of all values and of their squares, 2 x C; for arrays they are empty and None.
    """

    pixels: Pixels
    labels: Tensor
    names: list[str]
    skipped: list[tuple[str, str]]
    digests: list[bytes]
    moments: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> Decoded:
        """Return the images at `indices`, in that order; itself if they are all."""
        if len(indices) == len(self):
            return self
        pixels = self.pixels[indices] if isinstance(self.pixels, Tensor) else ChosenPixels(self.pixels, indices)
        chosen = indices.tolist()
        digests = [self.digests[i] for i in chosen] if self.digests else []
        return Decoded(pixels, self.labels[indices], [self.names[i] for i in chosen], [], digests)

    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return mean and standard deviation per channel, in units of 0..1."""
        moments = self.moments
        if moments is None:
            assert isinstance(self.pixels, Tensor)
            moments = channel_moments(self.pixels)
        return statistics(moments, len(self) * int(np.prod(self.pixels.shape[2:])))

    def identity(self) -> bytes:
        """Return a digest of the images (the files, or for arrays the pixels) and of the labels."""
        digest = hashlib.blake2b(digest_size=16)
        for part in self.digests:
            digest.update(part)
        if not self.digests:
            assert isinstance(self.pixels, Tensor)
            digest.update(self.pixels.contiguous().numpy().data)
        digest.update(self.labels.contiguous().numpy().data)
        return digest.digest()


def decode_data(
    data: Data,
    preprocess: Preprocess,
    strict: bool = False,
    reading: Reading | None = None,
    frame: Preprocess | None = None,
) -> dict[str, Decoded]:
    """Decode all splits of a data set and check them together; a split without a usable image is left out.

    Warns about skipped files, and about images that occur in two splits or under two labels. Raises DataError if a
    class has no usable training image, and with `strict` also if a file is skipped. The training images are decoded by
    `frame` if it is given: larger, so that crops can be cut out of them.
    """
    ways = {name: frame if frame and name == "train" else preprocess for name in data.splits}
    parts = _decode(data.splits, ways, reading or Reading())
    report_skipped([item for part in parts.values() for item in part.skipped], strict)
    if "train" in parts:
        require_usable_classes(printable(data.name), data.class_names, parts["train"].labels.numpy())
    _warn_about_copies(parts)
    return {name: part for name, part in parts.items() if len(part)}


def decode_split(split: Split, preprocess: Preprocess, reading: Reading | None = None) -> Decoded:
    """Decode every image of a split; files that cannot be used are in `skipped`, each with its reason."""
    return _decode({"": split}, {"": preprocess}, reading or Reading())[""]


def require_usable_classes(shown: str, class_names: Sequence[str], labels: np.ndarray) -> None:
    """Raise DataError if a class does not occur in `labels`, the labels of the usable training images."""
    counts = np.bincount(labels, minlength=len(class_names)) if labels.ndim == 1 else labels.sum(0)
    if not counts.all():
        empty = printable(class_names[int(counts.argmin())])
        raise DataError(f"{shown}: class '{empty}' has no usable training image: add some or remove the class")


def _decode(splits: dict[str, Split], ways: dict[str, Preprocess], reading: Reading) -> dict[str, Decoded]:
    root = cache_root(reading.cache)
    caches = {} if root is None else {way: Cache(root, way) for way in set(ways.values())}
    room = SHARE_OF_MEMORY * free_memory()
    if root is not None:
        room = min(MOST_IN_MEMORY, room)
    done: dict[str, Decoded] = {}
    with ProgressBar(reading.show, sum(map(len, splits.values()))) as bar:
        # The smallest first, so that as many splits as possible are held in memory.
        for name in sorted(splits, key=lambda name: len(splits[name]) * int(np.prod(ways[name].input_size))):
            split, preprocess = splits[name], ways[name]
            needed = len(split) * int(np.prod(preprocess.input_size))
            in_memory = needed <= room
            room -= needed if in_memory else 0
            labels = torch.from_numpy(split.labels)
            if in_memory and isinstance(split.images, np.ndarray):
                done[name] = Decoded(preprocess.batch(split.images), labels, split.names, [], [])
                continue
            part = SplitDecoder(split, preprocess, reading, caches.get(preprocess), in_memory).run(bar)
            names = [split.names[i] for i in part.kept]
            done[name] = Decoded(part.pixels, labels[part.kept], names, part.skipped, part.digests, part.moments)
    _warn_about_streamed(done.values(), cache_is_off=root is None)
    return {name: done[name] for name in splits}


def _warn_about_streamed(parts: Iterable[Decoded], cache_is_off: bool) -> None:
    by_size: dict[tuple[int, ...], int] = defaultdict(int)
    for part in parts:
        if isinstance(part.pixels, StreamedPixels):
            by_size[part.pixels.shape[1:]] += len(part)
    for size, images in by_size.items():
        log.warning(
            "%s images of %s (%.1f GB) fit neither into memory (%.1f GB free, of which a quarter is used) nor into the "
            "cache%s: they are decoded in every epoch",
            f"{images:,}", " x ".join(map(str, size)),
            images * int(np.prod(size)) / 1e9, free_memory() / 1e9,
            ", which is off" if cache_is_off else "",
        )  # fmt: skip


def _warn_about_copies(parts: dict[str, Decoded]) -> None:
    images = [
        Occurrence(digest, split, label, name)
        for split, part in parts.items()
        for digest, label, name in zip(part.digests, map(label_key, part.labels.numpy()), part.names, strict=False)
    ]
    by_kind: dict[str, list[Problem]] = defaultdict(list)
    for problem in find_copies(images):
        by_kind[problem.kind].append(problem)
    for problems in by_kind.values():
        for problem in problems[:MOST_NAMED]:
            log.warning("%s", problem.message)
        if (more := len(problems) - MOST_NAMED) > 0:
            log.warning("... and %d more such images: `convscope check` lists them", more)
