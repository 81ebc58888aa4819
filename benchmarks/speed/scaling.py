"""How do the seconds per epoch and the peak memory grow with the number of images?

    python -m benchmarks.speed.scaling DATA [--images 5000 10000 20000 40000 60000] [--repeats 3]
        [--peers plain] [--quick]

MNIST's first images with the tutorials' network, 2 epochs, through the Python API, every training in a process of its
own, whose peak memory is therefore its own; sizes in a shuffled order, each `--repeats` times, and with `--peers
plain` the plain PyTorch loop after each. DATA holds MNIST/raw/*-ubyte(.gz).

Printed: one line per size; the exponent of seconds per epoch against images (1 is proportional) and the slope of peak
memory against the images' own bytes (1 means that they lie in memory once), with standard errors.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import datasets, measure, processes

PIXELS = 28 * 28
RECIPE: dict[str, Any] = {
    "epochs": 2, "batch_size": 64, "optimizer": "sgd", "lr": 0.1, "momentum": 0.0, "weight_decay": 0.0,
    "schedule": "constant", "augment": "none",
}  # fmt: skip


def train_one(data_dir: Path) -> None:
    """The child process: train, and print what it cost as JSON."""
    import convscope as cs
    from benchmarks.peers.common import peak_bytes

    with tempfile.TemporaryDirectory() as place:
        run = cs.train(cs.load_data("mnist", data_dir), "mnist_cnn", output=place, show=False, **RECIPE)
    figures = run.metrics
    seen = figures["images_per_second"] * figures["train_seconds"]
    cost = {"train_seconds": figures["train_seconds"], "images": round(seen), "epochs": 2, "peak_bytes": peak_bytes()}
    print(json.dumps({**cost, "precision": figures["precision"]}))


def line(x: list[float], y: list[float]) -> tuple[float, float]:
    """Least squares: the slope and its standard error."""
    a, b = np.array(x), np.array(y)
    middle = a - a.mean()
    slope = float((middle * b).sum() / (middle**2).sum())
    left = b - b.mean() - slope * middle
    return slope, float(np.sqrt((left**2).sum() / max(len(a) - 2, 1) / (middle**2).sum()))


def fit(who: str, runs: list[measure.Result]) -> measure.Result:
    """Print the table and the two fits of one tool; gives the fits."""
    for size in sorted({run["size"] for run in runs}):
        same = [run for run in runs if run["size"] == size]
        seconds = measure.text([run["train_seconds"] / run["epochs"] for run in same], " s per epoch")
        memory = measure.text([run["peak_bytes"] / 1e6 for run in same], " MB", digits=0)
        print(f"{who:10} {size:6,} images  {seconds:48}  peak {memory}")
    # By the images of an epoch: ConvScope holds some out.
    images = [np.log(run["images"] / run["epochs"]) for run in runs]
    exponent = line(images, [np.log(run["train_seconds"] / run["epochs"]) for run in runs])
    slope = line([run["size"] * PIXELS for run in runs], [run["peak_bytes"] for run in runs])
    precision = {run["precision"] for run in runs if "precision" in run}
    print(f"{who:10} precision: {', '.join(sorted(precision))}")
    print(f"{who:10} seconds per epoch ~ images ^ {exponent[0]:.3f} ± {exponent[1]:.3f} (n = {len(runs)})")
    print(f"{who:10} peak memory grows by {slope[0]:.2f} ± {slope[1]:.2f} bytes a byte of images")
    return {"exponent": exponent, "bytes_a_byte": slope, "runs": runs}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, nargs="+", default=[5_000, 10_000, 20_000, 40_000, 60_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peers", nargs="*", choices=tuple(processes.PEERS), default=[])
    parser.add_argument("--quick", action="store_true", help="500 to 2,000 images, once: to try it out, not to measure")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        train_one(given.data)
        return
    sizes, repeats = ([500, 1000, 2000], 1) if given.quick else (given.images, given.repeats)
    jobs = [size for size in sizes for _ in range(repeats)]
    random.Random(0).shuffle(jobs)
    found: dict[str, list[measure.Result]] = {
        "convscope": [],
        **{peer: [] for peer in processes.installed(given.peers)},
    }
    with tempfile.TemporaryDirectory() as name:
        folders = {size: datasets.mnist(given.data, Path(name) / str(size), size, 1000) for size in sizes}
        for size in jobs:
            for who, runs in found.items():
                if who == "convscope":
                    run = measure.run(
                        [sys.executable, "-m", "benchmarks.speed.scaling", "--one", folders[size]], cwd=Path(name)
                    )
                else:
                    run = processes.run(who, "mnist-cnn", folders[size], epochs=2)
                runs.append({"size": size, **run})
    measure.write("scaling", {who: fit(who, runs) for who, runs in found.items()})


if __name__ == "__main__":
    main()
