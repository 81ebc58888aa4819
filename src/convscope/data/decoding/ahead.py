"""Decode ahead: by as many threads as there are cores, while what was decoded is used, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

import numpy as np

from ..preprocess import Preprocess

Task = TypeVar("Task")
Result = TypeVar("Result")
# Limits on decoded images that wait for their turn.
WAITING_BYTES, WAITING_IMAGES = 64_000_000, 1024


def map_ahead(
    pool: Executor, function: Callable[[Task], Result], tasks: Iterable[Task], depth: int
) -> Iterator[Result]:
    """Yield the function's result for every task, in order; at most `depth` tasks are started before their turn."""
    waiting: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(function, task))
            if len(waiting) > depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def queue_length(preprocess: Preprocess) -> int:
    """Return how many decoded images may wait for their turn."""
    return max(min(WAITING_IMAGES, WAITING_BYTES // int(np.prod(preprocess.input_size))), 8)


def available_cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
