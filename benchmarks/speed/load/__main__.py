"""How many requests do services answer, and how soon, at 1, 8, 32 and 200 connections?

    python -m benchmarks.speed.load [--seconds 5] [--networks lenet_relu resnet18] [--services convscope ...]

One service after the other in a process of its own, on this machine, on the same bundle with random weights, asked with
the same form (LeNet: a PNG of 28 x 28; ResNet-18: a JPEG of 500 x 375). ConvScope is `serve --api` of an exported
bundle. Every answer is read to its end. A warm-up of a second comes before each row.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from benchmarks import measure
from benchmarks.speed.load.client import load, multipart
from benchmarks.speed.serving import bundle

CONNECTIONS = (1, 8, 32, 200)
PORT = 18_700


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--networks", nargs="+", default=["lenet_relu", "resnet18"])
    parser.add_argument("--services", nargs="+", default=["convscope", "convscope-2", "litserve", "fastapi"])
    parser.add_argument("--connections", nargs="+", type=int, default=CONNECTIONS)
    given = parser.parse_args()
    results: dict[str, list[measure.Result]] = {}
    with tempfile.TemporaryDirectory() as place:
        for name in given.networks:
            source = bundle(Path(place), name)
            subprocess.run([sys.executable, "-m", "convscope", "export", str(source)], check=True, capture_output=True)
            image = picture(name)
            print(f"{name}, an image of {len(image):,} bytes; load average {os.getloadavg()[0]:.1f}")
            for service in given.services:
                rows = measured(service, source, image, given.seconds, given.connections)
                results[f"{name} {service}"] = rows
    measure.write("serving_load", results)


def measured(
    service: str, source: Path, image: bytes, seconds: float, connections: tuple[int, ...]
) -> list[measure.Result]:
    """Print and return the rows of one service."""
    rows: list[measure.Result] = []
    body, kind = multipart(image, "file")
    with served(service, source) as url:
        for number in connections:
            asyncio.run(load(url, body, kind, number, 1.0))
            found = asyncio.run(load(url, body, kind, number, seconds))
            row = found.row()
            others = {status: count for status, count in found.statuses.items() if status != 200}
            print(
                f"  {service:12} {number:4} connections {row['per_second']:8.1f} /s   p50 {row['p50']:8.2f}  p99 "
                f"{row['p99']:8.2f}  p99.9 {row['p999']:8.2f} ms  n = {row['n']:.0f} {others or ''}",
                flush=True,
            )
            rows.append({"connections": number, **row})
    return rows


def picture(name: str) -> bytes:
    """Return a digit as PNG, or a photo as JPEG."""
    file = io.BytesIO()
    generator = np.random.default_rng(0)
    if name == "resnet18":
        coarse = Image.fromarray(generator.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        coarse.resize((500, 375), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    else:
        coarse = Image.fromarray(generator.integers(0, 256, (7, 7), dtype=np.uint8))
        coarse.resize((28, 28), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


@contextmanager
def served(service: str, source: Path) -> Iterator[str]:
    """Start a service and yield the URL that predicts; end it and its children."""
    if service.startswith("convscope"):
        words = ["convscope", "serve", str(source), "--api", "--port", str(PORT), "--queue", "1000"]
        words += ["--workers", service.partition("-")[2]] if "-" in service else []
    else:
        words = ["benchmarks.speed.load.peers", service, str(source), str(PORT)]
    with socket.socket() as free:  # a service that outlived its turn would answer in this one's place
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", PORT))
    nowhere = subprocess.DEVNULL
    command = [sys.executable, "-m", *words]
    process = subprocess.Popen(command, start_new_session=True, stdout=nowhere, stderr=nowhere)
    try:
        end = time.monotonic() + 120
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{PORT}/health", timeout=5)
                break
            except httpx.TransportError:
                assert process.poll() is None and time.monotonic() < end, f"{service} did not start"
                time.sleep(0.2)
        time.sleep(3 if service == "litserve" else 0.5)
        yield f"http://127.0.0.1:{PORT}/predict"
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with suppress(ProcessLookupError):  # what it started too
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    main()
