"""How long a training has been going on, how long it may, and what the time went into."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator


class Clock:
    """Runs from `started` (a reading of `time.perf_counter`; now, if none is given).

    `budget` is how many seconds the whole may take, or None; `reserve` is what must be left of it for the end, which is
    measuring and reporting. `timings` are seconds by name.
    """

    def __init__(self, budget: float | None = None, started: float | None = None):
        self.budget, self.reserve = budget, 0.0
        self.started = time.perf_counter() if started is None else started
        self.timings: dict[str, float] = defaultdict(float)
        if started is not None:
            self.timings["imports"] = time.perf_counter() - started

    def elapsed(self) -> float:
        """Seconds since the start, over all sessions of a training that was resumed."""
        return time.perf_counter() - self.started

    def go_on_from(self, elapsed: float) -> None:
        """Count the seconds of earlier sessions too."""
        self.started -= elapsed

    def share(self) -> float:
        """How much of the time for training is used up: 0 to 1, and 0 where there is no budget."""
        if self.budget is None:
            return 0.0
        # However short the budget, there is a moment to train in.
        return min(self.elapsed() / max(self.budget - self.reserve, 0.05 * self.budget), 1.0)

    def out_of_time(self) -> bool:
        """Whether training has to end now."""
        return self.share() >= 1.0

    @contextlib.contextmanager
    def measuring(self, name: str) -> Iterator[None]:
        """What happens inside is counted under `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] += time.perf_counter() - start
