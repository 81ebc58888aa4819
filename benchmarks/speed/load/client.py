"""A client that keeps many connections busy, with as little work of its own as possible."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import numpy as np

# How long an answer may take, beyond the seconds of the measurement, before the service counts as stuck.
PATIENCE = 60.0


@dataclass
class Load:
    """What came of some seconds of requests: the milliseconds of each answer, and the statuses."""

    seconds: float
    ms: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def row(self) -> dict[str, float]:
        """Answers with status 200 per second, and percentiles of their milliseconds."""
        p50, p99, p999 = np.percentile(self.ms or [float("nan")], [50, 99, 99.9])
        return {"per_second": len(self.ms) / self.seconds, "p50": p50, "p99": p99, "p999": p999, "n": len(self.ms)}


def multipart(image: bytes, field: str) -> tuple[bytes, str]:
    """Return a form with one file, and its content type."""
    head = f'--x\r\nContent-Disposition: form-data; name="{field}"; filename="a"\r\n'.encode()
    return head + b"Content-Type: image/png\r\n\r\n" + image + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"


async def load(url: str, body: bytes, kind: str, connections: int, seconds: float) -> Load:
    """Send `body` again and again on each connection, one request after the other, for a while."""
    address = urlsplit(url)
    assert address.hostname and address.port
    head = f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: {kind}\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    loop, found = asyncio.get_running_loop(), Load(seconds)
    started = time.perf_counter()
    clients = [Client(request, started + seconds, found) for _ in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, address.hostname, address.port)  # type: ignore[misc]
    await asyncio.wait_for(asyncio.gather(*(client.ended for client in clients)), seconds + PATIENCE)
    found.seconds = time.perf_counter() - started
    return found


class Client(asyncio.Protocol):
    """One connection: it sends a request whenever the answer to the one before is complete, until `end`."""

    def __init__(self, request: bytes, end: float, found: Load):
        self.request, self.end, self.found = request, end, found
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self.transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Count the answer once it is complete."""
        self.received += data
        if not is_complete(self.received):
            return
        status = int(self.received[9:12])
        self.found.statuses[status] += 1
        if status == 200:
            self.found.ms.append((time.perf_counter() - self.started) * 1000)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """End, with an error if the service closed the connection."""
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("the service closed a connection"))

    def _ask(self) -> None:
        self.started, self.received = time.perf_counter(), b""
        if self.started < self.end:
            self.transport.write(self.request)
        else:
            self.ended.set_result(None)
            self.transport.close()


def is_complete(received: bytes) -> bool:
    """Return whether that is a whole answer."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = received[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        return received.endswith(b"\r\n0\r\n\r\n")  # chunked
    return len(received) >= end + 4 + int(head[at + 17 :].split(b"\r\n", 1)[0])
