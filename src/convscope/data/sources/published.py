"""Published data sets by name, with their own splits: downloaded through torchvision, or read from a local folder."""

from __future__ import annotations

import os
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError, printable
from ...problems import collect_problems
from ..cache_folder import cache_folder
from ..image_file import ImageItem
from ..split import Data, Split, hold_out
from .assemble import assemble
from .cifar import find_cifar, load_cifar
from .file_tree import open_folder
from .idx import find_idx, idx_data, read_idx_pair

DIGITS = list(string.digits)
FASHION = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
KANA = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
# EMNIST merges capital letters that look like small ones with them.
MERGED = sorted(set(string.digits + string.ascii_letters) - set("cijklmopsuvwxyz"))
EMNIST = {
    "balanced": MERGED,
    "bymerge": MERGED,
    "byclass": sorted(string.digits + string.ascii_letters),
    "letters": list(string.ascii_lowercase),
    "digits": DIGITS,
    "mnist": DIGITS,
}


@dataclass(frozen=True)
class Published:
    """One published data set.

    `torchvision` is the name of torchvision's class for it, `splits` has the class's arguments for each split, and
    `read` loads the set from its name, this record and a folder. `kind` is "digits" where a mirrored image would be
    another character. `files` is what the names of its files begin with, where a folder holds several sets, or the
    folder of the files.
    """

    torchvision: str
    read: Callable[[str, Published, Path], Data | None]
    splits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    classes: list[str] | None = None
    kind: str = "photos"
    files: str = ""


def load_published(name: str, data_dir: Path | None) -> Data:
    """Load the set `name` of `PUBLISHED` from `data_dir`, or from the cache, into which it is downloaded if missing.

    If the set has no validation split, one is held out of its training images.
    """
    row = PUBLISHED[name]
    if data_dir is not None:
        data = row.read(name, row, data_dir)
        if data is None:
            raise DataError(f"{printable(data_dir)}: {_missing_files(row)} not all there: check --data-dir")
        return data
    folder = cache_folder() / "torchvision"
    data = row.read(name, row, folder)
    if data is None:
        _download(name, row, folder)
        data = row.read(name, row, folder)
    if data is None:
        raise DataError(f"{name}: {_missing_files(row)} not all there after the download: try again")
    return data


def _missing_files(row: Published) -> str:
    if row.read is _read_idx:
        start = f"{row.files}-" if row.files else ""
        test = "test" if row.files else "t10k"
        names = [f"{start}{part}-{role}-ubyte" for part in ("train", test) for role in ("images-idx3", "labels-idx1")]
        return f"the four files {', '.join(names[:3])} and {names[3]} (or .gz) are"
    return f"the files of torchvision's {row.torchvision} are"


def _read_idx(name: str, row: Published, folder: Path) -> Data | None:
    assert row.classes is not None
    for path in (folder / row.torchvision, folder / "gzip", folder):
        if not path.is_dir():
            continue
        files = find_idx(open_folder(path), row.files)
        if files is None or "test" not in files:
            continue
        # EMNIST counts its letters from 1, and all of its images are transposed.
        first = int(row.files == "emnist-letters")
        arrays = {part: read_idx_pair(*pair, len(row.classes) + first) for part, pair in files.items()}
        if row.files:
            arrays = {part: (x.transpose(0, 2, 1).copy(), y - first) for part, (x, y) in arrays.items()}
        data = idx_data(name, row.classes, arrays)
        data.kind, data.kind_reason = row.kind, ""
        return data
    return None


def _read_cifar(name: str, row: Published, folder: Path) -> Data | None:
    stem = "cifar-10-batches" if name == "cifar10" else "cifar-100"
    for inner in (*([f"{stem}-py", f"{stem}-bin"] if name == "cifar10" else [f"{stem}-python", f"{stem}-binary"]), "."):
        if (folder / inner).is_dir():
            opened = open_folder(folder / inner)
            layout = find_cifar(opened)
            if layout is not None and layout.split()[0] == name:
                return load_cifar(opened, layout, name)
    return None


def _read_torchvision(name: str, row: Published, folder: Path) -> Data | None:
    """Load a set with torchvision's class from `folder`, or from the folder above it if `folder` is the set's own."""
    for root in (folder, folder.parent):
        try:
            datasets = {split: _torchvision(row, root, **options) for split, options in row.splits.items()}
        except (RuntimeError, OSError, ValueError):  # torchvision raises these where files are missing
            continue
        first = next(iter(datasets.values()))
        classes = row.classes or [_class_name(c) for c in getattr(first, "classes", ())]
        if hasattr(first, "data") and not isinstance(first.data, list):
            splits = {split: _arrays(f"{name}/{split}", dataset) for split, dataset in datasets.items()}
            channels = 1 if splits["train"].images[0].ndim == 2 else 3  # type: ignore[union-attr]
            held_out = "val" not in splits
            return Data(name, classes, hold_out(splits), channels=channels, held_out=held_out, kind=row.kind)
        with collect_problems():  # users cannot change a published set, so they are not warned
            data = assemble(name, {split: _files(dataset, classes, root) for split, dataset in datasets.items()})
        data.kind, data.kind_reason = row.kind, ""
        return data
    return None


def _read_caltech(name: str, row: Published, folder: Path) -> Data | None:
    """Read class folders without torchvision's class, which would create them if they were missing."""
    for path in (folder / name / row.files, folder / row.files):
        if path.is_dir():
            classes = {f.name: f.images() for f in open_folder(path).folders() if f.name != "BACKGROUND_Google"}
            with collect_problems():
                return assemble(name, {"train": classes})
    return None


