"""Arguments, training clock and JSON result of every peer script. Imports no torch.

    python -m benchmarks.peers.NAME --task mnist-cnn|resnet18-cifar|digits|photos --data DIR
        [--epochs E | --seconds S] [--seed S]

DIR is what `datasets.py` laid out. The first two tasks are the same work for everyone: the same network, batches, rate
and number of images. `digits` and `photos` (of 32 x 32) are each tool's own way, from its own page for beginners;
there, --seconds S means as many passes as fit into S seconds of training, and without it the page's own number.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

OWN_WAY = ("digits", "photos")
SIDE = 32  # of the photos


def arguments(tasks: tuple[str, ...] = ("mnist-cnn", "resnet18-cifar", *OWN_WAY)) -> argparse.Namespace:
    """The arguments that every peer takes. `workers` is None where the tool's own default is meant."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", choices=tasks, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--precision", choices=("float32", "bf16"), default="float32")
    given = parser.parse_args()
    if given.task not in OWN_WAY and given.epochs is None and given.seconds is None:
        given.epochs = 1
    return given


class Clock:
    """Seconds of training and images seen, without what happens between `start` and `stop`'s outside."""

    def __init__(self, limit: float | None = None):
        self.limit, self.seconds, self.images, self.epochs = limit, 0.0, 0, 0
        self.running: float | None = None

    def start(self) -> None:
        """An epoch begins."""
        self.running = time.perf_counter()

    def stop(self, images: int) -> None:
        """An epoch of so many images ends."""
        assert self.running is not None
        self.seconds += time.perf_counter() - self.running
        self.running = None
        self.images += images
        self.epochs += 1

    def out_of_time(self) -> bool:
        """Whether the seconds that were given are used up."""
        now = self.seconds + (time.perf_counter() - self.running if self.running else 0.0)
        return self.limit is not None and now >= self.limit


def passes_that_fit(seconds: float, one_epoch: Callable[[Clock], None]) -> int:
    """How many epochs fit, judged by the second of two trial epochs. For schedules that must know their length."""
    for _ in range(2):
        clock = Clock()
        one_epoch(clock)
    return max(round(seconds / clock.seconds), 1)


def digits(data: Path) -> dict[str, np.ndarray]:
    """The arrays of `datasets.digits`."""
    with np.load(data / "digits.npz") as arrays:
        return dict(arrays)


def digits_as_files(data: Path, place: Path) -> None:
    """The same as PNG files in class folders: place/train/3/0017.png."""
    from PIL import Image

    arrays = digits(data)
    for part in ("train", "val", "test"):
        for i, (pixels, label) in enumerate(zip(arrays[f"{part}_images"], arrays[f"{part}_labels"], strict=True)):
            folder = place / part / str(label)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{i:04d}.png")


def photos(data: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The photos of a part as uint8 N x 32 x 32 x 3, and their labels, by the order of the classes' names."""
    from PIL import Image

    images, labels = [], []
    for label, folder in enumerate(sorted((data / part).iterdir())):
        for file in sorted(folder.iterdir()):
            with Image.open(file) as image:
                images.append(np.asarray(image.convert("RGB").resize((SIDE, SIDE))))
            labels.append(label)
    return np.stack(images), np.array(labels, dtype=np.int64)


def report(peer: str, clock: Clock, test_top1: float, packages: tuple[str, ...], **more: Any) -> None:
    """Print the result, one line of JSON, as the last line."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    result = {
        "peer": peer,
        "epochs": clock.epochs,
        "images": clock.images,
        "train_seconds": clock.seconds,
        "images_per_second": clock.images / clock.seconds,
        "test_top1": test_top1,
        "peak_bytes": peak_bytes(),
        "versions": found,
        **more,
    }
    sys.stdout.flush()
    print("\n" + json.dumps(result), flush=True)


def peak_bytes() -> int:
    """The most memory that this process has held.

    From /proc where that is there: what getrusage says may still be the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if "VmHWM" in line)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
