"""Class folders: the class and split of each file, what is refused, what is warned about, and nothing is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from convscope.data import load_data
from convscope.errors import DataError

from .. import hostile
from ..hostile import small, write
from ..sets import class_by_name, make_folders

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
def test_folders_that_cannot_be_trained_on_are_refused(case, tmp_path, load):
    counts, reason = REFUSED[case]
    with pytest.raises(DataError, match=reason) as refused:
        load(make_folders(tmp_path, counts))
    assert refused.value.exit_code == 3 and len(str(refused.value).splitlines()) == 1
    assert str(tmp_path) in str(refused.value)


WARNED = {
    "a split lacks a class": ({"train/a": 3, "train/b": 3, "val/a": 2}, "val has no image of b"),
    "one image": ({"a": 4, "b": 1}, "class 'b' has one image"),
    "letter case": ({"Cat": 3, "cat": 3}, "differ only in upper and lower case: Cat"),
    "imbalance": ({"a": 64, "b": 3}, "strong imbalance, 64 images of 'a' and 3 of 'b'"),
    "no validation": ({"train/a": 8, "train/b": 8, "test/a": 2, "test/b": 2}, "no validation images: some of the"),
    "an extra folder": (
        {"train/a": 2, "train/b": 2, "val/a": 1, "val/b": 1, "notes": 1},
        "folder 'notes' is not a split",
    ),
    "a split without classes": (
        {"train/a": 4, "train/b": 4, "test": 3},
        "folder 'test' holds images without labels and is not used",
    ),
}


@pytest.mark.parametrize("case", WARNED)
def test_unusual_folders_are_warned_about_and_used(case, tmp_path, load, caplog):
    counts, warning = WARNED[case]
    data, parts = load(make_folders(tmp_path, counts))
    assert warning in caplog.text
    assert all(len(part) for part in data.splits.values())
    used = sum(count for folder, count in counts.items() if folder not in ("notes", "test"))
    assert sum(map(len, parts.values())) == len(data.split("all")) == used


def test_an_ordinary_folder_is_loaded_without_a_warning(tmp_path, load, caplog):
    data, parts = load(make_folders(tmp_path, {"b": 10, "a": 20, "deep/er": 10}))
    assert data.class_names == ["a", "b", "deep"] and data.divided and data.channels == 1
    assert {name: len(part) for name, part in parts.items()} == {"train": 26, "val": 7, "test": 7}
    assert all(set(part.labels.tolist()) == {0, 1, 2} for part in parts.values())
    assert caplog.text == ""


def test_labels_follow_the_name_and_not_the_position(tmp_path, load):
    counts = {"train/cat": 2, "train/dog": 2, "train/eel": 2, "Validation/dog": 2, "test/eel": 1, "test/cat": 1}
    data, _ = load(make_folders(tmp_path, counts))
    assert set(class_by_name(data, "val").values()) == {"dog"}
    assert class_by_name(data, "test") == {"test/cat/000.png": "cat", "test/eel/000.png": "eel"}


def test_a_named_split_that_is_missing_is_refused(tmp_path, load):
    data, _ = load(make_folders(tmp_path, {"train/a": 2, "train/b": 2, "val/a": 1, "val/b": 1}))
    with pytest.raises(DataError, match="has no split 'test'; it has train, val"):
        data.split("test")


def test_a_class_may_be_called_train(tmp_path, load):
    data, _ = load(make_folders(tmp_path, {"train": 3, "plane": 3, "ship": 3}))
    assert data.class_names == ["plane", "ship", "train"]


@pytest.mark.parametrize(
    "counts",
    [
        {"train": 3, "test": 3, "plane": 3},
        {"test": 3, "cat": 3, "dog": 3},
        {"train/steam": 3, "train/diesel": 3, "plane": 3},
    ],
)
def test_folders_that_may_be_splits_or_classes_are_refused_with_the_option_that_chooses(counts, tmp_path):
    root = make_folders(tmp_path, counts)
    with pytest.raises(DataError, match=r"either .* are splits, or they are classes like .*--folders classes"):
        load_data(root)
    assert load_data(root, folders="classes").class_names == sorted({name.split("/")[0] for name in counts})


def test_loose_images_are_counted_and_not_used(tmp_path, load, caplog):
    root = make_folders(tmp_path, {"a": 3, "b": 3, ".": 2})
    data, _ = load(root)
    assert len(data.split("all")) == 6 and "2 images lie outside the class folders" in caplog.text
    caplog.clear()
    load(make_folders(tmp_path / "splits", {"train/a": 3, "train/b": 3, "val/a": 1, "val/b": 1, "train": 1, ".": 1}))
    assert caplog.text.count("1 images lie outside") == 2


def test_a_broken_file_does_not_make_gray_images_colour(tmp_path, load):
    root = make_folders(tmp_path, {"a": 6, "b": 6})
    write(root / "a/broken.png", b"no image")
    assert load(root)[0].channels == 1
    write(root / "a/colour.png", hostile.USED["rgb.jpg"][0])
    assert load_data(root).channels == 3


def test_an_image_is_not_a_data_set(tmp_path):
    write(tmp_path / "photo.png", small(1))
    with pytest.raises(DataError, match="is a file: give a folder"):
        load_data(tmp_path / "photo.png")


@pytest.mark.parametrize(("mode", "names"), [("L", ["A", "b"]), ("RGB", ["3", "8"]), ("RGB", ["猫", "狗"])])
def test_names_of_one_character_do_not_make_photos_digits(tmp_path, mode, names):
    for name in names:
        (tmp_path / name).mkdir()
        for i in range(8):
            Image.new("L", (9, 9), 20 * i).convert(mode).save(tmp_path / name / f"{i}.png")
    data = load_data(tmp_path)
    assert data.kind == "photos" and "--kind digits" in data.origin.kind
    given = load_data(tmp_path, kind="digits")
    assert given.kind == "digits" and given.origin.kind == "digits (given)"


def test_folder_names_are_compared_after_composing_and_trimming(tmp_path):
    data = load_data(make_folders(tmp_path, {"train/caf\u00e9": 2, "train/tea": 2, "val/cafe\u0301": 1, "val/tea ": 1}))
    assert data.class_names == ["caf\u00e9", "tea"] and len(data.splits["val"]) == 2


@pytest.mark.parametrize(("first", "second"), [("cat", "c\u0430t"), ("cat", "\uff43at"), ("a b", "a  b")])
def test_class_names_that_look_alike_are_warned_about(first, second, tmp_path, caplog):
    load_data(make_folders(tmp_path, {first: 2, second: 2, "dog": 2}))
    assert "class names look alike but are spelled with different characters" in caplog.text


def test_folder_names_that_are_not_utf8_are_decoded(tmp_path):
    make_folders(tmp_path, {"dog": 2})
    label = "训练集里的猫和狗我们要分辨"
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + label.encode("gb18030")))
    for i in range(2):
        write(folder / f"{i}.png", small(50 + i))
    assert load_data(tmp_path).class_names == ["dog", label]


NO_IMAGES = {
    "a/1.dcm": "1 file in .dcm \\(DICOM\\), which is not read: save the images as PNG or JPEG",
    "cat/IMG_0001": "the names of 1 files have no ending such as .jpg: add it",
}


@pytest.mark.parametrize("name", NO_IMAGES)
def test_files_of_other_kinds_are_named_where_there_is_no_image(name, tmp_path):
    write(tmp_path / name, b"x")
    with pytest.raises(DataError, match=f"no images found: {NO_IMAGES[name]}"):
        load_data(tmp_path)
