"""CIFAR's batches, of both kinds and both sets; a pickle that is more than plain data is refused and not executed."""

from __future__ import annotations

import gzip
import os
import pickle
import shutil
import subprocess
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from convscope.data import load_data
from convscope.data.sources.cifar import CIFAR10
from convscope.errors import DataError

from ..hostile import write
from ..sets import pickle_as_python2, zip_folder

COUNT = 12
PIXELS = np.random.default_rng(0).integers(0, 256, (6 * COUNT, 3072), dtype=np.uint8)
LABELS = np.arange(6 * COUNT) % 10


def write_cifar10(folder: Path, protocol: int | None = None) -> Path:
    """Write five training batches and one test batch, as they are published but short."""
    for i in range(6):
        rows = slice(COUNT * i, COUNT * (i + 1))
        name = "test_batch" if i == 5 else f"data_batch_{i + 1}"
        batch = {"batch_label": name, "labels": LABELS[rows].tolist(), "data": PIXELS[rows],
                 "filenames": [f"{k}.png" for k in range(COUNT)]}  # fmt: skip
        write(folder / name, pickle_as_python2(batch) if protocol is None else pickle.dumps(batch, protocol))
    meta = {"num_cases_per_batch": COUNT, "label_names": CIFAR10, "num_vis": 3072}
    write(folder / "batches.meta", pickle_as_python2(meta) if protocol is None else pickle.dumps(meta, protocol))
    return folder


def check_images(data, labels: np.ndarray = LABELS) -> None:
    assert data.channels == 3 and data.kind == "photos" and not data.divided
    assert [len(data.splits[name]) for name in ("test",)] == [COUNT]
    for split in data.splits.values():
        for image, label, name in zip(split.images, split.labels, split.names, strict=True):
            part, number = name.split("/")
            row = int(number) + (5 * COUNT if part == "test" else 0)
            np.testing.assert_array_equal(image, PIXELS[row].reshape(3, 32, 32).transpose(1, 2, 0))
            assert label == labels[row]


@pytest.mark.parametrize("protocol", [None, 0, 1, 2, 3, 4, 5])
def test_cifar10_pickles_of_every_protocol(tmp_path, protocol):
    data = load_data(write_cifar10(tmp_path / "cifar-10-batches-py", protocol))
    assert data.class_names == CIFAR10
    check_images(data)


def test_the_same_by_name_and_in_a_zip(tmp_path):
    folder = write_cifar10(tmp_path / "cifar-10-batches-py")
    for data in (load_data("cifar10", tmp_path), load_data("cifar10", folder), load_data(tmp_path),
                 load_data(zip_folder(tmp_path / "c.zip", folder, "cifar-10-batches-py/"))):  # fmt: skip
        check_images(data)
    with pytest.raises(DataError, match="the files of torchvision's CIFAR100 are not all there: check --data-dir"):
        load_data("cifar100", tmp_path)


def test_cifar10_bytes(tmp_path):
    rows = np.concatenate([LABELS[:, None].astype(np.uint8), PIXELS], 1)
    for i in range(6):
        name = "test_batch.bin" if i == 5 else f"data_batch_{i + 1}.bin"
        write(tmp_path / name, rows[COUNT * i : COUNT * (i + 1)].tobytes())
    write(tmp_path / "batches.meta.txt", "\n".join([*CIFAR10, ""]).encode())
    data = load_data(tmp_path)
    assert data.class_names == CIFAR10
    check_images(data)
    write(tmp_path / "test_batch.bin", rows[-COUNT:].tobytes()[:-1])
    with pytest.raises(DataError, match=r"test_batch.bin: .* not a multiple of 3073, .*: cut short or damaged"):
        load_data(tmp_path)


