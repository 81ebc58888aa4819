"""How slowly a client may send."""

from __future__ import annotations

import time

SECONDS, BYTES = 10.0, 500_000


class Pace:
    """A client is too slow when neither its request nor the next 500 kB of it are complete after 10 seconds."""

    def __init__(self) -> None:
        self.since, self.got = time.monotonic(), 0

    def add(self, count: int) -> None:
        """So many bytes came."""
        self.got += count
        if self.got >= BYTES:
            self.since, self.got = time.monotonic(), 0

    def left(self) -> float:
        """Seconds that it still has; below 0 it is too slow."""
        return self.since + SECONDS - time.monotonic()
