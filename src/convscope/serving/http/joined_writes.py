"""Joined writes: the head of a response goes out with its body, in one packet and one call of the system."""

from __future__ import annotations

import asyncio
from typing import Any


class JoinedWrites:
    """A transport that keeps the first part of a response until the next one, or until the event loop's next round."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop):
        self.transport, self.loop = transport, loop
        self.kept = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def write(self, data: bytes) -> None:
        """Send what was kept with `data`; the head of a response is kept."""
        if self.kept:
            data, self.kept = self.kept + data, b""
        elif data.startswith(b"HTTP/1.1 "):
            self.kept = data
            self.loop.call_soon(self._send_kept)
            return
        self.transport.write(data)

    def close(self) -> None:
        """Send what was kept, and close."""
        self._send_kept()
        self.transport.close()

    def _send_kept(self) -> None:
        if self.kept:
            data, self.kept = self.kept, b""
            self.transport.write(data)
