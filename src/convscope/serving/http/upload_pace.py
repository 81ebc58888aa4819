"""Upload pace: how slowly a client may send a request."""

from __future__ import annotations

import time

SECONDS, BYTES = 10.0, 500_000


class UploadPace:
    """Measures a client, which must complete its request, or the next 500 kB of it, within 10 seconds."""

    def __init__(self) -> None:
        self.since, self.received = time.monotonic(), 0

    def add(self, count: int) -> None:
        """Count bytes that have arrived."""
        self.received += count
        if self.received >= BYTES:
            self.since, self.received = time.monotonic(), 0

    def seconds_left(self) -> float:
        """Return the seconds that the client has left; below 0 it is too slow."""
        return self.since + SECONDS - time.monotonic()
