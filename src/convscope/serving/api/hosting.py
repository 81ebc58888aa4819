"""The hosted classifiers: each by its name, loaded when first used, replaced by a newer one without a pause."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import ConvScopeError, printable
from ..http.errors import not_found
from .answering import Answering
from .batching import DEADLINE_SECONDS, MAX_BATCH, MAX_WAITING, Batcher, Job
from .metrics import Metrics

log = logging.getLogger("convscope")


@dataclass(frozen=True)
class Limits:
    """How many images go through a network at once, how many may wait, and how long an answer may take in seconds."""

    max_batch: int = MAX_BATCH
    queue: int = MAX_WAITING
    deadline: float = DEADLINE_SECONDS


class Hosted:
    """One classifier: `find` returns what computes it, quickly once it is loaded; `load` reads it again."""

    def __init__(
        self, id: str, find: Callable[[], Answering], load: Callable[[], object], is_loaded: Callable[[], bool]
    ):
        self.id, self.find, self.load, self.is_loaded = id, find, load, is_loaded
        self.batcher: Batcher | None = None

    async def answering(self) -> Answering:
        """Return what computes it, without blocking other requests while it is loaded."""
        return self.find() if self.is_loaded() else await asyncio.to_thread(self.find)


class Hosting:
    """All classifiers by id; `current` is the one that answers where none is named."""

    def __init__(self, hosted: Sequence[Hosted], current: str, limits: Limits | None = None):
        self.by_id = {one.id: one for one in hosted}
        self.current, self.limits = current, limits or Limits()
        self.metrics = Metrics()
        self.is_stopping: Callable[[], bool] = lambda: False
        self.reloading = asyncio.Lock()
        self.ask_reload = self.reload

    def add(self, hosted: Hosted) -> None:
        """Add a classifier while the service runs; callable from any thread."""
        self.by_id = {**self.by_id, hosted.id: hosted}

    def get(self, id: str | None) -> Hosted:
        """Return the classifier with this id, the current one for None; HttpError 404 if there is none."""
        hosted = self.by_id.get(self.current if id is None else id)
        if hosted is None:
            raise not_found("classifier", "分类器", id)
        return hosted

    def batcher_of(self, hosted: Hosted) -> Batcher:
        """Return the batcher of a classifier, which begins with its first request."""
        if hosted.batcher is None:
            observe = self.metrics.batch_observer(hosted.id)
            hosted.batcher = Batcher(hosted.id, self.limits.max_batch, self.limits.queue, observe)
        return hosted.batcher

    async def answer(self, hosted: Hosted, images: Sequence[bytes | np.ndarray], answering: Answering) -> Job:
        """Return the finished job of some images; HttpError 503 if the queue is full, 504 after the deadline."""
        return await self.batcher_of(hosted).run(answering, images, self.limits.deadline)

    def is_ready(self) -> bool:
        """Return whether requests are answered: the current classifier is loaded and nothing is ending."""
        return self.by_id[self.current].is_loaded() and not self.is_stopping()

    async def reload(self) -> dict[str, str]:
        """Read every loaded classifier again, and return what became of each: "reloaded", or why it stays as it was.

        Requests that have been accepted are answered by the classifier that they came to.
        """
        said = {}
        async with self.reloading:
            for hosted in [one for one in self.by_id.values() if one.is_loaded()]:
                try:
                    await asyncio.to_thread(hosted.load)
                    said[hosted.id] = "reloaded"
                except (ConvScopeError, OSError) as problem:
                    said[hosted.id] = printable(problem)
                    log.error("%s was not reloaded, the former one goes on: %s", hosted.id, printable(problem))
        return said

    def close(self) -> bool:
        """End all batchers, and return whether their threads have ended."""
        have_ended = [one.batcher.close() for one in self.by_id.values() if one.batcher is not None]
        return all(have_ended)
