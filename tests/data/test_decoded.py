"""From files to pixels in memory: what is skipped, what is refused, and what several threads must not change."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

from convscope.data import Preprocess, decoded, load_data
from convscope.data.decoded import decode_data, decode_files
from convscope.data.image_file import read_image
from convscope.data.split import split_table
from convscope.errors import DataError

from .hostile import USED, small, write, write_all
from .sources.test_class_folders import tree

SMALL = Preprocess((1, 8, 8))


def load_everything(root):
    data = load_data(root)
    return decode_data(data, SMALL)


def test_a_class_without_a_usable_image_is_refused(tmp_path):
    root = tree(tmp_path, {"a": 6, "b": 0})
    for i in range(6):
        write(root / "b" / f"{i}.png", b"no image")
    with pytest.raises(DataError, match="class 'b' has no usable training image"):
        load_everything(root)


def test_files_that_vanish_or_change_after_the_folder_was_read_are_skipped(tmp_path):
    data = load_data(tree(tmp_path, {"a": 6, "b": 6}))
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
    tree(first, {"a": 9, "b": 9})
    for path in sorted(first.rglob("*.png"), reverse=True):
        write(second / path.relative_to(first), path.read_bytes())
    assert split_table(load_data(first)) == split_table(load_data(second))
    one, two = load_everything(first), load_everything(second)
    for name in ("train", "val", "test"):
        assert torch.equal(one[name].pixels, two[name].pixels) and torch.equal(one[name].labels, two[name].labels)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_files_and_contents_come_back_in_order_as_if_read_one_by_one(tmp_path):
    write_all(tmp_path, USED)
    preprocess = Preprocess((3, 24, 24), mean=(0.5,) * 3, std=(0.5,) * 3, crop_mode="squash")
    paths = [tmp_path / name for name in USED]
    alone = [preprocess.pixels(read_image(path)) for path in paths]
    files = list(decode_files([*paths, tmp_path / "gone.png"], preprocess))
    contents = list(decode_files([path.read_bytes() for path in paths], preprocess))
    assert files.pop() == "no such file" and len(files) == len(contents) == len(alone)
    for (pixels, digest), (again, same), expected in zip(files, contents, alone, strict=True):
        assert torch.equal(pixels, expected) and torch.equal(again, expected) and digest == same


def test_an_array_is_decoded_as_the_same_images_in_files_are(tmp_path):
    root = tree(tmp_path, {"a": 4, "b": 4})
    split = load_data(root).split("all")
    arrays = np.stack([np.asarray(read_image(path)) for path in split.images])
    from_files = decoded.decode_split(split, SMALL)
    from_array = decoded.decode_split(type(split)(arrays, split.labels, split.names), SMALL)
    assert torch.equal(from_files.pixels, from_array.pixels) and torch.equal(from_files.labels, from_array.labels)


def test_splits_without_a_usable_image_are_left_out(tmp_path):
    root = tree(tmp_path, {"train/a": 3, "train/b": 3, "val/a": 1})
    (root / "val/a/000.png").write_bytes(b"no image")
    assert set(load_everything(root)) == {"train"}


def test_a_picture_that_memory_does_not_hold_is_skipped(tmp_path, monkeypatch):
    write(tmp_path / "a.png", small(1))
    monkeypatch.setattr(Preprocess, "array", lambda *_: (_ for _ in ()).throw(MemoryError))
    assert list(decode_files([tmp_path / "a.png"], SMALL)) == ["does not fit into memory"]