@pytest.mark.parametrize("kind", ["pickles", "bytes"])
def test_cifar100(tmp_path, kind):
    names = [f"class {i}" for i in range(100)]
    for name, rows in (("train", slice(0, 5 * COUNT)), ("test", slice(5 * COUNT, 6 * COUNT))):
        fine = LABELS[rows]
        if kind == "pickles":
            batch = {"fine_labels": fine.tolist(), "coarse_labels": (fine // 5).tolist(), "data": PIXELS[rows]}
            write(tmp_path / name, pickle_as_python2(batch))
        else:
            heads = np.stack([fine // 5, fine], 1).astype(np.uint8)
            write(tmp_path / f"{name}.bin", np.concatenate([heads, PIXELS[rows]], 1).tobytes())
    if kind == "pickles":
        write(tmp_path / "meta", pickle_as_python2({"fine_label_names": names, "coarse_label_names": ["x"] * 20}))
    else:
        write(tmp_path / "fine_label_names.txt", "\n".join(names).encode())
    data = load_data(tmp_path)
    assert data.class_names == names
    check_images(data)


def test_what_is_missing_or_wrong_is_named(tmp_path):
    folder = write_cifar10(tmp_path)
    (folder / "data_batch_3").rename(folder / "aside")
    with pytest.raises(DataError, match="data_batch_3 is missing among the other batches: download it"):
        load_data(folder)
    (folder / "aside").rename(folder / "data_batch_3")
    (folder / "test_batch").rename(folder / "aside")
    with pytest.raises(DataError, match="test_batch is missing: download it again"):
        load_data(folder)
    wrong = {
        "cut": ((folder / "aside").read_bytes()[:-50], "damaged|cut short"),
        "empty": (b"", "damaged|cut short|empty"),
        "too few labels": (pickle_as_python2({"labels": [1, 2], "data": PIXELS[:3]}), "not a batch of CIFAR"),
        "no labels": (pickle_as_python2({"data": PIXELS[:3]}), "not a batch of CIFAR"),
        "labels of text": (pickle_as_python2({"labels": ["a", "b", "c"], "data": PIXELS[:3]}), "not a batch of CIFAR"),
        "floats": (pickle_as_python2({"labels": [1], "data": PIXELS[:1].astype(float)}), "not a batch of CIFAR"),
        "narrow": (pickle_as_python2({"labels": [1], "data": PIXELS[:1, :9]}), "not a batch of CIFAR"),
        "a list": (pickle_as_python2([1, 2]), "not a batch of CIFAR"),  # type: ignore[arg-type]
        "label 10": (pickle_as_python2({"labels": [1, 10, 0], "data": PIXELS[:3]}), "out of range for 10 classes"),
        "label -1": (pickle_as_python2({"labels": [1, -1, 0], "data": PIXELS[:3]}), "out of range for 10 classes"),
    }
    for content, reason in wrong.values():
        write(folder / "test_batch", content)
        with pytest.raises(DataError, match=reason) as refused:
            load_data(folder)
        assert len(str(refused.value).splitlines()) == 1 and str(tmp_path) in str(refused.value)


class Runs:
    """An object whose unpickling calls `function` with `arguments`."""

    def __init__(self, function: object, *arguments: object):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def harmful(folder: Path) -> list[object]:
    """Return objects that would leave a file behind or kill the process if any part of their pickles were executed."""
    spot = folder / "ran"
    return [
        Runs(os.system, f"touch {spot}"),
        Runs(exec, f"open({str(spot)!r}, 'w')"),
        Runs(eval, f"open({str(spot)!r}, 'w')"),
        Runs(open, str(spot), "w"),
        Runs(subprocess.Popen, ["touch", str(spot)]),
        Runs(shutil.rmtree, str(folder)),
        Runs(__import__, "antigravity"),
        Runs(np.load, str(spot)),
        Runs(np.fromfile, str(spot)),
        Runs(os._exit, 3),
        OrderedDict(a=1),
        np.float64(3.0),
        np.array([Runs(os.system, f"touch {spot}")], dtype=object),
        np.array(["text"]),
        np.zeros(3, dtype=[("a", "u1")]),
        {1, 2},
        complex(1, 2),
    ]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("field", ["data", "label_names"])
def test_no_pickle_is_executed(tmp_path, protocol, field):
    for i in range(len(harmful(tmp_path))):
        folder = write_cifar10(tmp_path / "set")
        content = pickle.dumps({field: harmful(tmp_path)[i], "labels": [1]}, protocol)
        write(folder / ("test_batch" if field == "data" else "batches.meta"), content)
        with pytest.raises(DataError) as refused:
            load_data(folder)
        assert len(str(refused.value).splitlines()) == 1
        assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


def test_other_files_called_train_and_test_are_not_cifar(tmp_path):
    """CIFAR-100's files are called `train` and `test`, as many folders are."""
    write(tmp_path / "train", b"x")
    write(tmp_path / "test", gzip.compress(b"x"))
    with pytest.raises(DataError, match="no images found"):
        load_data(tmp_path)
