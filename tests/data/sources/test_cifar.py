"""CIFAR's batches, of both kinds and both sets; a pickle that is more than plain data is refused and not executed."""

from __future__ import annotations

import gzip
import os
import pickle
import pickletools
import shutil
import subprocess
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.data import load_data
from convscope.data.sources.cifar import CIFAR10
from convscope.data.sources.plain_pickle import read_plain_pickle
from convscope.errors import DataError

from ..hostile import write
from ..sets import zip_folder

COUNT = 12
PIXELS = np.random.default_rng(0).integers(0, 256, (6 * COUNT, 3072), dtype=np.uint8)
LABELS = np.arange(6 * COUNT) % 10


def python2(batch: dict[str, object]) -> bytes:
    """Pickle as Python 2 did for CIFAR: text is bytes, and NumPy has an older name."""
    content = pickle.dumps(batch, protocol=2)
    return content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def write_cifar10(folder: Path, protocol: int | None = None) -> Path:
    """Write five training batches and one test batch, as they are published but short."""
    for i in range(6):
        rows = slice(COUNT * i, COUNT * (i + 1))
        name = "test_batch" if i == 5 else f"data_batch_{i + 1}"
        batch = {"batch_label": name, "labels": LABELS[rows].tolist(), "data": PIXELS[rows],
                 "filenames": [f"{k}.png" for k in range(COUNT)]}  # fmt: skip
        write(folder / name, python2(batch) if protocol is None else pickle.dumps(batch, protocol))
    meta = {"num_cases_per_batch": COUNT, "label_names": CIFAR10, "num_vis": 3072}
    write(folder / "batches.meta", python2(meta) if protocol is None else pickle.dumps(meta, protocol))
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
            write(tmp_path / name, python2(batch))
        else:
            heads = np.stack([fine // 5, fine], 1).astype(np.uint8)
            write(tmp_path / f"{name}.bin", np.concatenate([heads, PIXELS[rows]], 1).tobytes())
    if kind == "pickles":
        write(tmp_path / "meta", python2({"fine_label_names": names, "coarse_label_names": ["x"] * 20}))
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
        "too few labels": (python2({"labels": [1, 2], "data": PIXELS[:3]}), "not a batch of CIFAR"),
        "no labels": (python2({"data": PIXELS[:3]}), "not a batch of CIFAR"),
        "labels of text": (python2({"labels": ["a", "b", "c"], "data": PIXELS[:3]}), "not a batch of CIFAR"),
        "floats": (python2({"labels": [1], "data": PIXELS[:1].astype(float)}), "not a batch of CIFAR"),
        "narrow": (python2({"labels": [1], "data": PIXELS[:1, :9]}), "not a batch of CIFAR"),
        "a list": (python2([1, 2]), "not a batch of CIFAR"),  # type: ignore[arg-type]
        "label 10": (python2({"labels": [1, 10, 0], "data": PIXELS[:3]}), "out of range for 10 classes"),
        "label -1": (python2({"labels": [1, -1, 0], "data": PIXELS[:3]}), "out of range for 10 classes"),
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


HAND_MADE = {
    "a global of its own": b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.",
    "an instance": b"(X\x04\x00\x00\x00trueios\nsystem\n.",
    "an object": b"(cos\nsystem\nX\x04\x00\x00\x00trueo.",
    "a new object": b"\x80\x02cos\nsystem\n)\x81.",
    "a persistent id": b"Psomewhere\n.",
    "an extension": b"\x80\x02\x82\x01.",
    "an out-of-band buffer": b"\x80\x05\x97.",
    "a dotted name": b"\x80\x04\x8c\x05numpy\x8c\x11core.os.system.xx\x93.",
    "numpy's other names": b"cnumpy\nload\n.",
    "reconstruct of another type": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\n(I0\ntS'b'\ntR.",
    "a state for a list": b"](I1\ntb.",
    "an empty stack": b".",
    "marks without end": b"(" * 50_000 + b".",
    "a missing memory": b"h\x07.",
    "a memory far away": b"I1\nr\xff\xff\xff\xff0.",
    "a length that is not there": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fx.",
    "a number of many digits": b"L" + b"9" * 100_000 + b"L\n.",
    "deep": b"]" * 20_000 + b"a" * 19_999 + b".",
    "tuples as keys": b"}" + b")" + b"2\x86" * 60 + b"I1\ns.",
    "text over and over": b"\x80\x02X\x00\x00\x01\x00" + b"x" * 65536 + b"q\x000"
    + b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R" * 20_000 + b".",
    "a huge array": pickle.dumps(np.zeros(1), 2).replace(b"K\x01\x85", b"\x8a\x06\0\0\0\0\0\x01\x85"),
}  # fmt: skip


@pytest.mark.timeout(30)
@pytest.mark.parametrize("case", HAND_MADE)
def test_hand_made_pickles_are_refused(case):
    with pytest.raises(DataError) as refused:
        value = read_plain_pickle(HAND_MADE[case])
        assert isinstance(value, list)  # deep or far away, but plain data
        raise DataError("plain")
    assert len(str(refused.value).splitlines()) == 1


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(value=PLAIN, protocol=st.integers(0, 5))
def test_plain_data_is_what_python_reads(value, protocol):
    content = pickle.dumps(value, protocol)
    assert read_plain_pickle(content) == pickle.loads(content)
    assert read_plain_pickle(pickletools.optimize(content)) == value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("kind", ["u1", ">u2", "<i4", "i8", "f4", ">f8", "?"])
@pytest.mark.parametrize("order", "CF")
def test_arrays_are_what_python_reads(protocol, kind, order):
    array = np.asarray(np.arange(24).reshape(2, 3, 4) % 2, dtype=kind, order=order)
    found = read_plain_pickle(pickle.dumps({"a": array}, protocol))["a"]
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype or kind == "?"


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_mutated_pickles_are_refused_or_read(data):
    content = bytearray(python2({"labels": [1, 2, 3], "data": PIXELS[:1, :30], "filenames": ["a", "b"]}))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_plain_pickle(bytes(content))
    except DataError as problem:
        assert len(str(problem).splitlines()) == 1


def test_other_files_called_train_and_test_are_not_cifar(tmp_path):
    """CIFAR-100's files are called `train` and `test`, as many folders are."""
    write(tmp_path / "train", b"x")
    write(tmp_path / "test", gzip.compress(b"x"))
    with pytest.raises(DataError, match="no images found"):
        load_data(tmp_path)
