"""Published data sets by name, on small files in their layouts: the images and classes that torchvision reads."""

from __future__ import annotations

import bz2
import hashlib
import json
import socket
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torchvision
from PIL import Image

from convscope.data import load_data
from convscope.data.image_file import read_image
from convscope.data.sources.published import EMNIST, PUBLISHED
from convscope.errors import DataError

from ..hostile import write
from ..sets import class_by_name, idx_bytes

MNIST_LIKE = ("MNIST", "FashionMNIST", "KMNIST", "EMNIST")
RANDOM = np.random.default_rng(0)


def photo(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6), (level % 256, level // 256, 9)).save(path)


def folders(folder: Path, names: list[str], each: int = 8) -> None:
    for c, name in enumerate(names):
        for i in range(each):
            photo(folder / name / f"{i}.jpg", 20 * c + i)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_set_is_a_class_of_torchvision_that_takes_its_arguments(name):
    import inspect

    row = PUBLISHED[name]
    source = getattr(torchvision.datasets, row.torchvision)
    known = {key for part in source.__mro__ for key in inspect.signature(part.__init__).parameters}
    assert all(key in known for words in row.splits.values() for key in words) and "train" in row.splits
    assert row.classes is None or len(set(row.classes)) == len(row.classes)


@pytest.mark.parametrize(("name", "classes"), [(part, len(names)) for part, names in EMNIST.items()])
def test_emnist_stands_upright_and_its_letters_count_from_one(tmp_path, name, classes):
    first = int(name == "letters")
    images = RANDOM.integers(0, 256, (2 * classes, 4, 5), dtype=np.uint8)
    labels = (np.arange(2 * classes) % classes + first).astype(np.uint8)
    for part in ("train", "test"):
        write(tmp_path / f"EMNIST/raw/emnist-{name}-{part}-images-idx3-ubyte", idx_bytes(images))
        write(tmp_path / f"EMNIST/raw/emnist-{name}-{part}-labels-idx1-ubyte", idx_bytes(labels))
        write(tmp_path / f"EMNIST/raw/emnist-other-{part}-images-idx3-ubyte", b"of another set")
    data = load_data(f"emnist-{name}", tmp_path)
    theirs = torchvision.datasets.EMNIST.classes_split_dict[name]
    assert data.class_names == [c for c in theirs if c != "N/A"] and data.kind == "digits"
    test = data.splits["test"]
    np.testing.assert_array_equal(test.images, images.transpose(0, 2, 1))
    assert [data.class_names[i] for i in test.labels] == [theirs[i] for i in labels]
    with pytest.raises(DataError, match=f"the four files emnist-{'digits' if name != 'digits' else 'mnist'}-train-im"):
        load_data("emnist-digits" if name != "digits" else "emnist-mnist", tmp_path)


def mat(path: Path, **values: object) -> tuple[str, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, values)
    return path.name, hashlib.md5(path.read_bytes()).hexdigest()


def test_svhn_from_its_mat_files(tmp_path, monkeypatch):
    images = RANDOM.integers(0, 256, (32, 32, 3, 40), dtype=np.uint8)
    labels = (np.arange(40) % 10 + 1).reshape(-1, 1)  # 10 means the digit 0
    known = {}
    for part in ("train", "test"):
        name, digest = mat(tmp_path / f"{part}_32x32.mat", X=images, y=labels)
        known[part] = ["http://127.0.0.1:9/", name, digest]
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", known)
    data = load_data("svhn", tmp_path)
    test = data.splits["test"]
    assert data.channels == 3 and data.kind == "digits" and set(data.splits) == {"train", "val", "test"}
    np.testing.assert_array_equal(test.images[3], images[..., 3])
    assert [data.class_names[i] for i in test.labels[:10]] == ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"]


def test_usps_from_its_compressed_text(tmp_path, monkeypatch):
    values = RANDOM.integers(0, 256, (20, 256))
    rows = [" ".join(f"{j + 1}:{v / 127.5 - 1:.6f}" for j, v in enumerate(row)) for row in values]
    lines = [f"{i % 10 + 1} {row}" for i, row in enumerate(rows)]
    known = {}
    for part, name in (("train", "usps.bz2"), ("test", "usps.t.bz2")):
        write(tmp_path / name, bz2.compress("\n".join(lines).encode()))
        known[part] = ["http://127.0.0.1:9/", name, hashlib.md5((tmp_path / name).read_bytes()).hexdigest()]
    monkeypatch.setattr(torchvision.datasets.USPS, "split_list", known)
    data = load_data("usps", tmp_path)
    assert data.channels == 1 and len(data.splits["test"]) == 20
    assert np.abs(data.splits["test"].images.reshape(20, -1).astype(int) - values).max() <= 1
    assert data.splits["test"].labels.tolist() == [i % 10 for i in range(20)]


def make_flowers(root: Path, patch: pytest.MonkeyPatch) -> dict[str, str]:
    folder, labels = root / "flowers-102", np.arange(1, 103).repeat(3)
    for i in range(len(labels)):
        photo(folder / f"jpg/image_{i + 1:05d}.jpg", i)
    digests = {"label": mat(folder / "imagelabels.mat", labels=labels)}
    parts = {"trnid": 1, "valid": 2, "tstid": 3}
    digests["setid"] = mat(folder / "setid.mat", **{k: np.arange(start, 307, 3) for k, start in parts.items()})
    known = {**torchvision.datasets.Flowers102._file_dict, **digests}
    patch.setattr(torchvision.datasets.Flowers102, "_file_dict", known)
    names = torchvision.datasets.Flowers102.classes
    return {f"flowers-102/jpg/image_{i + 1:05d}.jpg": names[labels[i] - 1] for i in range(0, len(labels), 3)}


def make_dtd(root: Path, patch: pytest.MonkeyPatch) -> dict[str, str]:
    folder = root / "dtd/dtd"
    folders(folder / "images", ["dotted", "lined"])
    for part, i in (("train", 0), ("val", 1), ("test", 2)):
        write(folder / f"labels/{part}1.txt", f"dotted/{i}.jpg\nlined/{i}.jpg\n".encode())
    return {f"dtd/dtd/images/{c}/0.jpg": c for c in ("dotted", "lined")}


def make_food(root: Path, patch: pytest.MonkeyPatch) -> dict[str, str]:
    folder, names = root / "food-101", ["apple_pie", "sushi"]
    folders(folder / "images", names)
    write(folder / "meta/classes.txt", "\n".join(names).encode())
    for part, items in (("train", range(6)), ("test", (6, 7))):
        write(folder / f"meta/{part}.json", json.dumps({c: [f"{c}/{i}" for i in items] for c in names}).encode())
    return {f"food-101/images/{c}/{i}.jpg": c for c in names for i in (6, 7)} | {"split": "test"}


def make_gtsrb(root: Path, patch: pytest.MonkeyPatch) -> dict[str, str]:
    for c in range(43):
        for i in range(2):
            path = root / f"gtsrb/GTSRB/Training/{c:05d}/{i}.ppm"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (c, i, 0)).save(path)
            photo(root / f"gtsrb/GTSRB/Final_Test/Images/{2 * c + i:05d}.ppm", c)
    lines = [f"{i:05d}.ppm;8;8;0;0;8;8;{i // 2}" for i in range(86)]
    table = "\n".join(["Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId", *lines])
    write(root / "gtsrb/GT-final_test.csv", table.encode())
    return {f"gtsrb/GTSRB/Final_Test/Images/{i:05d}.ppm": str(i // 2) for i in range(86)} | {"split": "test"}


def make_pets(root: Path, patch: pytest.MonkeyPatch) -> dict[str, str]:
    folder, lines = root / "oxford-iiit-pet", {"trainval": "", "test": ""}
    for c, (name, kind) in enumerate((("Abyssinian", 1), ("american_bulldog", 2))):
        for i in range(8):
            photo(folder / f"images/{name}_{i}.jpg", 10 * c + i)
            lines["test" if i == 7 else "trainval"] += f"{name}_{i} {c + 1} {kind} 1\n"
    for part, text in lines.items():
        write(folder / f"annotations/{part}.txt", text.encode())
    found = {"Abyssinian": "Abyssinian", "american_bulldog": "American Bulldog"}
    return {f"oxford-iiit-pet/images/{c}_7.jpg": name for c, name in found.items()} | {"split": "test"}


def make_eurosat(root: Path, patch: pytest.MonkeyPatch) -> dict[str, str]:
    folders(root / "eurosat/2750", ["Forest", "River"])
    return {f"eurosat/2750/{c}/{i}.jpg": c for c in ("Forest", "River") for i in range(8)} | {"split": "all"}


def make_caltech101(root: Path, patch: pytest.MonkeyPatch) -> dict[str, str]:
    folder, found = root / "caltech101", {}
    (folder / "Annotations").mkdir(parents=True)
    for c, name in enumerate(("BACKGROUND_Google", "ant", "chair")):
        for i in range(1, 5):
            photo(folder / f"101_ObjectCategories/{name}/image_{i:04d}.jpg", 10 * c + i)
            found[f"{name}/image_{i:04d}.jpg"] = name
    return {k: v for k, v in found.items() if v != "BACKGROUND_Google"} | {"split": "all"}


MADE = {
    "flowers102": make_flowers, "dtd": make_dtd, "food101": make_food, "gtsrb": make_gtsrb,
    "oxford-iiit-pet": make_pets, "eurosat": make_eurosat, "caltech101": make_caltech101,
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_sets_of_files_keep_their_splits_and_the_names_of_their_classes(name, tmp_path, monkeypatch):
    expected = MADE[name](tmp_path, monkeypatch)
    split = expected.pop("split", "train")
    data = load_data(name, tmp_path)
    found = class_by_name(data, split)
    assert found == expected
    assert "val" in data.splits or data.divided
    assert all(read_image(item).size in ((8, 6), (8, 8)) for item in data.splits["train"].images[:3])
    inner = next(path for path in tmp_path.iterdir() if path.is_dir())
    assert class_by_name(load_data(name, inner), split) == found  # the set's own folder works too


@pytest.mark.parametrize("name", [name for name, row in PUBLISHED.items() if row.torchvision not in MNIST_LIKE])
def test_a_data_dir_without_the_files_is_one_line(tmp_path, name):
    with pytest.raises(DataError, match=r"the files of torchvision's \w+ are not all there: check --data-dir") as e:
        load_data(name, tmp_path)
    assert str(tmp_path) in str(e.value) and len(str(e.value).splitlines()) == 1 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["cifar10", "svhn", "flowers102", "stanford-cars"])
def test_without_a_network_there_is_one_clear_line(name, tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path))

    def no_network(*_: object, **__: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setattr(socket, "create_connection", no_network)
    with pytest.raises(DataError, match=f"{name} is not on this machine and could not be downloaded") as refused:
        load_data(name)
    assert len(str(refused.value).splitlines()) == 1 and str(refused.value).endswith("give --data-dir FOLDER")


def test_names_may_be_written_in_other_ways(tmp_path, monkeypatch):
    make_dtd(tmp_path, monkeypatch)
    assert load_data("DTD", tmp_path).name == "dtd"
    with pytest.raises(DataError, match="the four files train-images-idx3-ubyte"):
        load_data("Fashion_MNIST", tmp_path)
