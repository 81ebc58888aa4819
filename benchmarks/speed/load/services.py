"""Services under measurement: each in processes of its own on a port of its own, stopped while another is measured."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

SECONDS_TO_START = 120


@dataclass(frozen=True)
class Service:
    """A service that has been started: its name, its first process, and the URL that predicts."""

    name: str
    process: subprocess.Popen[bytes]
    url: str

    def cpu_seconds(self) -> float:
        """Return the processor time of all its processes so far; 0 where the system does not tell (Linux does)."""
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = path.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid:  # its session
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let it run in the `with` block alone."""
        os.killpg(self.process.pid, signal.SIGCONT)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGSTOP)


@contextmanager
def served(name: str, source: Path, place: Path) -> Iterator[Service]:
    """Start a service, which stands still until it is to run; end all its processes."""
    port, log = free_port(), place / f"{name}.log"
    if name.startswith("convscope"):
        words = ["convscope", "serve", str(source), "--api", "--port", str(port), "--queue", "1000"]
        words += ["--workers", name.partition("-")[2]] if "-" in name else []
    else:
        words = ["benchmarks.speed.load.peers", name, str(source), str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", *words], start_new_session=True, stdout=file, stderr=file)
    try:
        wait_for(process, port, log)
        time.sleep(3 if name == "litserve" else 0.5)  # LitServe answers before its own workers can
        os.killpg(process.pid, signal.SIGSTOP)
        yield Service(name, process, f"http://127.0.0.1:{port}/predict")
    finally:
        for number in (signal.SIGCONT, signal.SIGTERM):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with suppress(ProcessLookupError):  # what it started too
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until a service answers; RuntimeError with the end of its log if it does not."""
    end = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health", timeout=5)
            return
        except httpx.TransportError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"a service did not start: {log.read_text(errors='replace')[-500:]}") from None
            time.sleep(0.2)
