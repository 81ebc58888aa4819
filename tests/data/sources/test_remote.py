"""Shards elsewhere: in memory as in an object store, and on a web server; the same images as those on the disk."""

from __future__ import annotations

import http.server
import itertools
import os
import signal
import threading
from functools import partial
from pathlib import Path

import fsspec
import pytest
import torch
from PIL import Image

import convscope as cs
from convscope.data.datasets import load_data
from convscope.data.image_file import UnreadableImage
from convscope.data.sources import remote
from convscope.data.write_shards import write_shards
from convscope.errors import DataError, Interrupted
from convscope.training.loop.trainer import Trainer


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("remote") / "digits"
    write_shards(load_data("digits"), folder, 400_000)
    return folder


@pytest.fixture
def store(shards):
    """The address of a copy in memory, which behaves like an object store."""
    files = fsspec.filesystem("memory")
    files.put(str(shards), "/bucket/digits", recursive=True)
    yield "memory://bucket/digits"
    files.rm("/bucket", recursive=True)


class Ranges(http.server.SimpleHTTPRequestHandler):
    """A web server that gives parts of files, as real ones do, and fails now and then."""

    failures = 0
    served: list[tuple[str, int]] = []  # noqa: RUF012

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if Ranges.failures > 0:
            Ranges.failures -= 1
            return self.send_error(503)
        if not path.is_file():
            return self.send_error(404)
        content = path.read_bytes()
        start, end = 0, len(content)
        if wanted := self.headers.get("Range"):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last) + 1, end)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(end - start))
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        self.wfile.write(content[start:end])
        Ranges.served.append((path.name, end - start))
        return None

    def log_message(self, *words):
        pass


@pytest.fixture
def server(shards):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranges, directory=shards.parent)) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}/digits"
        made.shutdown()


def content_of(data) -> dict[str, list[tuple[str, int, bytes]]]:
    return {
        name: [
            (label, int(y), item.read_bytes() if isinstance(item, Path) else item.read())
            for label, y, item in zip(part.names, part.labels, part.images, strict=True)
        ]
        for name, part in data.splits.items()
    }


def test_an_object_store_and_a_server_have_the_images_of_the_disk(shards, store, server):
    expected = content_of(load_data(shards))
    assert content_of(load_data(store)) == expected
    Ranges.served.clear()
    found = load_data(server)
    read = sum(size for name, size in Ranges.served if name.endswith(".tar"))
    assert read < sum(path.stat().st_size for path in shards.glob("*.tar")) / 10  # a few images, to see if all are gray
    assert content_of(found) == expected
    assert content_of(load_data(f"file://{shards}")) == expected


def test_shards_without_an_index_are_read_through(store):
    with_index = content_of(load_data(store))
    files = fsspec.filesystem("memory")
    for path in files.ls("/bucket/digits", detail=False):
        if path.endswith((".index", ".json")):
            files.rm(path)
    assert content_of(load_data(store)) == with_index


def test_a_shard_that_is_missing_or_cut_is_named(store):
    files = fsspec.filesystem("memory")
    victim = next(path for path in files.ls("/bucket/digits", detail=False) if path.endswith("train-000000.tar"))
    whole = files.cat_file(victim)
    files.pipe_file(victim, whole[:5000])
    with pytest.raises(DataError, match=r"train-000000.tar: 5,000 bytes instead of [0-9,]+: copy it again"):
        load_data(store)
    files.rm(victim)
    with pytest.raises(DataError, match=r"the shard train-000000.tar is missing"):
        load_data(store)
    for path in files.ls("/bucket/digits", detail=False):
        if path.endswith((".index", "shards.json")):
            files.rm(path)
    files.pipe_file(victim, whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"digits/train-000000.tar: .*(cut|unexpected end)"):
        load_data(store)


@pytest.fixture
def photos(tmp_path):
    """Class folders on the disk, and the address of a copy in a store that lists a folder as an empty object."""
    for split, name, number in itertools.product(("train", "val"), ("猫", "dog"), range(3)):
        path = tmp_path / "photos" / split / name / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), (40 * number, 20 * len(name), 90 * (split == "val"))).save(path)
    files = fsspec.filesystem("memory")
    files.put(str(tmp_path / "photos"), "/lake/photos", recursive=True)
    yield tmp_path / "photos", "memory://lake/photos"
    files.rm("/lake", recursive=True)


def test_class_folders_elsewhere_have_the_images_of_the_disk(photos):
    folder, address = photos
    found = load_data(address)
    assert content_of(found) == content_of(load_data(folder))
    assert str(found.origin) == str(load_data(folder).origin)
    assert str(found.splits["val"].images[0]) == "memory://lake/photos/val/dog/0.png"


def test_tables_elsewhere_have_the_images_of_the_disk(photos):
    folder, address = photos
    lines = [f"{path.relative_to(folder)},{'even' if number % 2 else 'odd'}" for number, path in
             enumerate(sorted(folder.rglob("*.png")))]  # fmt: skip
    (folder / "labels.csv").write_text("\n".join(["file,label", *lines]))
    fsspec.filesystem("memory").put(str(folder / "labels.csv"), "/lake/photos/labels.csv")
    assert content_of(load_data(f"{address}/labels.csv")) == content_of(load_data(folder / "labels.csv"))
    with pytest.raises(DataError, match=r"photos/other.csv: there is no such file"):
        load_data(f"{address}/other.csv")


def test_an_image_elsewhere_that_goes_missing_is_named(photos):
    _, address = photos
    data = load_data(address)
    fsspec.filesystem("memory").rm("/lake/photos/train/dog/1.png")
    with pytest.raises(UnreadableImage, match="cannot be read from there"):
        next(item for item in data.splits["train"].images if str(item).endswith("dog/1.png")).read()


def test_a_server_that_fails_for_a_moment_is_asked_again(server, monkeypatch):
    monkeypatch.setattr(remote, "FIRST_PAUSE", 0.01)
    data = load_data(server)
    Ranges.failures = 2
    assert data.splits["test"].images[0].read().startswith(b"\x89PNG")
    with pytest.raises(
        DataError, match=r"nowhere: no shards.json can be read there, and a web server does not list its folders"
    ):
        load_data(f"{server}/nowhere")


def test_what_is_no_place_is_one_line(tmp_path):
    for address in ("nothing://bucket", "memory://bucket/empty", "http://127.0.0.1:9/x"):
        with pytest.raises(DataError) as problem:
            load_data(address)
        assert "\n" not in str(problem.value) and address.split("//")[1][:5] in str(problem.value)


@pytest.mark.parametrize("cache", ["off", "folder"])
def test_a_run_that_is_stopped_in_mid_epoch_goes_on_in_the_same_order(store, tmp_path, monkeypatch, cache):
    options = {
        "precision": "float32", "layout": "contiguous", "optimizer": "sgd", "lr": 0.01, "augment": "none", "epochs": 2,
        "output": tmp_path, "show": False, "cache": str(tmp_path / "cache") if cache == "folder" else "off",
    }  # fmt: skip
    whole = cs.train(store, "lenet_relu", **options)
    step = Trainer.step

    def step_and_stop(self, images, labels):
        if self.progress.epoch == 1 and self.progress.step == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, images, labels)

    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(Trainer, "step", step_and_stop)
        cs.train(store, "lenet_relu", name="stopped", **options)
    resumed = cs.resume(tmp_path / "stopped", show=False)
    for name, tensor in whole.classifier.network.state_dict().items():
        assert torch.equal(tensor, resumed.classifier.network.state_dict()[name]), name
