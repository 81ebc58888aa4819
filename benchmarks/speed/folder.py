"""How quickly is a folder of JPEG photos read, in the first epoch and later, beside other tools' loaders?

    python -m benchmarks.speed.folder [FOLDER] [--images 3000] [--size 500x375] [--rounds 5] [--epochs 4] [--quick]

FOLDER holds one folder of photos per class; without it, photos are cut out of those that scikit-image and scikit-learn
ship. Each loader is a process of its own and reads the folder --epochs times: the data side alone, then with a small
network. The first epoch begins before the folder is listed; ours decodes in it and fills an empty cache. torchvision
and timm get the number of workers that is best for them here. Printed, as ratios of the best peer's seconds to ours in
the same round: the first epoch, the later ones, and the first epoch of a second run, which finds the cache filled.
Then the most memory that each has held, its worker processes included, and ours for data of three sizes (with --rounds
0 only that).
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import threading
from pathlib import Path

from benchmarks import measure
from benchmarks.processes import find_spec

PEERS = {"torchvision": "torchvision", "timm": "timm", "keras": "tensorflow"}
PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "rocket.jpg", "motorcycle_left.png")


def make_photos(place: Path, images: int, width: int, height: int) -> Path:
    """Two classes of JPEG files, quality 90: parts of real photographs, mirrored or not, no two alike."""
    import numpy as np
    import skimage
    from PIL import Image
    from sklearn.datasets import load_sample_images

    shipped = Path(skimage.__file__).parent / "data"
    whole = [Image.open(shipped / name).convert("RGB") for name in PHOTOS if (shipped / name).is_file()]
    whole += [Image.fromarray(array) for array in load_sample_images().images]
    generator = np.random.default_rng(0)
    for i in range(images):
        photo = whole[int(generator.integers(len(whole)))]
        # As large a part as has the right proportions, or a little less, anywhere.
        part = min(photo.width / width, photo.height / height) * generator.uniform(0.6, 1)
        left, top = (
            (photo.width - part * width) * generator.random(),
            (photo.height - part * height) * generator.random(),
        )
        box = (left, top, left + part * width, top + part * height)
        picture = photo.resize((width, height), Image.Resampling.BICUBIC, box)
        if generator.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        folder = place / ("a", "b")[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        picture.save(folder / f"{i:05d}.jpg", quality=90)
    return place


class Tree(threading.Thread):
    """Watches the memory of this process's children and theirs: `most` bytes at once, shared pages counted once."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.over = 0, threading.Event()

    def run(self) -> None:
        """Look ten times a second."""
        while not self.over.wait(0.1):
            self.most = max(self.most, sum(self._bytes(process) for process in self._below(os.getpid())))

    def _below(self, process: int) -> list[int]:
        try:
            children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        except OSError:
            return []
        return [below for child in children for below in (int(child), *self._below(int(child)))]

    def _bytes(self, process: int) -> int:
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def load(loader: str, folder: Path, watch: object = False, **options: object) -> measure.Result:
    """One loader's run: `first`, and the mean of the `later` epochs.

    With `watch` also `tree`, the most memory of all its processes; that slows them down, for the system counts page by
    page.
    """
    words: list[str | Path] = [sys.executable, "-m", "benchmarks.peers.folder_loaders", loader, folder]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    tree = Tree()
    if watch:
        tree.start()
    try:
        found = measure.run(words)
    finally:
        tree.over.set()
        if watch:
            tree.join()
    found |= {"first": found["seconds"][0], "tree": tree.most or found["peak"]}
    if len(found["seconds"]) > 1:
        found["later"] = statistics.mean(found["seconds"][1:])
    shown = ", ".join(f"{seconds:.2f}" for seconds in found["seconds"])
    held = f", {found['tree'] / 1e6:,.0f} MB" if watch else ""
    print(f"  {loader} {options.get('workers', '')}: {shown} s{held}", file=sys.stderr)
    return found


def best_workers(loader: str, folder: Path, most: int, **options: object) -> int:
    """The number of worker processes with which two epochs take least."""
    times = {n: sum(load(loader, folder, workers=n, **{**options, "epochs": 2})["seconds"]) for n in range(most + 1)}
    return min(times, key=times.__getitem__)


