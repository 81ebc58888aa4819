"""How long does it take to list a large folder and to find its classes and splits?

    python -m benchmarks.speed.scan [--images 60000] [--classes 10] [--rounds 5] [--check]

Makes that many tiny pictures in a temporary folder, in `train/` and `val/`, and a zip of them, and removes all of it.
Measured: `load_data` of the folder (listing, classes, splits, and whether the images are gray) and of the zip, beside
torchvision's `ImageFolder` on the same two splits, in turn; with `--check`, also `convscope check`, which opens every
image. Aim: 60,000 images in under 10 s.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import measure
from convscope.data import load_data
from convscope.data.check.report import check_data


def make(root: Path, images: int, classes: int) -> Path:
    """`images` pictures of 8 x 8, one in six of them to validate; gives the zip of them."""
    generator = np.random.default_rng(0)
    for label in range(classes):
        for split in ("train", "val"):
            (root / split / f"class {label:03d}").mkdir(parents=True)
    for i in range(images):
        place = root / ("val" if i % 6 == 5 else "train") / f"class {i // 6 % classes:03d}" / f"{i:06d}.png"
        Image.fromarray(generator.integers(0, 256, (8, 8), dtype=np.uint8)).save(place)
    packed = root.parent / "images.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(root.rglob("*.png")):
            archive.write(path, path.relative_to(root.parent))
    return packed


def image_folders(root: Path) -> int:
    from torchvision.datasets import ImageFolder

    return sum(len(ImageFolder(root / split)) for split in ("train", "val"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="convscope-scan-") as place:
        root = Path(place) / "images"
        packed = make(root, given.images, given.classes)
        ways: dict[str, Callable[[], int]] = {
            "load_data, folder": lambda: len(load_data(root).split("all")),
            "load_data, zip": lambda: len(load_data(packed).split("all")),
            "torchvision ImageFolder": lambda: image_folders(root),
        }
        if given.check:
            ways["convscope check"] = lambda: check_data(root).to_dict()["usable"]
        times: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(given.rounds + 1):
            for name, way in ways.items():
                start = time.perf_counter()
                assert way() == given.images
                if number:  # the first round warms the file cache
                    times[name].append(time.perf_counter() - start)
    for name, values in times.items():
        print(f"{name:24}", measure.text(values, " s"))


if __name__ == "__main__":
    main()
