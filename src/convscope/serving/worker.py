"""Where the network computes: a thread with a short queue, so that the service itself never waits for it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch
from fastapi import Request
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from .http.errors import Refusal, plain_refusal

T = TypeVar("T")


class Abandoned(BaseException):
    """Raised inside a computation whose answer nobody waits for; no `except Exception` on its way keeps it alive."""


class _Job(Generic[T]):
    def __init__(self, compute: Callable[[], T], page: str | None):
        self.compute, self.page = compute, page
        self.loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[T] = self.loop.create_future()
        self.abandoned = False

    def settle(self, result: T | None, problem: BaseException | None) -> None:
        """Hand the result over to the event loop, from whichever thread."""

        def hand_over() -> None:
            if self.answer.done() or self.abandoned:
                return
            if problem is not None:
                self.answer.set_exception(problem)
            else:
                self.answer.set_result(result)  # type: ignore[arg-type]

        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(hand_over)


class Lane:
    """One thread that computes what is asked for in turn; at most `room` requests wait.

    `threads` is how many of torch's threads it uses, None for torch's own choice. A computation that is given up (its
    time is over, or the client has gone) ends at the next layer that it comes to.
    """

    def __init__(self, name: str, room: int = 32, threads: int | None = None):
        self.room, self.threads = room, threads
        self.waiting: deque[_Job[Any]] = deque()
        self.running: _Job[Any] | None = None
        self.closed = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._work, name=f"convscope-{name}", daemon=True)
        self.hook = register_module_forward_pre_hook(self._stop_if_abandoned)
        self.thread.start()

    async def run(
        self, compute: Callable[[], T], seconds: float, request: Request | None = None, page: str | None = None
    ) -> T:
        """The result of `compute`.

        Refusal 503 if the queue is full, 504 after `seconds` (waiting included), 409 if a newer request of the same
        `page` came while this one was waiting. Given up when the client of `request`, whose body was read, has gone.
        """
        job = _Job(compute, page)
        self._enqueue(job)
        gone = asyncio.ensure_future(_gone(request)) if request is not None else None
        try:
            watched: list[asyncio.Future[Any]] = [job.answer, *([gone] if gone else [])]
            await asyncio.wait(watched, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if job.answer.done():
                return job.answer.result()
            raise plain_refusal(504) if gone is None or not gone.done() else Refusal(499, "gone", "连接已断开")
        finally:
            job.abandoned = True
            if gone is not None:
                gone.cancel()

    def _enqueue(self, job: _Job[Any]) -> None:
        with self.changed:
            for older in [other for other in self.waiting if job.page is not None and other.page == job.page]:
                self.waiting.remove(older)
                older.settle(None, _superseded())
            self.waiting = deque(other for other in self.waiting if not other.abandoned)
            if len(self.waiting) >= self.room or self.closed:
                raise plain_refusal(503, {"Retry-After": "1"})
            self.waiting.append(job)
            self.changed.notify()

    def close(self, seconds: float = 1.0) -> bool:
        """Give up what is running and waiting; whether the thread has ended in time."""
        with self.changed:
            self.closed = True
            for job in [*self.waiting, *([self.running] if self.running else [])]:
                job.abandoned = True
            self.changed.notify()
        self.thread.join(seconds)
        self.hook.remove()
        return not self.thread.is_alive()

    def _work(self) -> None:
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        while (job := self._next()) is not None:
            try:
                job.settle(job.compute(), None)
            except Abandoned:
                job.settle(None, plain_refusal(504))
            except BaseException as problem:
                job.settle(None, problem)
            self.running = None
            del job

    def _next(self) -> _Job[Any] | None:
        with self.changed:
            while not self.closed:
                while self.waiting:
                    job = self.waiting.popleft()
                    if not job.abandoned:
                        self.running = job
                        return job
                self.changed.wait()
        return None

    def _stop_if_abandoned(self, module: nn.Module, inputs: Any) -> None:
        if threading.current_thread() is self.thread and self.running is not None and self.running.abandoned:
            raise Abandoned


def _superseded() -> Refusal:
    return Refusal(409, "superseded: a newer request of this page came in", "已被同一页面的新请求取代")


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def milliseconds_since(start: float) -> float:
    """From a reading of `time.perf_counter`."""
    return round((time.perf_counter() - start) * 1000, 3)
