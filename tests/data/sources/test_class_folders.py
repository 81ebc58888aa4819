"""Folders of images: which file is which class and split, what is refused, what is only said, and nothing written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from convscope.data import Preprocess, load_data
from convscope.data.decoded import decode_data
from convscope.data.sources.file_tree import image_files
from convscope.data.split import redivide, split_table
from convscope.errors import DataError

from .. import hostile
from ..hostile import small, write

SMALL = Preprocess((1, 8, 8))


def tree(root: Path, counts: dict[str, int], start: int = 0) -> Path:
    """Folders below `root` with so many pictures each, all of them different."""
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            start += 1
            write(root / folder / f"{i:03d}.png", small(start))
    return root


def labelled(data, split: str) -> dict[str, str]:
    """name -> class, for one split."""
    part = data.split(split)
    return {name: data.class_names[label] for name, label in zip(part.names, part.labels, strict=True)}


@pytest.fixture
def load():
    """Load and decode a folder, and see to it that nothing in it was written, whatever becomes of it."""

    def load(root: Path):
        before = hostile.snapshot(root)
        try:
            data = load_data(root)
            return data, decode_data(data, SMALL)
        finally:
            assert hostile.snapshot(root) == before

    return load


REFUSED = {
    "nothing": ({}, "no images found"),
    "empty classes": ({"a": 0, "b": 0}, "no images found"),
    "one class": ({"a": 3}, "only one class, 'a'"),
    "an empty class": ({"a": 3, "b": 0}, "class 'b' has no image"),
    "an empty class in train": ({"train/a": 3, "train/b": 0, "val/b": 1}, "class 'b' has no image in train"),
    "a class that train lacks": ({"train/a": 3, "train/b": 3, "val/c": 1}, "class 'c' is in val but not in train"),
    "the same in test": ({"train/a": 3, "train/b": 3, "test/c": 1}, "class 'c' is in test but not in train"),
    "no train": ({"val/a": 2, "test/a": 2}, "but no train folder"),
    "two validations": ({"train/a": 2, "train/b": 2, "val/a": 1, "valid/a": 1}, "val and valid are both the val split"),
    "one class in splits": ({"train/a": 3, "val/a": 3}, "only one class"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_learned_from_is_refused(case, tmp_path, load):
    counts, reason = REFUSED[case]
    with pytest.raises(DataError, match=reason) as refused:
        load(tree(tmp_path, counts))
    assert refused.value.exit_code == 3 and len(str(refused.value).splitlines()) == 1
    assert str(tmp_path) in str(refused.value)


WARNED = {
    "a split lacks a class": ({"train/a": 3, "train/b": 3, "val/a": 2}, "val has no image of b"),
    "one image": ({"a": 4, "b": 1}, "class 'b' has one image"),
    "letter case": ({"Cat": 3, "cat": 3}, "differ only in upper and lower case: Cat"),
    "imbalance": ({"a": 64, "b": 3}, "strong imbalance, 64 images of 'a' and 3 of 'b'"),
    "no validation": ({"train/a": 8, "train/b": 8, "test/a": 2, "test/b": 2}, "no validation images; 2 of the"),
    "an extra folder": ({"train/a": 2, "train/b": 2, "val/a": 1, "val/b": 1, "notes": 1}, "'notes' is no split"),
    "a split without classes": (
        {"train/a": 4, "train/b": 4, "test": 3},
        "test has no image of a class and is not used",
    ),
}


@pytest.mark.parametrize("case", WARNED)
def test_what_is_odd_is_said_and_used(case, tmp_path, load, caplog):
    counts, warning = WARNED[case]
    data, parts = load(tree(tmp_path, counts))
    assert warning in caplog.text
    assert all(len(part) for part in data.splits.values())
    used = sum(count for folder, count in counts.items() if folder not in ("notes", "test"))
    assert sum(map(len, parts.values())) == len(data.split("all")) == used


def test_a_folder_without_faults_is_loaded_without_a_word(tmp_path, load, caplog):
    data, parts = load(tree(tmp_path, {"b": 10, "a": 20, "deep/er": 10}))
    assert data.class_names == ["a", "b", "deep"] and data.divided and data.channels == 1
    assert {name: len(part) for name, part in parts.items()} == {"train": 26, "val": 7, "test": 7}
    assert all(set(part.labels.tolist()) == {0, 1, 2} for part in parts.values())
    assert caplog.text == ""


def test_labels_follow_the_name_and_not_the_position(tmp_path, load):
    counts = {"train/cat": 2, "train/dog": 2, "train/eel": 2, "Validation/dog": 2, "test/eel": 1, "test/cat": 1}
    data, _ = load(tree(tmp_path, counts))
    assert set(labelled(data, "val").values()) == {"dog"}
    assert labelled(data, "test") == {"test/cat/000.png": "cat", "test/eel/000.png": "eel"}


def test_a_named_split_that_is_missing_is_refused(tmp_path, load):
    data, _ = load(tree(tmp_path, {"train/a": 2, "train/b": 2, "val/a": 1, "val/b": 1}))
    with pytest.raises(DataError, match="has no split 'test'; it has train, val"):
        data.split("test")


@pytest.mark.parametrize("others", [("plane", "ship"), ("test", "val"), ("plane", "test")])
def test_a_class_may_be_called_train(others, tmp_path, load):
    data, _ = load(tree(tmp_path, {"train": 3, others[0]: 3, others[1]: 3}))
    assert data.class_names == sorted(["train", *others])


def test_a_class_called_train_may_have_folders_in_it(tmp_path, load):
    data, _ = load(tree(tmp_path, {"train/steam": 3, "train/diesel": 3, "plane": 3}))
    assert data.class_names == ["plane", "train"] and len(data.split("all")) == 9


def test_copies_under_two_labels_and_in_two_splits_are_named(tmp_path, load, caplog):
    root = tree(tmp_path, {"train/a": 3, "train/b": 3, "val/a": 1, "val/b": 1})
    shutil.copy(root / "train/a/000.png", root / "train/b/again.png")
    shutil.copy(root / "train/a/001.png", root / "val/a/again.png")
    load(root)
    assert "the same image under two labels: train/a/000.png and train/b/again.png" in caplog.text
    assert "the same image in two splits: train/a/001.png and val/a/again.png" in caplog.text
    assert caplog.text.count("the same image") == 2


def test_loose_images_are_counted_and_not_used(tmp_path, load, caplog):
    root = tree(tmp_path, {"a": 3, "b": 3, ".": 2})
    data, _ = load(root)
    assert len(data.split("all")) == 6 and "2 images lie outside the class folders" in caplog.text
    caplog.clear()
    load(tree(tmp_path / "splits", {"train/a": 3, "train/b": 3, "val/a": 1, "val/b": 1, "train": 1, ".": 1}))
    assert caplog.text.count("1 images lie outside") == 2


def test_links_are_followed_out_of_the_tree_and_never_round(tmp_path, load, caplog):
    pool = tree(tmp_path / "pool", {"more": 2, "single": 2}, start=500)
    root = tree(tmp_path / "set", {"a": 2, "b": 2})
    (root / "a/more").symlink_to(pool / "more")
    (root / "a/more again").symlink_to(pool / "more")
    (pool / "more/up").symlink_to("..")
    (root / "b/one.png").symlink_to(pool / "single/000.png")
    (root / "b/one again.png").symlink_to(pool / "single/000.png")
    (root / "a/same.png").symlink_to("000.png")  # its own class
    (root / "a/up").symlink_to("..")
    (root / "b/self").symlink_to(".")
    (root / "b/across").symlink_to("../a")
    (root / "all").symlink_to(".")
    (root / "ring1").symlink_to("ring2")
    (root / "ring2").symlink_to("ring1")
    data, _ = load(root)
    own = [f"{c}/{i:03d}.png" for c in "ab" for i in range(2)]
    followed = ["a/more/000.png", "a/more/001.png", "b/one again.png"]
    assert labelled(data, "all") == {name: name[0] for name in own + followed}
    assert "3 links lead out of the folder" in caplog.text
    assert caplog.text.count("b/across: link to a folder of the same data set, not followed") == 1
    assert caplog.text.count("not followed") == 1
    assert len(image_files(root)) == 7


def test_a_folder_that_is_itself_a_link_and_one_of_many_levels(tmp_path, load, caplog):
    root = tree(tmp_path / "set", {"a": 2, "b": 2})
    deep = root / "b"
    for _ in range(300):
        deep = deep / "d"
    write(deep / "x.png", small(900))
    (tmp_path / "link").symlink_to(root)
    data, _ = load(tmp_path / "link")
    assert len(data.split("all")) == 5 and "link" not in caplog.text.replace(str(tmp_path), "")


def test_ignored_files_and_any_name(tmp_path, load, caplog):
    root = tree(tmp_path, {"a b": 3, "c\nd": 3})
    for i, name in enumerate(hostile.NAMES):
        write(root / "a b" / name, small(100 + i))
    for name in hostile.IGNORED:
        write(root / "a b" / name, small(1000))
        write(root / name, small(1000))
    data, parts = load(root)
    assert set(labelled(data, "all")) == {
        *(f"{folder}/{i:03d}.png" for folder in ("a b", "c\nd") for i in range(3)),
        *(f"a b/{name}" for name in hostile.NAMES),
    }
    assert not any(part.skipped for part in parts.values()) and caplog.text == ""
    again = redivide(load_data(root), split_table(data))
    assert {k: v.names for k, v in again.splits.items()} == {k: v.names for k, v in data.splits.items()}
    assert all(again.splits[k].labels.tolist() == v.labels.tolist() for k, v in data.splits.items())


@pytest.mark.timeout(60)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_hostile_files_are_skipped_and_named_once_and_the_rest_is_used(tmp_path, load, caplog):
    root = tmp_path / "set"
    hostile.write_all(root / "good", {**hostile.USED, **hostile.SKIPPED})
    tree(root, {"special": 3})
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


def test_a_broken_file_does_not_make_gray_images_colour(tmp_path, load):
    root = tree(tmp_path, {"a": 6, "b": 6})
    write(root / "a/broken.png", b"no image")
    assert load(root)[0].channels == 1
    write(root / "a/colour.png", hostile.USED["rgb.jpg"][0])
    assert load_data(root).channels == 3


def test_what_is_no_folder(tmp_path):
    write(tmp_path / "photo.png", small(1))
    with pytest.raises(DataError, match="is a file: give a folder"):
        load_data(tmp_path / "photo.png")


@pytest.mark.parametrize(
    ("mode", "names", "kind"),
    [
        ("L", ["3", "8"], "digits"), ("L", ["A", "b"], "digits"), ("L", ["一", "二"], "digits"),
        ("L", ["cat", "8"], "photos"), ("RGB", ["3", "8"], "digits"), ("RGB", ["猫", "狗"], "photos"),
    ],
)  # fmt: skip
def test_classes_called_by_one_sign_are_signs(tmp_path, mode, names, kind):
    """They must not be mirrored; cats and dogs in colour may be."""
    for name in names:
        (tmp_path / name).mkdir()
        for i in range(8):
            Image.new("L", (9, 9), 20 * i).convert(mode).save(tmp_path / name / f"{i}.png")
    assert load_data(tmp_path).kind == kind
