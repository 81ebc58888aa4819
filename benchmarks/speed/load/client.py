"""A client that keeps many connections busy, with as little work of its own as possible."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np


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
    found = Load(seconds)
    end = time.perf_counter() + seconds

    async def ask() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            while (started := time.perf_counter()) < end:
                writer.write(request)
                status = await read_answer(reader)
                found.statuses[status] += 1
                if status == 200:
                    found.ms.append((time.perf_counter() - started) * 1000)
        finally:
            writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(connections)))
    found.seconds = time.perf_counter() - started
    return found


async def read_answer(reader: asyncio.StreamReader) -> int:
    """Read one answer to its end, and return its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), None)
    if length is not None:
        await reader.readexactly(length)
    elif b"transfer-encoding: chunked" in lines:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
        await reader.readuntil(b"\r\n")
    return int(head[9:12])
