"""Decode the images of one split: take those that the cache has from there, decode the others and keep them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ..image_file import UnreadableImage
from ..preprocess import Preprocess
from ..split import Split
from .ahead import available_cores, map_ahead, queue_length
from .cache import Cache, CacheHits, no_hits
from .cache_writer import CacheWriter
from .decoded_image import DecodedImage, RawImage, cache_key, decode_content, read_content
from .pixels import Pixels
from .progress_bar import ProgressBar
from .stream import StreamedPixels

# Keys that a thread computes, and images that it decodes, per task: handing over a task costs a tenth of a photo.
KEYS_PER_TASK, IMAGES_PER_TASK = 1024, 8


@dataclass(frozen=True)
class Reading:
    """How images are read.

    `cache` is where decoded images are kept (`auto`, `off` or a folder), `workers` the number of threads or processes
    (None: one per core), `show` whether to draw a progress bar if stderr is a terminal.
    """

    cache: str = "auto"
    workers: int | None = None
    show: bool = False

    @property
    def worker_count(self) -> int:
        """The number of threads or processes."""
        return self.workers or available_cores()


@dataclass
class DecodedPart:
    """The usable images of a split.

    `kept` has their indices in the split, `digests` one per image, `moments` their sums (2 x C), and `skipped` name and
    reason of the others.
    """

    pixels: Pixels
    kept: list[int]
    digests: list[bytes]
    moments: np.ndarray
    skipped: list[tuple[str, str]]


class SplitDecoder:
    """Decodes one split into memory (if `in_memory`) and into the cache (if there is one)."""

    def __init__(self, split: Split, preprocess: Preprocess, reading: Reading, cache: Cache | None, in_memory: bool):
        self.split, self.preprocess, self.reading = split, preprocess, reading
        self.cache, self.in_memory = cache, in_memory
        self.images: Sequence[RawImage] = split.images  # type: ignore[assignment]

    def run(self, bar: ProgressBar) -> DecodedPart:
        """Decode the split and advance the bar by each image."""
        keys, hits = self._look_up()
        missing = np.flatnonzero(hits.locations[:, 0] < 0).tolist()
        bar.advance(len(keys) - len(missing))
        fresh, skipped = self._decode(missing, keys, hits, bar)
        kept = [i for i, digest in enumerate(hits.digests) if digest is not None]
        digests = [digest for digest in hits.digests if digest is not None]
        locations = hits.locations[kept]
        pixels: Pixels
        if fresh is not None:
            pixels = self._merge(fresh, locations, [self.images[i] for i in kept])
        elif self.cache is not None and (locations[:, 0] >= 0).all():
            pixels = self.cache.pixels(locations, [self.images[i] for i in kept])
        else:
            images, names = [self.images[i] for i in kept], [self.split.names[i] for i in kept]
            pixels = StreamedPixels(images, names, digests, self.preprocess, self.reading.worker_count)
        return DecodedPart(pixels, kept, digests, hits.moments, skipped)

    def _look_up(self) -> tuple[list[bytes | None], CacheHits]:
        if self.cache is None:
            return [None] * len(self.split), no_hits(len(self.split), self.preprocess.input_size[0])
        parts = [self.images[i : i + KEYS_PER_TASK] for i in range(0, len(self.images), KEYS_PER_TASK)]
        with ThreadPoolExecutor(self.reading.worker_count) as pool:
            keys = [key for part in pool.map(_cache_keys, parts) for key in part]
        return keys, self.cache.find(keys)

    def _decode(
        self, missing: list[int], keys: list[bytes | None], hits: CacheHits, bar: ProgressBar
    ) -> tuple[Tensor | None, list[tuple[str, str]]]:
        """Decode the images that the cache lacks and complete `hits`.

        Returns their pixels M x H x W x C if they may lie in memory, and the skipped ones.
        """
        channels, height, width = self.preprocess.input_size
        # Filled by NumPy: torch would start its own threads for each image, which would compete with those here.
        fresh = np.empty((len(missing), height, width, channels), np.uint8) if self.in_memory else None
        if fresh is not None:
            fresh.fill(0)  # allocates its memory pages now: while other threads work, each costs many times as much
        skipped: list[tuple[str, str]] = []
        count = 0
        with CacheWriter(self.cache, [keys[i] or b"" for i in missing], self._common_folder()) as writer:
            for i, image in zip(missing, self._decoded(missing), strict=True):
                bar.advance(1)
                if isinstance(image, str):
                    skipped.append((self.split.names[i], image))
                    continue
                if fresh is not None:
                    fresh[count] = image.pixels
                count += 1
                hits.digests[i] = image.digest
                hits.moments += image.moments
                writer.add(i, keys[i] or image.digest, image)
            locations = writer.finish()
        if fresh is not None:
            return torch.from_numpy(fresh[:count]), skipped
        for i, location in locations.items():
            hits.locations[i] = location
        return None, skipped

    def _decoded(self, missing: list[int]) -> Iterator[DecodedImage | str]:
        known = self.cache.by_digest() if self.cache is not None and missing else {}
        workers, depth = self.reading.worker_count, queue_length(self.preprocess)
        each = max(min(IMAGES_PER_TASK, depth // (4 * workers)), 1)
        tasks = (missing[start : start + each] for start in range(0, len(missing), each))
        with ThreadPoolExecutor(workers) as pool:
            for images in map_ahead(pool, partial(self._decode_several, known), tasks, depth // each):
                yield from images

    def _decode_several(self, known: dict[bytes, tuple[int, int]], indices: list[int]) -> list[DecodedImage | str]:
        return [self._decode_one(known, self.images[i]) for i in indices]

    def _decode_one(self, known: dict[bytes, tuple[int, int]], image: RawImage) -> DecodedImage | str:
        """Decode an image, or copy it from the cache if that has the same content under another key."""
        try:
            content, digest = read_content(image)
            again = self.cache.read(known[digest]) if self.cache is not None and digest in known else None
            return again or decode_content(image, content, digest, self.preprocess)
        except UnreadableImage as problem:
            return str(problem)
        except MemoryError:
            return "does not fit into memory"

    def _merge(self, fresh: Tensor, locations: np.ndarray, images: Sequence[RawImage]) -> Tensor:
        """Return images decoded now (location -1) and images of the cache as one tensor N x C x H x W."""
        cached = locations[:, 0] >= 0
        if not cached.any() or self.cache is None:
            return fresh.permute(0, 3, 1, 2)
        from_cache = self.cache.pixels(locations[cached], [images[i] for i in np.flatnonzero(cached).tolist()])[:]
        if cached.all():
            return from_cache
        out = torch.empty(len(locations), *fresh.shape[1:], dtype=torch.uint8)
        out[torch.from_numpy(cached)] = from_cache.permute(0, 2, 3, 1)
        out[torch.from_numpy(~cached)] = fresh
        return out.permute(0, 3, 1, 2)

    def _common_folder(self) -> str:
        """Return the folder (or zip) that holds all files, for the listing of the cache."""
        if isinstance(self.images, np.ndarray) or not len(self.images):
            return "arrays"
        paths = [os.fspath(image) if isinstance(image, os.PathLike) else str(image) for image in self.images]
        return os.path.commonpath(map(os.path.abspath, paths))


def _cache_keys(images: Sequence[RawImage]) -> list[bytes | None]:
    return [cache_key(image) for image in images]
