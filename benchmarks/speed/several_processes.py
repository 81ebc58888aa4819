"""What do two processes gain over one, beside a plain DDP loop, and does the model of `processes_model.py` predict it?

    python -m benchmarks.speed.several_processes [--rounds 2] [--batch-sizes 64 128] [--reference VISION] [--quick]

ResNet-18 on images of 32 x 32, flipped and shifted, float32, one thread per process, on the CPU by gloo. One and two
processes in turn, ConvScope and the plain loop, which both have the images in memory; of each the quickest epoch of all
rounds, since other work on the machine only adds time. With `--reference`, also the training script of torchvision's
references (see benchmarks/peers/reference.py), which decodes every image anew and crops at random instead of shifting.
VISION is a checkout of https://github.com/pytorch/vision; the wheels do not have the script. A point takes about ten
seconds of a quiet machine, most of them to start and to end; each is printed as soon as it is known.

The efficiency is the rate of two processes by twice that of one. The model knows only two trainings that run at the
same time and know nothing of each other, each with half the batch (they share memory and cores), and how long an
all-reduce of as many bytes takes by itself.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import measure
from benchmarks.speed.processes_model import Cluster

EPOCHS = 4
RESNET18_BYTES = 4 * 11_181_642


def write_images(folder: Path, images: int) -> Path:
    """Write random images in the layout of CIFAR-like arrays, one folder per class of PNG files."""
    from PIL import Image

    chance = np.random.default_rng(0)
    for number in range(images):
        path = folder / "train" / str(number % 10) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
    for number in range(10):
        path = folder / "val" / str(number) / "0.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
    return folder


def together(words: list[str], count: int, cwd: Path | None = None) -> measure.Result:
    """Run `python WORDS...` as `count` processes that find each other as those of torchrun; return what one prints.

    Without torchrun, since starting it takes seconds and changes nothing of what is measured.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    modules = os.pathsep.join(filter(None, [str(measure.ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, *words]
    others = [
        subprocess.Popen(
            command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | shared | {"PYTHONPATH": modules, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(1, count)
    ]  # fmt: skip
    try:
        found = measure.run(command, cwd=cwd, env=shared | {"RANK": "0", "LOCAL_RANK": "0"})
        for other in others:
            other.wait(60)
    finally:
        for other in others:
            other.kill()
    return found


def convscope(place: Path, data: Path, images: int, count: int, batch: int) -> float:
    """Return the seconds per step of the quickest epoch of a training by ConvScope."""
    words = [
        "-m", "convscope", "train", str(data), "--model", "resnet18", "--img-size", "32", "--optimizer", "sgd",
        "--lr", "0.01", "--augment", "flip,shift=4", "--precision", "float32", "--layout", "contiguous",
        "--batch-size", str(batch), "--epochs", str(EPOCHS), "--output", str(place), "--json", "--kind", "photos",
    ]  # fmt: skip
    found = together(words, count, cwd=place)
    rows = list(csv.DictReader((Path(place) / found["run"] / "metrics.csv").open()))
    seconds = [float(row["seconds"]) for row in rows]
    return min(b - a for a, b in itertools.pairwise(seconds)) / (images / batch)


def peer(words: list[str], count: int, batch: int) -> float:
    """Return the seconds per step of the quickest epoch of another loop, the module and options `words`."""
    words = ["-m", *words, "--batch-size", str(batch), "--epochs", str(EPOCHS)]
    found = together(words, count)
    return min(found["epoch_seconds"][1:]) / found["steps"]


def side_by_side(train: Callable[[], float]) -> float:
    """Return the seconds per step of the slower of two trainings at the same time that have nothing to do together."""
    with ThreadPoolExecutor(2) as pool:
        return max(future.result() for future in [pool.submit(train) for _ in range(2)])


def told(what: str, measured: Callable[[], float]) -> float:
    """Measure, and print at once what came out and how long that took: the whole takes minutes."""
    start = time.perf_counter()
    seconds = measured()
    print(f"{what}: {1000 * seconds:.0f} ms (measured in {time.perf_counter() - start:.0f} s)", flush=True)
    return seconds


def all_reduce() -> float:
    """Return the seconds in which two processes add up as many bytes as the gradients have; the best of ten."""
    return float(together(["-m", "benchmarks.speed.several_processes", "--one"], 2)["s"])


def all_reduce_once() -> None:
    """In one of two processes: measure the all-reduce, and print it."""
    import torch
    from torch import distributed as dist

    dist.init_process_group("gloo")
    values, best = torch.ones(RESNET18_BYTES // 4), float("inf")
    for _ in range(10):
        dist.barrier()
        start = time.perf_counter()
        dist.all_reduce(values)
        best = min(best, time.perf_counter() - start)
    if dist.get_rank() == 0:
        print(json.dumps({"s": best}))
    dist.destroy_process_group()


def predicted(steps: dict[tuple[str, int, int], float], who: str, batch: int, reducing: float) -> float:
    """Return the seconds per step of two processes, from those of two that do not exchange anything and all-reduce."""
    cluster = Cluster(rate=batch / 2 / steps[who, 0, batch], bandwidth=RESNET18_BYTES / reducing, latency=0.0,
                      per_machine=1, overlap=0.0)  # fmt: skip
    return cluster.step_seconds(2, batch // 2, RESNET18_BYTES)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--reference", type=Path, metavar="VISION", help="a checkout of pytorch/vision")
    parser.add_argument("--quick", action="store_true", help="a round with few images, to try it out")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        all_reduce_once()
        return
    if given.reference and not (given.reference / "references" / "classification" / "train.py").is_file():
        parser.error(f"--reference {given.reference}: references/classification/train.py is not there")
    sizes, rounds, images = ([64], 1, 128) if given.quick else (given.batch_sizes, given.rounds, 512)
    every: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    reducing = []
    with tempfile.TemporaryDirectory() as name:
        data = write_images(Path(name) / "images", images)
        loops: dict[str, Callable[[int, int], float]] = {
            "convscope": partial(convscope, Path(name), data, images),
            "plain": partial(peer, ["benchmarks.peers.ddp", "--images", str(images)]),
        }
        if given.reference:
            words = ["benchmarks.peers.reference", str(given.reference.resolve()), "--data", str(data)]
            loops["torchvision"] = partial(peer, words)
        for number in range(rounds):
            said = f"round {number + 1} of {rounds}"
            reducing.append(told(f"{said}, all-reduce", all_reduce))
            for batch, (who, loop) in itertools.product(sizes, loops.items()):
                ways = {
                    1: ("one process", partial(loop, 1, batch)),
                    2: ("two processes", partial(loop, 2, batch)),
                    0: ("two trainings side by side", partial(side_by_side, partial(loop, 1, batch // 2))),
                }
                for count, (way, measured) in ways.items():
                    every[who, count, batch].append(told(f"{said}, {who}, batch {batch}, {way}", measured))
    steps = {key: min(values) for key, values in every.items()}
    print(f"all-reduce of {RESNET18_BYTES / 1e6:.0f} MB: {measure.text(reducing, ' s', digits=3)}")
    for who, batch in itertools.product(loops, sizes):
        one, two, guess = steps[who, 1, batch], steps[who, 2, batch], predicted(steps, who, batch, min(reducing))
        print(
            f"{who:11} batch {batch:4}: {batch / one:6.0f} and {batch / two:6.0f} images/s, efficiency "
            f"{one / two / 2:.0%}; a step {1000 * two:.0f} ms, predicted {1000 * guess:.0f} ({guess / two - 1:+.0%})"
        )
    measure.write("several_processes", {"steps": {str(key): values for key, values in every.items()}, "s": reducing})


if __name__ == "__main__":
    main()
