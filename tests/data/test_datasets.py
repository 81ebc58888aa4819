"""Data sets by name: the bundled ones, and MNIST from local files or from the network."""

from __future__ import annotations

import gzip
import hashlib
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torchvision

from convscope.data import load_data
from convscope.data.cache_folder import cache_folder
from convscope.data.split import split_table
from convscope.errors import DataError

from .sets import IDX_LABELS, idx_bytes, write_idx_set

NETWORK_SETS = [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")]


@pytest.mark.parametrize(
    ("name", "shape", "sizes", "mean"),
    [("mnist-5k", (28, 28), (4000, 500, 500), 0.131), ("digits", (8, 8), (1259, 269, 269), 0.305)],
)
def test_the_bundled_sets(name, shape, sizes, mean):
    data = load_data(name)
    assert data.class_names == list("0123456789") and data.channels == 1 and data.kind == "digits"
    assert [len(data.splits[part]) for part in ("train", "val", "test")] == list(sizes)
    whole = data.split("all")
    assert whole.images.shape == (sum(sizes), *shape) and whole.images.dtype == np.uint8
    assert whole.images.mean() / 255 == pytest.approx(mean, abs=0.001) and whole.images.max() == 255
    assert len(set(whole.names)) == sum(sizes)  # no image is in two splits
    for part in data.splits.values():
        share = np.bincount(part.labels, minlength=10) / len(part)
        assert share.min() > 0.09 and share.max() < 0.11 and part.labels.dtype == np.int64


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("mnist5k", "did you mean mnist-5k"),
        ("digit", "did you mean digits"),
        ("zebra", "give a folder, or one of mnist-5k, digits, mnist, fashion-mnist"),
        ("", "no data set and no folder ''"),
        ("photos/nowhere", "no data set and no folder 'photos/nowhere': check the path"),
        ("photos.zip", "no data set and no folder 'photos.zip': check the path"),
        ("x" * 5000, "no data set and no folder"),
        ("nul\0", r"no data set and no folder 'nul\\x00'"),
        ("new\nline", r"no data set and no folder 'new\\nline'"),
    ],
)
def test_an_unknown_name_is_one_line(source, reason):
    with pytest.raises(DataError, match=reason) as refused:
        load_data(source)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(("name", "folder"), NETWORK_SETS)
@pytest.mark.parametrize("inner", ["", "{}", "{}/raw"])
def test_mnist_from_files_that_are_there(tmp_path, name, folder, inner):
    images = np.arange(60 * 4, dtype=np.uint8).reshape(60, 2, 2)
    files = write_idx_set(tmp_path / inner.format(folder), ending=".gz")
    for stem in ("train", "t10k"):
        (files / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images)))
        labels = np.arange(60, dtype=np.uint8) % 10
        (files / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels)))
    data = load_data(name, tmp_path)
    assert [len(data.splits[part]) for part in ("train", "val", "test")] == [50, 10, 60] and not data.divided
    assert data.class_names[9] == ("9" if name == "mnist" else "Ankle boot")
    for part in data.splits.values():
        for image, label, path in zip(part.images, part.labels, part.names, strict=True):
            number = int(path.rsplit("/", 1)[1])
            np.testing.assert_array_equal(image, images[number])
            assert label == number % 10


def test_a_data_dir_without_the_files_is_an_error_that_names_them(tmp_path):
    with pytest.raises(DataError, match=r"the four files train-images-idx3-ubyte, .* not all there: check --data-dir"):
        load_data("mnist", tmp_path)
    write_idx_set(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(IDX_LABELS + 5))
    with pytest.raises(DataError, match="label 14 is out of range for 10 classes"):
        load_data("mnist", tmp_path)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache"


@pytest.mark.parametrize(("name", "folder"), NETWORK_SETS)
def test_without_a_network_there_is_one_clear_line(cache, monkeypatch, capfd, name, folder):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    monkeypatch.setattr(getattr(torchvision.datasets, folder), "mirrors", [address, address])
    with pytest.raises(DataError) as refused:
        load_data(name)
    text = str(refused.value)
    assert text.startswith(f"{name} is not on this machine and could not be downloaded (")
    assert "onnection refused" in text and text.endswith("give --data-dir FOLDER")
    assert len(text.splitlines()) == 1 and len(text) < 300 and "\\n" not in text
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("problem", [TimeoutError(), RuntimeError("first\nsecond \x1b[31m"), EOFError("")])
def test_whatever_the_network_raises_is_one_line(cache, monkeypatch, problem):
    def broken(*_, **__):
        raise problem

    monkeypatch.setattr(torchvision.datasets, "MNIST", broken)
    with pytest.raises(DataError, match=r"could not be downloaded \((TimeoutError|EOFError|second \\x1b\[31m)\)") as e:
        load_data("mnist")
    assert len(str(e.value).splitlines()) == 1


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_a_download_is_kept_in_the_cache_and_used_again(cache, tmp_path, monkeypatch):
    assert cache_folder() == cache
    source = write_idx_set(tmp_path / "mirror", ending=".gz")
    sums = [(path.name, hashlib.md5(path.read_bytes()).hexdigest()) for path in sorted(source.iterdir())]
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", sums)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(source))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address])
        first = load_data("mnist")
        server.shutdown()
    again = load_data("mnist")  # the server has stopped
    assert len(first.split("all")) == 10 and split_table(first) == split_table(again)
    assert {path.parent for path in cache.rglob("*ubyte*")} == {cache / "torchvision" / "MNIST" / "raw"}


@pytest.mark.parametrize("source", ["digits", "cifar10", "hf:owner/name"])
@pytest.mark.parametrize(
    ("options", "named"), [({"folders": "classes"}, "--folders"), ({"label_pattern": "(.*)"}, "--label-pattern")]
)
def test_options_about_folders_are_refused_for_named_sets(source, options, named):
    with pytest.raises(DataError, match=f"{source}: {named} is for folders of images") as refused:
        load_data(source, **options)
    assert len(str(refused.value).splitlines()) == 1
