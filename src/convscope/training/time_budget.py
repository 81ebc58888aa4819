"""The time of a training: what it is spent on, how much of a budget is used up, and how slow the machine is now."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

# Of what was measured, that of so many seconds ago weighs half: other programs come and go.
HALF_LIFE = 4.0
# A step may take as long as the one before it, or this share of the one before that.
STEP_KEPT = 0.8
# Computations shorter than this say nothing about how slow the machine is.
LEAST_MEASURED = 0.1


class Clock:
    """Counts seconds from `started`, a reading of `time.perf_counter`, by default now.

    `budget` is how many seconds the whole command may take, or None. `reserve` is what of it must be left for the end,
    which evaluates and reports: in seconds of a machine that does nothing else. `later` is the share of the rest that
    belongs to a later stage of the training. `timings` are seconds by name. `on_cpu` is whether the processor computes:
    where another device does, a thread that waits says nothing about other programs.
    """

    def __init__(self, budget: float | None = None, started: float | None = None):
        self.budget, self.reserve, self.later, self.on_cpu = budget, 0.0, 0.0, True
        self.started = time.perf_counter() if started is None else started
        self.timings: dict[str, float] = defaultdict(float)
        # Seconds of computing, by the clock and of the processor; those of the longest of the last steps.
        self.computed = (0.0, 0.0)
        self.step = 0.0
        if started is not None:
            self.timings["imports"] = time.perf_counter() - started

    def elapsed(self) -> float:
        """Return the seconds since the start, with those of earlier sessions of a resumed training."""
        return time.perf_counter() - self.started

    def add_earlier(self, seconds: float) -> None:
        """Count the seconds of earlier sessions too."""
        self.started -= seconds

    def slowness(self) -> float:
        """Return how many times as long as on a machine that does nothing else computing takes now; at least 1.

        A thread that has to wait for a core takes more seconds by the clock than of the processor.
        """
        by_clock, of_processor = self.computed
        measured = self.on_cpu and by_clock > LEAST_MEASURED
        return max(by_clock / max(of_processor, 1e-3), 1.0) if measured else 1.0

    def left(self) -> float | None:
        """Return the seconds that are left for training; None without a budget."""
        return None if self.budget is None else self.budget - self.reserve * self.slowness() - self.elapsed()

    def alarm(self, share: float) -> Callable[[], bool] | None:
        """Return what says whether this share of the time that is left now is used up; None without a budget."""
        if (left := self.left()) is None:
            return None
        end = self.elapsed() + share * max(left, 0.0)
        return lambda: self.elapsed() >= end

    def share(self) -> float:
        """Return the share of the time for training that is used up, 0 to 1; 0 without a budget."""
        return 0.0 if self.budget is None else min(self.elapsed() / self._allowed(), 1.0)

    def out_of_time(self) -> bool:
        """Return whether training has to end now, since another step would not end in time."""
        return self.budget is not None and self.elapsed() + self.step >= self._allowed()

    def _allowed(self) -> float:
        """Return the seconds after which training has to end; even the shortest budget leaves a moment to train in."""
        assert self.budget is not None
        return (1 - self.later) * max(self.budget - self.reserve * self.slowness(), 0.05 * self.budget)

    @contextlib.contextmanager
    def measuring(self, name: str) -> Iterator[None]:
        """Add the time that the body of the `with` takes to `timings[name]`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] += time.perf_counter() - start

    @contextlib.contextmanager
    def computing(self, step: bool = False) -> Iterator[None]:
        """Learn from the body of the `with`, which computes and waits for nothing, how slow the machine is now.

        If it is a training `step`, also how long the next one may take.
        """
        start, busy = time.perf_counter(), time.thread_time()
        yield
        taken, busy = time.perf_counter() - start, time.thread_time() - busy
        kept = 0.5 ** (taken / HALF_LIFE)
        self.computed = (kept * self.computed[0] + taken, kept * self.computed[1] + busy)
        if step:
            self.step = max(taken, STEP_KEPT * self.step)
