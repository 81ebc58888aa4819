"""Tar shards: what is written is read again, and what WebDataset writes is read the same way."""

from __future__ import annotations

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.cli import main
from convscope.data.datasets import load_data
from convscope.data.decoded import decode_data
from convscope.data.preprocess import Preprocess
from convscope.data.write_shards import write_shards
from convscope.errors import DataError, OutputError

GRAY = Preprocess((1, 28, 28), (0.5,), (0.5,))


def jpeg(value: int, size: int = 12) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((size, size), 20).point(lambda p: (p + value) % 256).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def shard(path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def images_of(part) -> list[tuple[bytes, int]]:
    """Pixels and label of each image, sorted."""
    return sorted((image.numpy().tobytes(), int(y)) for image, y in zip(part.pixels, part.labels, strict=True))


@pytest.fixture
def digits(tmp_path):
    write_shards(load_data("digits"), tmp_path / "shards", 40_000)
    return tmp_path / "shards"


def test_digits_come_back_pixel_for_pixel(digits):
    before, after = load_data("digits"), load_data(digits)
    assert after.class_names == before.class_names and len(list(digits.glob("*.tar"))) > 5
    assert "labels in" in str(after.origin) and "names of the shards" in str(after.origin)
    old, new = decode_data(before, GRAY), decode_data(after, GRAY)
    for name, part in old.items():
        key = [
            bytes(image.numpy().tobytes()) + bytes([label])
            for image, label in zip(part.pixels, part.labels, strict=True)
        ]
        own = new[name]
        got = [
            bytes(image.numpy().tobytes()) + bytes([label]) for image, label in zip(own.pixels, own.labels, strict=True)
        ]
        assert sorted(key) == sorted(got)


def test_files_are_copied_byte_for_byte_and_several_labels_stay(tmp_path):
    images = {f"{i}.jpg": jpeg(40 * i) for i in range(6)}
    (tmp_path / "photos").mkdir()
    rows = ["path,labels"]
    for number, (name, content) in enumerate(images.items()):
        (tmp_path / "photos" / name).write_bytes(content)
        rows.append(f"{name},{['cat|dog', 'cat', 'dog'][number % 3]}")
    (tmp_path / "photos" / "labels.csv").write_text("\n".join(rows))
    data = load_data(tmp_path / "photos", label_type="multi")
    written = write_shards(data, tmp_path / "out", 10**6)
    assert written.images == 6 and not written.skipped
    found = load_data(tmp_path / "out")
    assert found.multi_label and found.class_names == ["cat", "dog"]
    contents = {item.read() for split in found.splits.values() for item in split.images}
    assert contents == set(images.values())
    counts = [sum(column) for column in zip(*(np.sum(s.labels, 0) for s in found.splits.values()), strict=True)]
    assert counts == [4, 4]


def test_a_shard_that_is_missing_or_cut_is_named(digits):
    one = sorted(digits.glob("train-*.tar"))[1]
    content = one.read_bytes()
    one.write_bytes(content[:-3000])
    with pytest.raises(DataError, match=r"train-000001.tar: [\d,]+ bytes instead of [\d,]+: copy it again"):
        load_data(digits)
    one.unlink()
    with pytest.raises(DataError, match=r"the shard train-000001\.tar is missing"):
        load_data(digits)
    (digits / "shards.json").write_text("{")
    with pytest.raises(DataError, match=r"shards.json: damaged"):
        load_data(digits)


def test_shards_without_their_index_keep_the_names_of_the_classes(tmp_path):
    for i in range(8):
        (tmp_path / "photos" / f"{i % 2}-蚂蚁").mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / f"{i % 2}-蚂蚁" / f"{i}.jpg").write_bytes(jpeg(40 * i))
    write_shards(load_data(tmp_path / "photos"), tmp_path / "out", 10**6)
    (tmp_path / "out" / "shards.json").unlink()
    assert load_data(tmp_path / "out").class_names == ["0-蚂蚁", "1-蚂蚁"]


def test_what_webdataset_writes_is_read(tmp_path):
    for number, split in enumerate(("train", "train", "val")):
        files = {}
        for i in range(6):
            files |= {f"{number}{i:04d}.jpg": jpeg(i), f"{number}{i:04d}.cls": str(i % 2).encode()}
        shard(tmp_path / f"imagenet-{split}-{number:06d}.tar", files)
    data = load_data(tmp_path)
    assert data.class_names == ["0", "1"] and {k: len(v) for k, v in data.splits.items()} == {"train": 12, "val": 6}
    single = load_data(tmp_path / "imagenet-val-000002.tar")
    assert sum(map(len, single.splits.values())) == 6
    (tmp_path / "deep" / "train").mkdir(parents=True)
    (tmp_path / "imagenet-val-000002.tar").rename(tmp_path / "deep" / "train" / "000.tar")
    assert len(load_data(tmp_path / "deep").splits["train"]) >= 2


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.jpg": jpeg(1)}, "a has no label: expected a.cls or .json"),
        ({"a.jpg": jpeg(1), "a.mask.png": jpeg(2), "a.cls": b"1"}, "a has 2 images"),
        ({"a.jpg": jpeg(1), "a.cls": b" "}, "a has an empty label"),
        ({"a.jpg": jpeg(1), "a.json": b"{"}, ".json is damaged"),
        ({"a.jpg": jpeg(1), "a.json": json.dumps({"caption": "x"}).encode()}, "no field `label`"),
    ],
)
def test_a_shard_without_clear_labels_is_one_line(tmp_path, files, words):
    shard(tmp_path / "train-000000.tar", files)
    with pytest.raises(DataError, match=words):
        load_data(tmp_path)


def test_class_tars_are_no_shards(tmp_path):
    """ImageNet's own archives are called by their class: n01440764.tar."""
    shard(tmp_path / "n01440764.tar", {"n01440764_1.JPEG": jpeg(1)})
    with pytest.raises(DataError, match="it holds archives"):
        load_data(tmp_path)


def test_the_command_writes_what_train_reads(tmp_path, capsys):
    assert main(["shard", "digits", "--output", str(tmp_path / "s"), "--shard-size", "0.2"]) == 0
    assert "1,797 images in" in capsys.readouterr().out
    assert main(["shard", "digits", "--output", str(tmp_path / "s")]) == OutputError.exit_code
    assert "is not an empty folder" in capsys.readouterr().err
    run = cs.train(tmp_path / "s", "lenet_relu", epochs=2, output=tmp_path, show=False)
    assert run.metrics["test"]["n"] == 269 and run.metrics["test"]["top1"] > 0.5
