"""Putting freshly decoded images into the cache. Whatever goes wrong there, a training goes on without it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ...errors import printable
from .cache import Cache
from .pixel_file import PackWriter
from .decoded_image import Row

log = logging.getLogger("convscope")


class Keeper:
    """Keeps images with these keys in `cache`, as long as it takes them; they come from `source`.

    Where the disk refuses, one line says so, and nothing half-written stays; nor does it if the block is left early.
    """

    def __init__(self, cache: Cache | None, keys: Sequence[bytes], source: str):
        self.cache, self.keys, self.source = cache, keys, source
        self.writer: PackWriter | None = None
        self.rows: dict[int, int] = {}

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, *_: object) -> None:
        if self.writer is not None:
            self.writer.abandon()

    def keep(self, number: int, key: bytes, row: Row) -> None:
        """One image, called by its number in the split."""
        if self.cache is None:
            return
        try:
            self.writer = self.writer or self.cache.writer(self.keys, self.source)
            if self.writer is None:  # there is no room, and there will be none
                self.cache = None
            else:
                self.rows[number] = self.writer.add(key, row)
        except OSError as problem:
            self._give_up(problem)

    def finish(self) -> dict[int, tuple[int, int]]:
        """Make it last. For each image that was kept, its pack and row; nothing if the disk refused."""
        if self.writer is None or self.cache is None:
            return {}
        try:
            pack = self.writer.finish()
        except OSError as problem:
            self._give_up(problem)
            return {}
        self.writer = None
        place = self.cache.add(pack)
        return {number: (place, row) for number, row in self.rows.items()}

    def _give_up(self, problem: OSError) -> None:
        assert self.cache is not None
        if self.writer is not None:
            self.writer.abandon()
        log.warning(
            "decoded images cannot be kept in %s (%s): free some space, or give another place with --cache DIR",
            printable(self.cache.root), problem.strerror or problem,
        )  # fmt: skip
        self.cache.broken = True
        self.cache = self.writer = None
