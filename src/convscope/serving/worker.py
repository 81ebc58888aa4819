"""Workers: threads with a short queue that run networks, so that the event loop never waits for a computation."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch
from fastapi import Request
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from .http.errors import HttpError, standard_error

T = TypeVar("T")


class Abandoned(BaseException):
    """Raised inside a computation whose result nobody waits for; a BaseException, so that no handler swallows it."""


class _Job(Generic[T]):
    """One computation and the future that its result goes to."""

    def __init__(self, compute: Callable[[], T], page: str | None):
        self.compute, self.page = compute, page
        self.loop = asyncio.get_running_loop()
        self.result: asyncio.Future[T] = self.loop.create_future()
        self.abandoned = False

    def finish(self, value: T | None, problem: BaseException | None) -> None:
        """Pass the value, or what was raised, to the event loop; callable from any thread."""

        def set_result() -> None:
            if self.result.done() or self.abandoned:
                return
            if problem is not None:
                self.result.set_exception(problem)
            else:
                self.result.set_result(value)  # type: ignore[arg-type]

        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(set_result)


class Worker:
    """One thread that runs jobs in turn; at most `max_waiting` of them wait.

    `threads` is the number of torch's own threads that it uses, None for torch's choice. A job that is abandoned
    (because its time is over or its client has disconnected) ends at the next layer of the network that it runs.
    """

    def __init__(self, name: str, max_waiting: int = 32, threads: int | None = None):
        self.max_waiting, self.threads = max_waiting, threads
        self.waiting: deque[_Job[Any]] = deque()
        self.running: _Job[Any] | None = None
        self.closed = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._run_jobs, name=f"convscope-{name}", daemon=True)
        self.hook = register_module_forward_pre_hook(self._stop_if_abandoned)
        self.thread.start()

    async def run(
        self, compute: Callable[[], T], seconds: float, request: Request | None = None, page: str | None = None
    ) -> T:
        """Run `compute` in the worker's thread and return its result.

        HttpError 503 if the queue is full, 504 after `seconds` (waiting included), 409 if a newer request of the same
        `page` arrived while this one was waiting. Abandoned when the client of `request`, whose body must have been
        read, disconnects.
        """
        job = _Job(compute, page)
        self._enqueue(job)
        disconnected = asyncio.ensure_future(_wait_for_disconnect(request)) if request is not None else None
        try:
            awaited: list[asyncio.Future[Any]] = [job.result, *([disconnected] if disconnected else [])]
            await asyncio.wait(awaited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if job.result.done():
                return job.result.result()
            if disconnected is not None and disconnected.done():
                raise HttpError(499, "the client closed the connection", "客户端已断开连接")
            raise standard_error(504)
        finally:
            job.abandoned = True
            if disconnected is not None:
                disconnected.cancel()

    def _enqueue(self, job: _Job[Any]) -> None:
        with self.changed:
            for older in [other for other in self.waiting if job.page is not None and other.page == job.page]:
                self.waiting.remove(older)
                older.finish(None, _superseded())
            self.waiting = deque(other for other in self.waiting if not other.abandoned)
            if len(self.waiting) >= self.max_waiting or self.closed:
                raise standard_error(503, {"Retry-After": "1"})
            self.waiting.append(job)
            self.changed.notify()

    def close(self, seconds: float = 1.0) -> bool:
        """Abandon every job, and return whether the thread ended within `seconds`."""
        with self.changed:
            self.closed = True
            for job in [*self.waiting, *([self.running] if self.running else [])]:
                job.abandoned = True
            self.changed.notify()
        self.thread.join(seconds)
        self.hook.remove()
        return not self.thread.is_alive()

    def _run_jobs(self) -> None:
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        while (job := self._next()) is not None:
            try:
                job.finish(job.compute(), None)
            except Abandoned:
                job.finish(None, standard_error(504))
            except BaseException as problem:
                job.finish(None, problem)
            self.running = None
            del job

    def _next(self) -> _Job[Any] | None:
        """Wait for the next job and return it; None once the worker is closed."""
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


def _superseded() -> HttpError:
    return HttpError(409, "superseded by a newer request of the same page", "已被同一页面的新请求取代")


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
