"""Write newly decoded images to the cache. If that fails, training goes on without it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ...errors import printable
from .cache import RowCache
from .decoded_image import DecodedImage
from .pixel_file import PixelFileWriter

log = logging.getLogger("convscope")


class CacheWriter:
    """Writes images with the given keys, which come from `source`, to `cache` if there is one and as long as it can.

    Where the disk refuses, one warning says so, and the unfinished file is deleted, also if the `with` block is left
    early.
    """

    def __init__(self, cache: RowCache | None, keys: Sequence[bytes], source: str):
        self.cache, self.keys, self.source = cache, keys, source
        self.writer: PixelFileWriter | None = None
        self.rows: dict[int, int] = {}

    def __enter__(self) -> CacheWriter:
        return self

    def __exit__(self, *_: object) -> None:
        if self.writer is not None:
            self.writer.abandon()

    def add(self, index: int, key: bytes, image: DecodedImage) -> None:
        """Write one image, which has this index in its split."""
        if self.cache is None:
            return
        try:
            self.writer = self.writer or self.cache.writer(self.keys, self.source)
            if self.writer is None:  # there is no room, and there will be none
                self.cache = None
            else:
                self.rows[index] = self.writer.add(key, image)
        except OSError as problem:
            self._give_up(problem)

    def finish(self) -> dict[int, tuple[int, int]]:
        """Complete the file and return for each index the image's location, file and row; {} if the disk refused."""
        if self.writer is None or self.cache is None:
            return {}
        try:
            file = self.writer.finish()
        except OSError as problem:
            self._give_up(problem)
            return {}
        self.writer = None
        number = self.cache.add(file)
        return {index: (number, row) for index, row in self.rows.items()}

    def _give_up(self, problem: OSError) -> None:
        assert self.cache is not None
        if self.writer is not None:
            self.writer.abandon()
        log.warning(
            "decoded images cannot be kept in %s (%s): free some space, or choose another folder with --cache DIR",
            printable(self.cache.root), problem.strerror or problem,
        )  # fmt: skip
        self.cache.broken = True
        self.cache = self.writer = None
