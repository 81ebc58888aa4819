"""The time of a training: what it is spent on, and how much of a time budget is used up."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator


class Clock:
    """Counts seconds from `started`, a reading of `time.perf_counter`, by default now.

    `budget` is how many seconds the whole command may take, or None; `reserve` is what of it must be left for the end,
    which evaluates and reports. `timings` are seconds by name.
    """

    def __init__(self, budget: float | None = None, started: float | None = None):
        self.budget, self.reserve = budget, 0.0
        self.started = time.perf_counter() if started is None else started
        self.timings: dict[str, float] = defaultdict(float)
        if started is not None:
            self.timings["imports"] = time.perf_counter() - started

    def elapsed(self) -> float:
        """Return the seconds since the start, with those of earlier sessions of a resumed training."""
        return time.perf_counter() - self.started

    def add_earlier(self, seconds: float) -> None:
        """Count the seconds of earlier sessions too."""
        self.started -= seconds

    def share(self) -> float:
        """Return the share of the time for training that is used up, 0 to 1; 0 without a budget."""
        if self.budget is None:
            return 0.0
        # Even the shortest budget leaves a moment to train in.
        return min(self.elapsed() / max(self.budget - self.reserve, 0.05 * self.budget), 1.0)

    def out_of_time(self) -> bool:
        """Return whether training has to end now."""
        return self.share() >= 1.0

    @contextlib.contextmanager
    def measuring(self, name: str) -> Iterator[None]:
        """Add the time that the body of the `with` takes to `timings[name]`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] += time.perf_counter() - start
