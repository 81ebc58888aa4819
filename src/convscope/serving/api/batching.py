"""Batching: images that wait while the network computes go through it together, without anyone waiting for others.

    request -> queue of images (bounded) -> one thread: decode, network -> answers of whole requests

A batch is whatever waits when the network becomes free, so that a lone request is never delayed and a crowd makes
large batches.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import DataError
from ..http.errors import standard_error
from .answering import Answering, Output

MAX_BATCH, MAX_WAITING, DEADLINE_SECONDS = 32, 256, 30.0
# An encoded image above this is decoded by other threads while it waits; below, passing it on would take longer.
LARGE_BYTES = 16_384
DECODING_THREADS = 2


@dataclass
class Timings:
    """How long the images of a request waited, were decoded and were in the network, in seconds."""

    waiting: float = 0.0
    decoding: float = 0.0
    network: float = 0.0

    def to_dict(self) -> dict[str, float]:
        """Return milliseconds, as JSON."""
        return {name: round(seconds * 1000, 3) for name, seconds in vars(self).items()}


@dataclass(eq=False)
class Job:
    """The images of one request (encoded, or pixels), and what becomes of each: an output, or why there is none."""

    answering: Answering
    images: Sequence[bytes | np.ndarray]
    future: asyncio.Future[None]
    end: float  # of time.monotonic()
    outputs: list[Output | Exception] = field(default_factory=list)
    timings: Timings = field(default_factory=Timings)
    since: float = field(default_factory=time.perf_counter)
    abandoned: bool = False

    def __post_init__(self) -> None:
        self.outputs = [standard_error(504)] * len(self.images)
        self.left = len(self.images)


@dataclass
class _Waiting:
    """One image in the queue, and its pixels if another thread decodes it."""

    job: Job
    index: int
    decoded: Future[np.ndarray] | None


class Batcher:
    """One thread that answers images in batches of at most `max_batch`; at most `max_waiting` images wait.

    `on_batch(images, waiting, seconds)` is told of each batch: its size, how many still wait, the network's time.
    """

    def __init__(self, name: str, max_batch: int = MAX_BATCH, max_waiting: int = MAX_WAITING, on_batch: Any = None):
        self.max_batch, self.max_waiting, self.on_batch = max_batch, max_waiting, on_batch
        self.waiting: deque[_Waiting] = deque()
        self.changed = threading.Condition()
        self.closed = False
        self.pool = ThreadPoolExecutor(DECODING_THREADS, f"convscope-decoding-{name}")
        self.thread = threading.Thread(target=self._run, name=f"convscope-batches-{name}", daemon=True)
        self.thread.start()

    def require_room(self, images: int = 1) -> None:
        """HttpError 503 if so many more images may not wait."""
        most = max(self.max_waiting, images)
        with self.changed:
            if len(self.waiting) + images > most:  # those that nobody waits for any longer take no place
                self.waiting = deque(one for one in self.waiting if not one.job.abandoned)
            full = len(self.waiting) + images > most
        if full or self.closed:
            raise standard_error(503, {"Retry-After": "1"})

    async def run(self, answering: Answering, images: Sequence[bytes | np.ndarray], seconds: float) -> Job:
        """Return the finished job of some images; HttpError 503 if the queue is full, 504 after `seconds`."""
        self.require_room(len(images))  # only this thread adds to the queue
        loop = asyncio.get_running_loop()
        job = Job(answering, images, loop.create_future(), time.monotonic() + seconds)
        decoded = [
            self.pool.submit(answering.decode, image) if isinstance(image, bytes) and len(image) > LARGE_BYTES else None
            for image in images
        ]
        with self.changed:
            self.waiting.extend(_Waiting(job, index, decoded[index]) for index in range(len(images)))
            self.changed.notify()
        timer = loop.call_at(loop.time() + seconds, _give_up, job)
        try:
            await job.future
        finally:
            job.abandoned = True
            timer.cancel()
        return job

    def close(self, seconds: float = 1.0) -> bool:
        """Abandon every job, and return whether the thread ended within `seconds`."""
        with self.changed:
            self.closed = True
            self.changed.notify()
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.thread.join(seconds)
        return not self.thread.is_alive()

    def _run(self) -> None:
        while batch := self._next():
            try:
                self._answer(batch)
            except Exception as problem:  # the network failed: each of these requests is told, and the service goes on
                for one in batch:
                    one.job.outputs[one.index] = problem
            _finish(batch)

    def _next(self) -> list[_Waiting]:
        """Wait for images and return the next batch, all of one classifier; none once this is closed."""
        with self.changed:
            while not self.closed:
                batch: list[_Waiting] = []
                while self.waiting and len(batch) < self.max_batch:
                    first = self.waiting[0].job
                    if first.abandoned or time.monotonic() > first.end:
                        self.waiting.popleft()
                        continue
                    if batch and first.answering is not batch[0].job.answering:
                        break
                    batch.append(self.waiting.popleft())
                if batch:
                    return batch
                self.changed.wait()
        return []

    def _answer(self, batch: list[_Waiting]) -> None:
        started = time.perf_counter()
        pixels, usable = [], []
        for one in batch:
            one.job.timings.waiting = started - one.job.since
            try:
                pixels.append(_pixels(one))
                usable.append(one)
            except DataError as problem:
                one.job.outputs[one.index] = problem
        decoded = time.perf_counter()
        for one in batch:
            one.job.timings.decoding += (decoded - started) / len(batch)
        if not usable:
            return
        outputs = usable[0].job.answering.compute(pixels)
        seconds = time.perf_counter() - decoded
        for one, output in zip(usable, outputs, strict=True):
            one.job.outputs[one.index] = output
        for job in {id(one.job): one.job for one in usable}.values():
            job.timings.network += seconds
        if self.on_batch is not None:
            self.on_batch(len(usable), len(self.waiting), seconds)


def _pixels(one: _Waiting) -> np.ndarray:
    if one.decoded is not None:
        return one.decoded.result()
    image = one.job.images[one.index]
    return one.job.answering.decode(image) if isinstance(image, bytes) else image


def _finish(batch: list[_Waiting]) -> None:
    """Tell the event loop, once, which requests are complete."""
    complete = []
    for one in batch:
        one.job.left -= 1
        if one.job.left == 0:
            complete.append(one.job)
    if complete:
        loop = complete[0].future.get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(_set_results, complete)


def _set_results(jobs: list[Job]) -> None:
    for job in jobs:
        if not job.future.done():
            job.future.set_result(None)


def _give_up(job: Job) -> None:
    if not job.future.done():
        job.future.set_exception(standard_error(504))
