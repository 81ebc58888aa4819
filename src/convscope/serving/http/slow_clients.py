"""Slow clients: close connections that would otherwise stay open without progress.

uvicorn closes a connection that is idle between two requests, but waits without a limit for the first byte of a
request, for the rest of one, and for a client that does not read its response.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .upload_pace import UploadPace

CHECK_SECONDS = 1.0
WRITE_SECONDS = 10.0
WAITING_FOR_CLIENT = (h11.IDLE, h11.SEND_BODY)


class TimeoutProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose client sends its request or reads its response too slowly."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the periodic check."""
        super().connection_made(transport)
        self.pace = UploadPace()
        self.stalled_since: float | None = None
        self.next_check = self.loop.call_later(CHECK_SECONDS, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the periodic check."""
        self.next_check.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count received bytes; the time of a request begins with its first byte."""
        if self.timeout_keep_alive_task is not None:
            self.pace = UploadPace()
        self.pace.add(len(data))
        super().data_received(data)

    def pause_writing(self) -> None:
        """Note since when the client has not kept up with the response."""
        self.stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that the client keeps up again."""
        self.stalled_since = None
        super().resume_writing()

    def _check(self) -> None:
        client_state: Any = self.conn.their_state
        incomplete = client_state in WAITING_FOR_CLIENT and self.timeout_keep_alive_task is None
        stalled = self.stalled_since is not None and self.loop.time() - self.stalled_since > WRITE_SECONDS
        if stalled or (incomplete and self.pace.seconds_left() < 0):
            self.transport.abort()
        else:
            self.next_check = self.loop.call_later(CHECK_SECONDS, self._check)
