"""How quickly does `convscope serve` answer one page, and what happens with 200 requests at once?

    python -m benchmarks.speed.serving [--n 100] [--networks lenet5 lenet_relu resnet18] [--quick]

Random weights: they take as long as trained ones. The service is a process of its own, asked over HTTP on this
machine, one request after the other. `forward` has the probabilities and up to 16 maps of every layer in one answer
(the aim for LeNet: below 30 ms, median); `predict` the probabilities alone; `edited` is a forward with one map switched
off; `inside` is what the service itself says that the network and the packing took. Last: 200 predictions at once with
the queue of 32, and `/health` while they are worked off.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from benchmarks import measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--networks", nargs="+", default=["lenet5", "lenet_relu", "resnet18"])
    parser.add_argument("--quick", action="store_true", help="10 requests instead")
    given = parser.parse_args()
    n = 10 if given.quick else given.n
    results: dict[str, list[measure.Result]] = {}
    for name in given.networks:
        with tempfile.TemporaryDirectory() as place, served(bundle(Path(place), name)) as url:
            results[name] = one_network(url, name, n)
    measure.write("serving", results)


def one_network(url: str, name: str, n: int) -> list[measure.Result]:
    """Print and give the milliseconds of every kind of request."""
    with httpx.Client(base_url=url, timeout=60) as client:
        channels, height, width = client.get("/api/network").json()["input_size"]
        picture = photo(channels, height, width)
        header = header_of(client.post("/api/forward", content=picture))
        session, layer = header["session"], header["layers"][1]["name"]
        edits = {"channels_off": {layer: [0]}}
        inside: list[float] = []

        def forward() -> None:
            inside.append(header_of(client.post("/api/forward", content=picture))["time_ms"])

        kinds: dict[str, Callable[[], object]] = {
            "forward": forward,
            "predict": lambda: client.post("/predict", content=picture).raise_for_status(),
            "edited": lambda: client.patch(f"/api/what-if/{session}", json=edits).raise_for_status(),
        }
        times = {kind: milliseconds(ask, n) for kind, ask in kinds.items()}
        times["inside"] = inside[-n:]
        size = len(client.post("/api/forward", content=picture).content)
    print(f"{name}, {channels} x {height} x {width}, an answer of {size / 1e3:,.0f} kB")
    for kind, values in times.items():
        print(f"  {kind:8} median {np.median(values):7.1f} ms, mean {measure.text(values, ' ms')}")
    with ProcessPoolExecutor(1, get_context("spawn")) as other:  # this process is busy being the crowd
        asked = other.submit(health, url, 8.0)
        time.sleep(2)
        statuses, seconds = asyncio.run(crowd(url, picture))
        waited = asked.result()
    print(f"  200 at once: {dict(statuses)} in {seconds:.1f} s; /health before, meanwhile and after: ", end="")
    print(f"median {np.median(waited):.1f} ms, {max(waited):.1f} ms at most (n = {len(waited)})")
    return [{"kind": kind, "median_ms": float(np.median(values)), "ms": values} for kind, values in times.items()]


def milliseconds(ask: Callable[[], object], n: int) -> list[float]:
    """Times of `n` calls, after a few that do not count."""
    times = []
    for number in range(n + 5):
        started = time.perf_counter()
        ask()
        if number >= 5:
            times.append((time.perf_counter() - started) * 1000)
    return times


async def crowd(url: str, picture: bytes) -> tuple[Counter[int], float]:
    """Statuses of 200 requests at once, and the seconds until all were answered."""
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=httpx.Limits(max_connections=None)) as client:
        started = time.perf_counter()
        answers = await asyncio.gather(*(client.post("/predict", content=picture) for _ in range(200)))
    return Counter(answer.status_code for answer in answers), time.perf_counter() - started


def health(url: str, seconds: float) -> list[float]:
    """Milliseconds of /health, again and again for a while."""
    with httpx.Client(base_url=url, timeout=60) as client:
        end, times = time.perf_counter() + seconds, []
        while time.perf_counter() < end:
            started = time.perf_counter()
            client.get("/health").raise_for_status()
            times.append((time.perf_counter() - started) * 1000)
            time.sleep(0.02)
    return times


def header_of(answer: httpx.Response) -> dict[str, Any]:
    """The JSON of a binary answer."""
    answer.raise_for_status()
    (length,) = struct.unpack("<I", answer.content[:4])
    header: dict[str, Any] = json.loads(answer.content[4 : 4 + length])
    return header


def photo(channels: int, height: int, width: int) -> bytes:
    """A picture of that size, as a PNG."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def bundle(place: Path, name: str) -> Path:
    """A classifier with random weights."""
    import convscope as cs
    from convscope.models import arguments_for, find_card

    size = find_card(name).input_size
    arguments = arguments_for(name, size, num_classes=10)
    preprocess = cs.Preprocess(size, (0.5,) * size[0], (0.5,) * size[0], border=find_card(name).border)
    labels = [str(number) for number in range(10)]
    network = cs.create_model(name, **arguments)
    return cs.Classifier(network, labels, preprocess, name, arguments).save(place / name)


@contextmanager
def served(source: Path) -> Iterator[str]:
    """The URL of a service of its own."""
    command = [sys.executable, "-m", "convscope", "serve", str(source), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split(" at ")[1].strip()
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    main()
