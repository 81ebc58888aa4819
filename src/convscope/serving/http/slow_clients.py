"""HTTP connections that may not be held open for nothing.

uvicorn ends a connection that is idle between two requests, but waits for ever for the rest of a request, for the first
byte of one, and for a client that does not read its answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .upload_pace import Pace

LOOK_EVERY = 1.0
WRITE_SECONDS = 10.0
WAITING_FOR_CLIENT = (h11.IDLE, h11.SEND_BODY)


class ImpatientProtocol(H11Protocol):
    """Closes a connection whose client is too slow: with its request (head and body together) or with its answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to watch."""
        super().connection_made(transport)
        self.pace = Pace()
        self.stalled_since: float | None = None
        self.watch = self.loop.call_later(LOOK_EVERY, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        self.watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The time of a request begins with its first byte."""
        if self.timeout_keep_alive_task is not None:
            self.pace = Pace()
        self.pace.add(len(data))
        super().data_received(data)

    def pause_writing(self) -> None:
        """The client reads more slowly than the answer is written."""
        self.stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        self.stalled_since = None
        super().resume_writing()

    def _look(self) -> None:
        asked_for: Any = self.conn.their_state
        incomplete = asked_for in WAITING_FOR_CLIENT and self.timeout_keep_alive_task is None
        stalled = self.stalled_since is not None and self.loop.time() - self.stalled_since > WRITE_SECONDS
        if stalled or (incomplete and self.pace.left() < 0):
            self.transport.abort()
        else:
            self.watch = self.loop.call_later(LOOK_EVERY, self._look)
