"""How many requests do services answer, and how soon, at 1, 8, 32 and 200 connections?

    python -m benchmarks.speed.load [--network lenet_relu] [--rounds 3] [--seconds 4] [--services convscope ...]

ConvScope is `serve --api` of an exported bundle; beside it LitServe and a plain FastAPI service answer from the same
bundle with random weights through torch (see `peers`). All are asked with the same form (LeNet: a PNG of 28 x 28;
ResNet-18: a JPEG of 500 x 375), on this machine. The others need `litserve` and `python-multipart`; one that does not
start is left out. Each is a process of its own on a port of its own, all started before
the first round; those that are not being measured are stopped (SIGSTOP). In each round, at each number of connections,
one service is measured after the other, after a warm-up, so that a slow minute of the machine hits all of them.
Figures are the mean and the deviation over the rounds; the ratios are those of ConvScope to the best other service of
the same round. Processor time, of all processes of a service, tells also on a machine that does other work.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import measure
from benchmarks.speed.load.client import load, multipart
from benchmarks.speed.load.services import Service, served
from benchmarks.speed.serving import bundle

CONNECTIONS = (1, 8, 32, 200)
OURS, PEERS = "convscope", ("litserve", "fastapi")
# Of each service, by the number of connections: a row per round.
Rows = dict[str, dict[int, list[measure.Result]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", "--networks", nargs="+", default=["lenet_relu", "resnet18"], dest="networks")
    parser.add_argument("--services", nargs="+", default=[OURS, "convscope-2", *PEERS], help="-2: with two workers")
    parser.add_argument("--connections", nargs="+", type=int, default=CONNECTIONS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement; a third of that to warm up")
    given = parser.parse_args()
    results: dict[str, list[measure.Result]] = {}
    for name in given.networks:
        with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
            source = bundle(Path(place), name)
            subprocess.run([sys.executable, "-m", "convscope", "export", str(source)], check=True, capture_output=True)
            image = picture(name)
            print(f"{name}, an image of {len(image):,} bytes; load average {os.getloadavg()[0]:.1f}", flush=True)
            services = []
            for service in given.services:
                try:
                    services.append(stack.enter_context(served(service, source, Path(place))))
                except RuntimeError as problem:  # such as a package that is not installed
                    print(f"  {service} is left out: {problem}", flush=True)
            rows = measured(services, image, given)
        for service, by_connections in rows.items():
            results[f"{name} {service}"] = [row for found in by_connections.values() for row in found]
        say_ratios(rows)
    measure.write("serving_load", results)


def measured(services: list[Service], image: bytes, given: argparse.Namespace) -> Rows:
    """Print and return the rows of all services, which take turns."""
    rows: Rows = {service.name: {number: [] for number in given.connections} for service in services}
    for number in given.connections:
        for _ in range(given.rounds):
            for service in services:
                body, kind = multipart(image, "file")
                with service.running():
                    asyncio.run(load(service.url, body, kind, number, given.seconds / 3))
                    before = service.cpu_seconds()
                    found = asyncio.run(load(service.url, body, kind, number, given.seconds))
                    cpu_ms = 1000 * (service.cpu_seconds() - before) / max(sum(found.statuses.values()), 1)
                row: measure.Result = {"connections": number, "cpu_ms": cpu_ms, **found.row()}
                row["others"] = {status: count for status, count in found.statuses.items() if status != 200}
                rows[service.name][number].append(row)
        for service in services:
            say(service.name, number, rows[service.name][number])
    return rows


def say(service: str, connections: int, rows: list[measure.Result]) -> None:
    """Print the line of a service at a number of connections."""
    rate, p50, p99, p999, cpu = ([row[key] for row in rows] for key in ("per_second", "p50", "p99", "p999", "cpu_ms"))
    others = [row["others"] for row in rows if row["others"]]
    print(
        f"  {connections:4} connections {service:12} {measure.text(rate, ' /s', digits=0):42} p50 {np.mean(p50):7.2f}  "
        f"p99 {np.mean(p99):7.2f} ± {np.std(p99, ddof=min(len(p99) - 1, 1)):.2f}  p99.9 {np.mean(p999):7.2f} ms  "
        f"{measure.text(cpu, ' ms of processor')} per answer  "
        f"{sum(int(row['n']) for row in rows):,} answers {others or ''}",
        flush=True,
    )


def say_ratios(rows: Rows) -> None:
    """Print by how much ConvScope is ahead of the best other service, round by round."""
    peers = [rows[name] for name in PEERS if name in rows]
    for name in [name for name in rows if name.startswith(OURS) and peers]:
        for number, ours in rows[name].items():
            rates, tails, costs = [], [], []
            for i, row in enumerate(ours):
                others = [peer[number][i] for peer in peers]
                rates.append(row["per_second"] / max(other["per_second"] for other in others))
                tails.append(row["p99"] / min(other["p99"] for other in others))
                costs.append(min(other["cpu_ms"] for other in others) / row["cpu_ms"])
            print(
                f"  {name} at {number} connections: {measure.text(rates)} times the best rate of the others, "
                f"{measure.text(tails)} times the best p99, {measure.text(costs)} answers for their processor time"
            )


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


if __name__ == "__main__":
    main()
