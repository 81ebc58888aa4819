"""Batching: images that wait while the network computes go through it together, without anyone waiting for others.

    request -> queue of images (bounded) -> decode, network -> answers of whole requests

A batch is whatever waits when the network becomes free, so that a lone request is never delayed and a crowd makes
large batches. A network of milliseconds computes in threads of its own, which share what waits. A brief one computes in
the thread of the event loop, a few images between two looks at the connections: handing them to another thread and back
takes longer than the network, since the two threads wait for each other's turn with the interpreter.
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

from ...data.decoding.ahead import available_cores
from ...errors import DataError
from ..http.errors import standard_error
from .answering import Answering, Output

MAX_BATCH, MAX_WAITING, DEADLINE_SECONDS = 32, 256, 30.0
# An encoded image above this is decoded by other threads while it waits; below, passing it on would take longer.
LARGE_BYTES = 16_384
PNG_HEAD, BRIEF_PIXELS = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 65_536
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
    """One image in a queue, and its pixels if another thread decodes it."""

    job: Job
    index: int
    decoded: Future[np.ndarray] | None = None


class Batcher:
    """Answers images in batches of at most `max_batch`; at most `max_waiting` images wait.

    `waiting` is the queue of the threads, of which as many compute as an answering may in `parallel`; `waiting_here` is
    that of the event loop, for networks with a `brief_batch`.
    `on_batch(images, waiting, seconds)` is told of each batch: its size, how many still wait, the network's time.
    """

    def __init__(self, name: str, max_batch: int = MAX_BATCH, max_waiting: int = MAX_WAITING, on_batch: Any = None):
        self.max_batch, self.max_waiting, self.on_batch = max_batch, max_waiting, on_batch
        self.waiting: deque[_Waiting] = deque()
        self.waiting_here: deque[_Waiting] = deque()
        self.changed = threading.Condition()
        self.closed = self.runs_here = False
        self.busy = 0
        self.pool = ThreadPoolExecutor(DECODING_THREADS, f"convscope-decoding-{name}")
        self.threads = [
            threading.Thread(target=self._run, name=f"convscope-batches-{name}", daemon=True)
            for _ in range(available_cores())
        ]
        for thread in self.threads:
            thread.start()

    def require_room(self, images: int = 1) -> None:
        """HttpError 503 if so many more images may not wait."""
        if self._is_full(images):
            with self.changed:  # those that nobody waits for any longer take no place
                self.waiting = deque(one for one in self.waiting if not one.job.abandoned)
            self.waiting_here = deque(one for one in self.waiting_here if not one.job.abandoned)
            if self._is_full(images):
                raise standard_error(503, {"Retry-After": "1"})

    def _is_full(self, images: int) -> bool:
        waiting = len(self.waiting) + len(self.waiting_here)
        return self.closed or waiting + images > max(self.max_waiting, images)

    async def run(self, answering: Answering, images: Sequence[bytes | np.ndarray], seconds: float) -> Job:
        """Return the finished job of some images; HttpError 503 if the queue is full, 504 after `seconds`."""
        self.require_room(len(images))  # only this thread adds to the queues
        loop = asyncio.get_running_loop()
        job = Job(answering, images, loop.create_future(), time.monotonic() + seconds)
        if answering.brief_batch and all(is_brief_to_decode(image) for image in images):
            self.waiting_here.extend(_Waiting(job, index) for index in range(len(images)))
            if not self.runs_here:
                self.runs_here = True
                loop.call_soon(self._run_here, loop)
        else:
            self._pass_to_thread(job)
        timer = loop.call_later(seconds, _give_up, job)
        try:
            await job.future
        finally:
            job.abandoned = True
            timer.cancel()
        return job

    def _pass_to_thread(self, job: Job) -> None:
        decode = job.answering.decode
        decoded = [
            self.pool.submit(decode, image) if isinstance(image, bytes) and len(image) > LARGE_BYTES else None
            for image in job.images
        ]
        with self.changed:
            self.waiting.extend(_Waiting(job, index, decoded[index]) for index in range(len(job.images)))
            self.changed.notify()

    def close(self, seconds: float = 1.0) -> bool:
        """Abandon every job, and return whether the threads ended within `seconds`."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        self.pool.shutdown(wait=False, cancel_futures=True)
        end = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(end - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self.threads)

    def _run_here(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer one batch in the thread of the event loop, which then looks at its connections before the next."""
        batch = self._taken(self.waiting_here)
        self.runs_here = bool(batch)
        if batch:
            loop.call_soon(self._run_here, loop)
            _set_results(self._answered(batch))

    def _run(self) -> None:
        while batch := self._next():
            complete = self._answered(batch)
            with self.changed:
                self.busy -= 1
                self.changed.notify()
            if complete:  # tell the event loop, once
                loop = complete[0].future.get_loop()
                if not loop.is_closed():
                    loop.call_soon_threadsafe(_set_results, complete)

    def _next(self) -> list[_Waiting]:
        """Wait for images and return the next batch; none once this is closed."""
        with self.changed:
            while not self.closed:
                parallel = self.waiting[0].job.answering.parallel if self.waiting else 0
                if self.busy < parallel and (batch := self._taken(self.waiting, parallel)):
                    self.busy += 1
                    self.changed.notify()  # another thread takes the rest
                    return batch
                if self.busy >= parallel:
                    self.changed.wait()
        return []

    def _taken(self, waiting: deque[_Waiting], share: int = 1) -> list[_Waiting]:
        """Take the next batch from a queue, all of one classifier, without those that nobody waits for.

        `share` is the number of threads among which what waits is divided.
        """
        batch: list[_Waiting] = []
        now, most = time.monotonic(), min(self.max_batch, -(-len(waiting) // share))
        while waiting and len(batch) < most:
            first = waiting[0].job
            if first.abandoned or now > first.end:
                waiting.popleft()
                continue
            if not batch and waiting is self.waiting_here:
                most = min(most, first.answering.brief_batch)
            if batch and first.answering is not batch[0].job.answering:
                break
            batch.append(waiting.popleft())
        return batch

    def _answered(self, batch: list[_Waiting]) -> list[Job]:
        """Answer a batch, and return the jobs that are complete with it."""
        try:
            self._answer(batch)
        except Exception as problem:  # the network failed: each of these requests is told, and the service goes on
            for one in batch:
                one.job.outputs[one.index] = problem
        complete = []
        with self.changed:  # another thread may have other images of the same request
            for one in batch:
                one.job.left -= 1
                if one.job.left == 0:
                    complete.append(one.job)
        return complete

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
            self.on_batch(len(usable), len(self.waiting) + len(self.waiting_here), seconds)


def is_brief_to_decode(image: bytes | np.ndarray) -> bool:
    """Return whether an image is certainly decoded in a fraction of a millisecond: pixels, or a small PNG or JPEG."""
    if isinstance(image, np.ndarray):
        return True
    if len(image) > LARGE_BYTES:
        return False
    if image.startswith(PNG_HEAD):
        return int.from_bytes(image[16:20], "big") * int.from_bytes(image[20:24], "big") <= BRIEF_PIXELS
    if not image.startswith(b"\xff\xd8"):
        return False
    import simplejpeg

    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(image)
    except ValueError:
        return False
    return bool(height * width <= BRIEF_PIXELS)


def _pixels(one: _Waiting) -> np.ndarray:
    if one.decoded is not None:
        return one.decoded.result()
    image = one.job.images[one.index]
    return one.job.answering.decode(image) if isinstance(image, bytes) else image


def _set_results(jobs: list[Job]) -> None:
    for job in jobs:
        if not job.future.done():
            job.future.set_result(None)


def _give_up(job: Job) -> None:
    if not job.future.done():
        job.future.set_exception(standard_error(504))