def _torchvision(row: Published, root: Path, **options: Any) -> Any:
    from torchvision import datasets

    return getattr(datasets, row.torchvision)(root, **options)


def _arrays(name: str, dataset: Any) -> Split:
    """Return a data set that torchvision holds in memory, as uint8 N x H x W (x 3)."""
    images = np.asarray(dataset.data)
    if images.ndim == 4:
        images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    labels = np.asarray(dataset.labels if hasattr(dataset, "labels") else dataset.targets, dtype=np.int64)
    return Split(images, labels, [f"{name}/{i:06d}" for i in range(len(labels))])


def _files(dataset: Any, classes: list[str], root: Path) -> dict[str, list[tuple[str, ImageItem]]]:
    """Return the files of a data set that torchvision keeps as files, by class; the attribute's name varies."""
    if hasattr(dataset, "_labels"):
        files = dataset._image_files if hasattr(dataset, "_image_files") else dataset._images
        pairs = list(zip(files, dataset._labels, strict=True))
    else:
        pairs = dataset._samples if hasattr(dataset, "_samples") else dataset.samples
    by_class: dict[str, list[tuple[str, ImageItem]]] = {}
    for file, label in pairs:
        path = Path(file)
        by_class.setdefault(classes[label] if classes else str(label), []).append((os.path.relpath(path, root), path))
    return by_class


def _class_name(name: Any) -> str:
    """Return a class's name, of several the first."""
    return name if isinstance(name, str) else str(name[0])


def _download(name: str, row: Published, folder: Path) -> None:
    from torchvision import datasets
    from torchvision.datasets.utils import download_and_extract_archive

    source = getattr(datasets, row.torchvision)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if row.read is _read_cifar:  # without torchvision's reader, which unpickles
            download_and_extract_archive(source.url, folder, filename=source.filename, md5=source.tgz_md5)
            return
        for options in row.splits.values():
            source(folder, download=True, **options)
    except Exception as problem:  # torchvision passes on whatever the network layer raises
        reason = (str(problem).strip() or type(problem).__name__).splitlines()[-1]
        files = "its four -ubyte.gz files" if row.read is _read_idx else "its files, arranged as torchvision does,"
        raise DataError(
            f"{name} is not on this machine and could not be downloaded ({printable(reason)[:120]}): "
            f"go online, or put {files} into a folder and give --data-dir FOLDER"
        ) from problem


def _idx(torchvision: str, classes: list[str], kind: str = "digits") -> Published:
    return Published(torchvision, _read_idx, {"train": {}}, classes, kind)


def _emnist(part: str) -> Published:
    return Published("EMNIST", _read_idx, {"train": {"split": part}}, EMNIST[part], "digits", f"emnist-{part}")


def _by_split(torchvision: str, *names: str, **known: Any) -> Published:
    """A set whose class takes `split`; `names` are its values for train, test and, if there is one, val."""
    splits = dict(zip(("train", "test", "val"), ({"split": name} for name in names), strict=False))
    return Published(torchvision, _read_torchvision, splits, **known)


def _whole(torchvision: str, **known: Any) -> Published:
    """A set that is published without splits."""
    return Published(torchvision, _read_torchvision, {"train": {}}, **known)


PUBLISHED = {
    "mnist": _idx("MNIST", DIGITS),
    "fashion-mnist": _idx("FashionMNIST", FASHION, "photos"),
    "kmnist": _idx("KMNIST", KANA),
    "emnist": _emnist("balanced"),
    **{f"emnist-{part}": _emnist(part) for part in EMNIST},
    "cifar10": Published("CIFAR10", _read_cifar, {"train": {}}),
    "cifar100": Published("CIFAR100", _read_cifar, {"train": {}}),
    "svhn": _by_split("SVHN", "train", "test", classes=DIGITS, kind="digits"),
    "stl10": _by_split("STL10", "train", "test"),
    "usps": Published(
        "USPS", _read_torchvision, {"train": {"train": True}, "test": {"train": False}}, DIGITS, "digits"
    ),
    "semeion": _whole("SEMEION", classes=DIGITS, kind="digits"),
    "flowers102": _by_split("Flowers102", "train", "test", "val"),
    "food101": _by_split("Food101", "train", "test"),
    "dtd": _by_split("DTD", "train", "test", "val"),
    "gtsrb": _by_split("GTSRB", "train", "test", classes=[str(i) for i in range(43)], kind="digits"),
    "eurosat": _whole("EuroSAT"),
    "caltech101": Published("Caltech101", _read_caltech, {"train": {}}, files="101_ObjectCategories"),
    "caltech256": Published("Caltech256", _read_caltech, {"train": {}}, files="256_ObjectCategories"),
    "country211": _by_split("Country211", "train", "test", "valid"),
    "fgvc-aircraft": _by_split("FGVCAircraft", "train", "test", "val"),
    "imagenette": Published("Imagenette", _read_torchvision, {"train": {"split": "train"}, "test": {"split": "val"}}),
    "oxford-iiit-pet": _by_split("OxfordIIITPet", "trainval", "test"),
    "rendered-sst2": _by_split("RenderedSST2", "train", "test", "val", kind="digits"),
    "stanford-cars": _by_split("StanfordCars", "train", "test"),
    "sun397": _whole("SUN397"),
}
