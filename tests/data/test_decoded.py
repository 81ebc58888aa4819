"""Decoding data sets: what is skipped, what is refused, and the same result whatever the threads do."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
import torch

from convscope.data import Preprocess, decoded, load_data
from convscope.data.decoded import decode_data
from convscope.data.decoding.decoded_image import decode_image
from convscope.data.image_file import read_image
from convscope.data.split import split_table
from convscope.errors import DataError

from . import hostile
from .hostile import USED, small, write, write_all
from .sets import make_folders

SMALL = Preprocess((1, 8, 8))


def decode_folder(root):
    return decode_data(load_data(root), SMALL)


def test_a_class_without_a_usable_image_is_refused(tmp_path):
    root = make_folders(tmp_path, {"a": 6, "b": 0})
    for i in range(6):
        write(root / "b" / f"{i}.png", b"no image")
    with pytest.raises(DataError, match="class 'b' has no usable training image"):
        decode_folder(root)


def test_files_that_vanish_or_change_after_the_folder_was_read_are_skipped(tmp_path):
    data = load_data(make_folders(tmp_path, {"a": 6, "b": 6}))
    gone, cut, pipe = data.splits["train"].images[:3]
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:30])
    pipe.unlink()
    os.mkfifo(pipe)
    part = decode_data(data, SMALL)["train"]
    assert [name for name, _ in part.skipped] == data.splits["train"].names[:3]
    assert part.names == data.splits["train"].names[3:]


def test_the_order_of_the_files_on_disk_changes_nothing(tmp_path):
    first, second = tmp_path / "1", tmp_path / "2"
    make_folders(first, {"a": 9, "b": 9})
    for path in sorted(first.rglob("*.png"), reverse=True):
        write(second / path.relative_to(first), path.read_bytes())
    assert split_table(load_data(first)) == split_table(load_data(second))
    one, two = decode_folder(first), decode_folder(second)
    for name in ("train", "val", "test"):
        assert torch.equal(one[name].pixels, two[name].pixels) and torch.equal(one[name].labels, two[name].labels)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_files_and_contents_are_decoded_in_order_as_if_one_by_one(tmp_path):
    write_all(tmp_path, USED)
    preprocess = Preprocess((3, 24, 24), mean=(0.5,) * 3, std=(0.5,) * 3, crop_mode="squash")
    paths = [tmp_path / name for name in USED]
    alone = [preprocess.pixels(read_image(path)) for path in paths]
    files = [decode_image(path, preprocess) for path in paths]
    contents = [decode_image(path.read_bytes(), preprocess) for path in paths]
    for file, content, expected in zip(files, contents, alone, strict=True):
        assert (file.pixels == expected.permute(1, 2, 0).numpy()).all() and (file.pixels == content.pixels).all()
        assert file.digest == content.digest
    assert decode_image(tmp_path / "gone.png", preprocess) == "no such file"


def test_an_array_is_decoded_as_the_same_images_in_files_are(tmp_path):
    root = make_folders(tmp_path, {"a": 4, "b": 4})
    split = load_data(root).split("all")
    arrays = np.stack([np.asarray(read_image(path)) for path in split.images])
    from_files = decoded.decode_split(split, SMALL)
    from_array = decoded.decode_split(type(split)(arrays, split.labels, split.names), SMALL)
    assert torch.equal(from_files.pixels, from_array.pixels) and torch.equal(from_files.labels, from_array.labels)


def test_splits_without_a_usable_image_are_left_out(tmp_path):
    root = make_folders(tmp_path, {"train/a": 3, "train/b": 3, "val/a": 1})
    (root / "val/a/000.png").write_bytes(b"no image")
    assert set(decode_folder(root)) == {"train"}


def test_a_picture_that_does_not_fit_into_memory_is_skipped(tmp_path, monkeypatch):
    write(tmp_path / "a.png", small(1))
    monkeypatch.setattr(Preprocess, "array", lambda *_: (_ for _ in ()).throw(MemoryError))
    assert decode_image(tmp_path / "a.png", SMALL) == "does not fit into memory"


def test_copies_under_two_labels_and_in_two_splits_are_named(tmp_path, load, caplog):
    root = make_folders(tmp_path, {"train/a": 3, "train/b": 3, "val/a": 1, "val/b": 1})
    shutil.copy(root / "train/a/000.png", root / "train/b/again.png")
    shutil.copy(root / "train/a/001.png", root / "val/a/again.png")
    load(root)
    assert "the same image under two labels: train/a/000.png and train/b/again.png" in caplog.text
    assert "the same image in two splits: train/a/001.png and val/a/again.png" in caplog.text
    assert caplog.text.count("the same image") == 2


@pytest.mark.timeout(60)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_hostile_files_are_skipped_and_named_once_and_the_rest_is_used(tmp_path, load, caplog):
    root = tmp_path / "set"
    hostile.write_all(root / "good", {**hostile.USED, **hostile.SKIPPED})
    make_folders(root, {"special": 3})
    special = hostile.write_special(root / "special")
    write(root / "special/new\nline.png", b"\x89PNG")
    _, parts = load(root)
    expected = {f"good/{name}" for name in hostile.SKIPPED}
    expected |= {f"special/{name}" for name in [*special, "new\nline.png"]}
    assert {name for part in parts.values() for name, _ in part.skipped} == expected
    assert sum(map(len, parts.values())) == len(hostile.USED) + 3
    lines = [record.getMessage() for record in caplog.records if "skipped " in record.getMessage()]
    named = [line for line in lines if line.startswith("skipped ")]
    assert len(named) == len(expected) and all(len(line.splitlines()) == 1 for line in lines)
    assert sum("skipped special/new\\nline.png: " in line for line in named) == 1
    assert f"{len(expected)} files skipped in all" in lines
    for part in parts.values():
        assert len(part.pixels) == len(part.labels) == len(part.names) == len(part.digests)


def test_files_that_change_in_any_way_before_they_are_read_are_skipped_or_used_as_they_are(tmp_path):
    root = make_folders(tmp_path, {"a": 6, "b": 6})
    data = load_data(root)
    paths = data.splits["train"].images
    paths[0].unlink()
    paths[1].write_bytes(b"")
    paths[2].write_bytes(hostile.SKIPPED["cut-50.png"][0])
    paths[3].write_bytes(small(4711))
    paths[4].unlink()
    paths[4].symlink_to("nowhere")
    parts = decode_data(data, SMALL)
    reasons = [reason for _, reason in parts["train"].skipped]
    assert len(reasons) == 4 and reasons[:2] == ["no such file", "empty file"] and "damaged" in reasons[2]
    assert reasons[3] == "link to a file that does not exist" and len(parts["train"]) == len(paths) - 4