def compare(folder: Path, network: str, rounds: int, options: dict[str, object]) -> measure.Result:
    """All loaders in turn, `rounds` times; prints the ratios and gives all figures."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    there = [name for name, module in PEERS.items() if find_spec(module) is not None]
    options = {**options, "network": network}
    workers = {name: best_workers(name, folder, cores + 1, **options) for name in there if name != "keras"}
    print(f"\n{'the data side alone' if network == 'none' else 'with a small network'}; workers: {workers}")
    runs: dict[str, list[measure.Result]] = {name: [] for name in ("convscope", "again", *there)}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as cache:
            for name in ("convscope", "again"):
                runs[name].append(load("convscope", folder, cache=cache, workers=cores, **options))
        for name in there:
            runs[name].append(load(name, folder, **({"workers": workers[name]} if name in workers else {}), **options))
    figures: measure.Result = {"workers": workers}
    for name, found in runs.items():
        for epoch in ("first", "later"):
            rates = [run["images"] / len(run["seconds"]) / run[epoch] for run in found]
            figures[f"{name}, {epoch} epoch, images/s"] = measure.spread(rates)
            print(f"{name:12} {epoch:6} {measure.text(rates, ' images/s', digits=0)}")
    for name in ("convscope", *there):
        known = {"workers": cores} if name == "convscope" else {"workers": workers[name]} if name in workers else {}
        figures[f"{name}, memory"] = held = load(name, folder, watch=True, **known, **options)["tree"]
        print(f"{name:12} memory {held / 1e6:,.0f} MB")
    for label, ours, epoch in (
        ("first epoch", "convscope", "first"),
        ("later epochs", "convscope", "later"),
        ("first epoch of a second run", "again", "first"),
    ):
        best = min(there, key=lambda name: statistics.mean(run[epoch] for run in runs[name]))
        ratios = [theirs[epoch] / mine[epoch] for mine, theirs in zip(runs[ours], runs[best], strict=True)]
        figures[f"{label}, ratio"] = {**measure.spread(ratios), "best peer": best}
        print(f"{label}: {measure.text(ratios, ' times')} the speed of {best}, the best of them")
    return figures


def memory(folder: Path, place: Path, sizes: list[int], options: dict[str, object]) -> measure.Result:
    """The most memory of ours above what it held before it began, for data of several sizes, cached and streamed."""
    print("\nmemory above imports and network, by the number of images")
    figures: measure.Result = {}
    photos = sorted(path for path in folder.rglob("*") if path.is_file())
    for size in sizes:
        several = place / f"{size}"
        for i in range(size):
            source = photos[i % len(photos)]
            (several / source.parent.name).mkdir(parents=True, exist_ok=True)
            try:
                os.link(source, several / source.parent.name / f"{i:06d}{source.suffix}")
            except OSError:
                shutil.copy(source, several / source.parent.name / f"{i:06d}{source.suffix}")
        for way, cache in (("cached", place / "cache"), ("streamed", "off")):
            found = load("convscope", several, watch=True, cache=cache, **{**options, "epochs": 1})
            above = found["tree"] - found["before"]
            figures[f"{size} images, {way}"] = above
            print(f"{size:8,} images, {way:8} {above / 1e6:8,.0f} MB")
        shutil.rmtree(place / "cache", ignore_errors=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--size", default="500x375")
    parser.add_argument("--img-size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--sizes", type=int, nargs="*", default=[3000, 9000, 27000], help="of the memory check")
    parser.add_argument("--quick", action="store_true", help="200 images, one round: to try it out, not to measure")
    given = parser.parse_args()
    if given.quick:
        given.images, given.rounds, given.epochs, given.sizes = 200, 1, 2, [200, 400]
    options: dict[str, object] = {"epochs": given.epochs, "img_size": given.img_size}
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        width, height = map(int, given.size.split("x"))
        folder = given.folder or make_photos(place / "photos", given.images, width, height)
        result: measure.Result = {"size": given.size, "img_size": given.img_size}
        for network in ("none", "small") if given.rounds else ():
            result[network] = compare(folder, network, given.rounds, options)
        result["memory"] = memory(folder, place, given.sizes, options)
    measure.write("folder", result)


if __name__ == "__main__":
    main()
