"""Lay out the data that benchmarks share, so that ConvScope and the other tools read the same files."""

from __future__ import annotations

import gzip
import random
import shutil
import zipfile
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SKIMAGE_PICTURES = (
    "astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png",
    "retina.jpg", "rocket.jpg",
)  # fmt: skip
SIZES = {"train": 60_000, "t10k": 10_000}


def mnist(source: Path, place: Path, images: int | None = None, test_images: int | None = None) -> Path:
    """Unpack MNIST into `place` as torchvision wants it, cut to the first images. Return that folder.

    `source` holds MNIST/raw/*-ubyte or *-ubyte.gz.
    """
    raw = place / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for part, wanted in (("train", images), ("t10k", test_images)):
        count = min(wanted or SIZES[part], SIZES[part])
        for kind, header, size in (("images-idx3", 16, 28 * 28), ("labels-idx1", 8, 1)):
            whole = _read(source / "MNIST" / "raw" / f"{part}-{kind}-ubyte")
            cut = whole[:4] + count.to_bytes(4, "big") + whole[8 : header + count * size]
            (raw / f"{part}-{kind}-ubyte").write_bytes(cut)
    return place


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else gzip.decompress(Path(f"{path}.gz").read_bytes())


def cifar(source: Path, place: Path, images: int | None = None) -> Path:
    """Unpack CIFAR-10's JPEG files into class folders below `place`, cut to the first images of every class.

    `source` is the zip or the folder that holds it (cifar10-jpeg.zip); `images` counts the training images, of which
    the test part gets a fifth. JPEG makes the set slightly harder than the original arrays.
    """
    file = source / "cifar10-jpeg.zip" if source.is_dir() else source
    with zipfile.ZipFile(file) as packed:
        classes: dict[str, list[str]] = {}
        for name in sorted(packed.namelist()):
            if name.endswith(".jpg"):
                classes.setdefault(name.rpartition("/")[0], []).append(name)
        for folder, names in classes.items():
            wanted = len(names)
            if images is not None:
                wanted = max(images // (10 if folder.startswith("train/") else 50), 1)
            packed.extractall(place, names[:wanted])
    return place


def few_photos(source: Path, place: Path, images: int = 50) -> Path:
    """The first `images` training photos of every class, by the order of their names, and all test photos.

    `source` is what `cifar` takes, or the unpacked folder with train/CLASS/*.jpg and test/CLASS/*.jpg.
    """
    if source.is_file() or (source / "cifar10-jpeg.zip").is_file():
        source = cifar(source, place / "whole")
    for part in ("train", "test"):
        for folder in sorted(path for path in (source / part).iterdir() if path.is_dir()):
            files = sorted(folder.iterdir())
            (place / part / folder.name).mkdir(parents=True)
            for file in files[:images] if part == "train" else files:
                shutil.copyfile(file, place / part / folder.name / file.name)
    return place


def drawn_photos(source: Path, place: Path, images: int, test_images: int, seed: int) -> Path:
    """`images` training photos of every class of CIFAR-10, drawn by the seed, and its first `test_images` test photos.

    `source` is what `cifar` takes.
    """
    file = source / "cifar10-jpeg.zip" if source.is_dir() else source
    draw = random.Random(seed)
    with zipfile.ZipFile(file) as packed:
        classes: dict[str, list[str]] = {}
        for name in sorted(packed.namelist()):
            if name.endswith(".jpg"):
                classes.setdefault(name.rpartition("/")[0], []).append(name)
        for folder, names in sorted(classes.items()):
            packed.extractall(place, draw.sample(names, images) if "train/" in folder else names[:test_images])
    return place


def ants_bees(source: Path, place: Path) -> Path:
    """The photos of PyTorch's transfer tutorial, its validation part as test/CLASS. `source` has ants-bees-jpeg.zip."""
    if not place.exists():
        with zipfile.ZipFile(source / "ants-bees-jpeg.zip") as packed:
            packed.extractall(place)
        (place / "val").rename(place / "test")
    return place


def ants_bees_divided(source: Path, place: Path, seed: int) -> Path:
    """The same photos, as many for training and for testing of each class, but which ones is drawn by the seed."""
    ants_bees(source, place)
    draw = random.Random(seed)
    for label in ("ants", "bees"):
        files = sorted(place.glob(f"*/{label}/*"), key=lambda file: file.name)
        tested = set(draw.sample(files, len(list((place / "test" / label).iterdir()))))
        for file in files:
            file.rename(place / ("test" if file in tested else "train") / label / file.name)
    return place


def cut_pictures(place: Path, images: int, test_images: int, seed: int) -> Path:
    """Photos cut at random from ten colour pictures of scikit-image and scikit-learn, whose names are the classes.

    Squares of 64 to 160 pixels, `images` per class for training from the left 60 % of the picture and `test_images`
    for testing from the rest, as JPEG files, so that the tested pixels have never been seen.
    """
    draw = random.Random(seed)
    scikit_image, scikit_learn = Path(str(resources.files("skimage.data"))), Path(str(resources.files("sklearn")))
    files = [scikit_image / name for name in SKIMAGE_PICTURES]
    for file in (*files, *sorted((scikit_learn / "datasets" / "images").glob("*.jpg"))):
        picture = Image.open(file).convert("RGB")
        middle = round(0.6 * picture.width)
        for part, left, right, count in (("train", 0, middle, images), ("test", middle, picture.width, test_images)):
            (folder := place / part / file.stem).mkdir(parents=True)
            for number in range(count):
                side = draw.randint(64, min(160, right - left, picture.height))
                x, y = draw.randint(left, right - side), draw.randint(0, picture.height - side)
                picture.crop((x, y, x + side, y + side)).save(folder / f"{number:03}.jpg", quality=92)
    return place


def digits(place: Path) -> Path:
    """scikit-learn's digits in the division that ConvScope trains on, as place/digits.npz.

    Arrays `train_images` (uint8, N x 8 x 8), `train_labels` (int64), and the same for `val` and `test`.
    """
    import convscope as cs

    arrays: dict[str, Any] = {}
    for name, split in cs.load_data("digits").splits.items():
        arrays |= {f"{name}_images": split.images, f"{name}_labels": split.labels}
    np.savez(place / "digits.npz", **arrays)
    return place
