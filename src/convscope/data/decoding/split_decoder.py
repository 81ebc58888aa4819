"""Taking the images of a split together: from the cache those that it has, by decoding the others."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..image_file import UnreadableImage
from ..preprocess import Preprocess
from ..split import Split
from .cache import Cache, Found, nothing_found
from .cache_writer import Keeper
from .pixels import Pixels, ahead
from .decoded_image import Row, Source, key_of, make_row, read_content
from .stream import Streamed

log = logging.getLogger("convscope")

# Decoded images that wait for their turn.
WAITING_BYTES, WAITING_IMAGES = 64_000_000, 1024
# Files that one thread looks at in one go, and that it decodes: an exchange between threads costs a tenth of a photo.
LOT, HANDFUL = 1024, 8


@dataclass(frozen=True)
class Reading:
    """How images are read: where decoded ones are kept (`auto`, `off` or a folder), by how many threads or processes.

    `workers` is None for one a core. `show` draws a progress bar on stderr, if that is a terminal.
    """

    cache: str = "auto"
    workers: int | None = None
    show: bool = False

    @property
    def hands(self) -> int:
        """How many work at once."""
        return self.workers or cores()


@dataclass
class Gathered:
    """The images of a split that can be used, which they are, and `(name, reason)` of the others."""

    pixels: Pixels
    kept: list[int]
    digests: list[bytes]
    moments: np.ndarray
    skipped: list[tuple[str, str]]


class Gathering:
    """One split on its way into memory (if it may lie there) or into the cache (if there is one)."""

    def __init__(self, split: Split, preprocess: Preprocess, reading: Reading, cache: Cache | None, in_memory: bool):
        self.split, self.preprocess, self.reading = split, preprocess, reading
        self.cache, self.in_memory = cache, in_memory
        self.sources: Sequence[Source] = split.images  # type: ignore[assignment]

    def run(self, bar: Bar) -> Gathered:
        """Read, decode and keep."""
        keys, found = self._look_up()
        absent = np.flatnonzero(found.places[:, 0] < 0).tolist()
        bar.advance(len(keys) - len(absent))
        fresh, skipped = self._decode(absent, keys, found, bar)
        kept = [i for i, digest in enumerate(found.digests) if digest is not None]
        digests = [digest for digest in found.digests if digest is not None]
        places = found.places[kept]
        pixels: Pixels
        if fresh is not None:
            pixels = self._together(fresh, places)
        elif self.cache is not None and (places[:, 0] >= 0).all():
            pixels = self.cache.rows(places)
        else:
            sources, names = [self.sources[i] for i in kept], [self.split.names[i] for i in kept]
            pixels = Streamed(sources, names, digests, self.preprocess, self.reading.hands)
        return Gathered(pixels, kept, digests, found.moments, skipped)

    def _look_up(self) -> tuple[list[bytes | None], Found]:
        if self.cache is None:
            return [None] * len(self.split), nothing_found(len(self.split), self.preprocess.input_size[0])
        lots = [self.sources[start : start + LOT] for start in range(0, len(self.sources), LOT)]
        with ThreadPoolExecutor(self.reading.hands) as pool:
            keys = [key for lot in pool.map(_keys_of, lots) for key in lot]
        return keys, self.cache.find(keys)

    def _decode(
        self, absent: list[int], keys: list[bytes | None], found: Found, bar: Bar
    ) -> tuple[Tensor | None, list[tuple[str, str]]]:
        """Decode what the cache lacks and complete `found`. The rows M x H x W x C if they may lie in memory."""
        channels, height, width = self.preprocess.input_size
        # Filled by NumPy: torch would wake its own threads for every image, and they are in the way of those here.
        fresh = np.empty((len(absent), height, width, channels), np.uint8) if self.in_memory else None
        if fresh is not None:
            fresh.fill(0)  # so that its pages are there: while others work, each costs many times as much
        skipped: list[tuple[str, str]] = []
        count = 0
        with Keeper(self.cache, [keys[i] or b"" for i in absent], self._where()) as keeper:
            for i, row in zip(absent, self._rows(absent), strict=True):
                bar.advance(1)
                if isinstance(row, str):
                    skipped.append((self.split.names[i], row))
                    continue
                if fresh is not None:
                    fresh[count] = row.pixels
                count += 1
                found.digests[i] = row.digest
                found.moments += row.moments
                keeper.keep(i, keys[i] or row.digest, row)
            kept = keeper.finish()
        if fresh is not None:
            return torch.from_numpy(fresh[:count]), skipped
        for i, place in kept.items():
            found.places[i] = place
        return None, skipped

    def _rows(self, absent: list[int]) -> Iterator[Row | str]:
        known = self.cache.by_digest() if self.cache is not None and absent else {}
        hands, room = self.reading.hands, waiting(self.preprocess)
        each = max(min(HANDFUL, room // (4 * hands)), 1)
        lots = (absent[start : start + each] for start in range(0, len(absent), each))
        with ThreadPoolExecutor(hands) as pool:
            for rows in ahead(pool, partial(self._several, known), lots, room // each):
                yield from rows

    def _several(self, known: dict[bytes, tuple[int, int]], lot: list[int]) -> list[Row | str]:
        return [self._row(known, self.sources[i]) for i in lot]

    def _row(self, known: dict[bytes, tuple[int, int]], source: Source) -> Row | str:
        """A row: decoded, unless the cache has the same content under another key."""
        try:
            content, digest = read_content(source)
            again = self.cache.read(known[digest]) if self.cache is not None and digest in known else None
            return again or make_row(source, content, digest, self.preprocess)
        except UnreadableImage as problem:
            return str(problem)
        except MemoryError:
            return "does not fit into memory"

    def _together(self, fresh: Tensor, places: np.ndarray) -> Tensor:
        """Rows that were decoded now (those without a place) and rows of the cache, in one piece: N x C x H x W."""
        held = places[:, 0] >= 0
        if not held.any() or self.cache is None:
            return fresh.permute(0, 3, 1, 2)
        cached = self.cache.rows(places[held])[:]
        if held.all():
            return cached
        out = torch.empty(len(places), *fresh.shape[1:], dtype=torch.uint8)
        out[torch.from_numpy(held)] = cached.permute(0, 2, 3, 1)
        out[torch.from_numpy(~held)] = fresh
        return out.permute(0, 3, 1, 2)

    def _where(self) -> str:
        """The folder (or zip) that all of the files lie in, for whoever looks at what is in the cache."""
        if isinstance(self.sources, np.ndarray) or not len(self.sources):
            return "arrays"
        paths = [os.fspath(source) if isinstance(source, os.PathLike) else str(source) for source in self.sources]
        return os.path.commonpath(map(os.path.abspath, paths))


def _keys_of(sources: Sequence[Source]) -> list[bytes | None]:
    return [key_of(source) for source in sources]


class Bar:
    """How many of `total` images were read, on a terminal; nothing elsewhere."""

    def __init__(self, show: bool, total: int):
        self.progress: Any = None
        if show and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("reading images"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self.progress = Progress(*columns, console=Console(file=sys.stderr), transient=True)
            self.task = self.progress.add_task("", total=total)

    def __enter__(self) -> Bar:
        if self.progress is not None:
            self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.progress is not None:
            self.progress.stop()

    def advance(self, count: int) -> None:
        """So many more."""
        if self.progress is not None:
            self.progress.advance(self.task, count)


def waiting(preprocess: Preprocess) -> int:
    """How many decoded images may wait for their turn."""
    return max(min(WAITING_IMAGES, WAITING_BYTES // int(np.prod(preprocess.input_size))), 8)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
