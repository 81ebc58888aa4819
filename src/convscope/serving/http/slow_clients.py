"""Slow clients: close connections that would otherwise stay open without progress, or grow without end.

uvicorn closes a connection that is idle between two requests, but waits without a limit for the first byte of a
request, for the rest of one, and for a client that does not read its response; it keeps headers of any size.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .joined_writes import JoinedWrites
from .upload_pace import UploadPace

CHECK_SECONDS = 1.0
WRITE_SECONDS = 10.0
# For what the system holds: it does not count a few bytes that a client reads now and then.
UNREAD_SECONDS = 60.0
MAX_HEADER_BYTES = 65_536
# On, with no seconds: a close is a reset.
NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
TOO_LONG = "The header of the request is too long."


class TimeoutProtocol(HttpToolsProtocol):
    """HTTP/1.1 that closes a connection whose client sends its request or reads its response too slowly."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the periodic check."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]
        self._limit_unread()
        self.pace = UploadPace()
        self.stalled_since: float | None = None
        self.too_long = False
        # Of the request that is being received, the first one included: bytes before its body, and whether it is whole.
        self.header_bytes, self.in_header, self.is_incomplete = 0, True, True
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
        if self.in_header:
            self.header_bytes += len(data)
        super().data_received(data)
        if self.in_header and self.header_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
            self.send_400_response(TOO_LONG)

    def send_400_response(self, msg: str) -> None:
        """Say why the request is refused, and close the connection."""
        super().send_400_response(TOO_LONG if self.too_long else msg)

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        self.header_bytes, self.in_header, self.is_incomplete = 0, True, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that its body follows; refuse a head that came in few pieces, too long."""
        self.in_header = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEADER_BYTES:
            self.too_long = True
            raise ValueError  # which ends the parsing with a 400
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that it is complete."""
        self.is_incomplete = False
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Note since when the client has not kept up with the response."""
        self.stalled_since = self.loop.time()
        self.flow.pause_writing()

    def resume_writing(self) -> None:
        """Note that the client keeps up again."""
        self.stalled_since = None
        self.flow.resume_writing()

    def _check(self) -> None:
        incomplete = self.is_incomplete and self.timeout_keep_alive_task is None
        stalled = self.stalled_since is not None and self.loop.time() - self.stalled_since > WRITE_SECONDS
        if stalled or (incomplete and self.pace.seconds_left() < 0):
            if stalled:
                self._discard_unread()
            self.transport.abort()
        else:
            self.next_check = self.loop.call_later(CHECK_SECONDS, self._check)

    def _limit_unread(self) -> None:
        """Have the system end a connection, also one that is closed here, whose client reads nothing of a response.

        It has buffers for megabytes of responses, and would keep them, and try to send them, for minutes.
        """
        connection = self.transport.get_extra_info("socket")
        if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            milliseconds = round(UNREAD_SECONDS * 1000)
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    def _discard_unread(self) -> None:
        """Have the system forget at once what the client has not read."""
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
