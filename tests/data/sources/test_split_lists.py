"""Lists of images by split beside class folders, as Food-101, MIT Indoor and CUB-200 have them."""

from __future__ import annotations

import json

import pytest

from convscope.data import load_data

from ..sets import class_by_name, zip_folder
from .test_layouts import build, table

CLASSES = ("apple_pie", "ribs")
TRAIN = [f"{label}/n{i}" for label in CLASSES for i in range(4)]
TEST = [f"{label}/n{i}" for label in CLASSES for i in range(4, 6)]
WITH_SUFFIX = {"train": [f"{name}.jpg" for name in TRAIN], "test": [f"{name}.jpg" for name in TEST]}
FORMS = {
    "beside the classes": ("", {"train.txt": WITH_SUFFIX["train"], "test.txt": WITH_SUFFIX["test"]}),
    "Food-101": ("images/", {"meta/train.txt": TRAIN, "meta/test.txt": TEST}),
    "MIT Indoor": ("Images/", {"TrainImages.txt": WITH_SUFFIX["train"], "TestImages.txt": WITH_SUFFIX["test"]}),
    "documents": ("images/", {f"meta/{split}.json": [json.dumps({label: [n for n in names if n.startswith(label)]
                                                                 for label in CLASSES})]
                              for split, names in (("train", TRAIN), ("test", TEST))}),
    "one document": ("", {"splits.json": [json.dumps(WITH_SUFFIX)]}),
    "test only": ("", {"testing_list.txt": [f"./{name}.jpg" for name in TEST]}),
    "a folder around": ("food/images/", {"food/meta/train.txt": TRAIN, "food/meta/test.txt": TEST}),
    "CUB-200": (
        "images/",
        {
            "images.txt": [f"{i} {name}.jpg" for i, name in enumerate([*TRAIN, *TEST])],
            "train_test_split.txt": [f"{i} {int(i < len(TRAIN))}" for i in range(len(TRAIN) + len(TEST))],
            "image_class_labels.txt": [f"{i} 1" for i in range(12)],
            "attributes/attributes.txt": ["1 long bill"],
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_listed_test_images_are_never_trained_on(form, packed, tmp_path):
    below, lists = FORMS[form]
    root = build(tmp_path / "set", *(f"{below}{name}.jpg" for name in [*TRAIN, *TEST]))
    for name, lines in lists.items():
        table(root, name, *lines)
    data = load_data(zip_folder(tmp_path / "set.zip", root) if packed else root)
    assert data.class_names == [*CLASSES]
    assert class_by_name(data, "test") == {f"{below}{name}.jpg": name.split("/")[0] for name in TEST}
    assert data.origin.splits.startswith("list") and data.origin.splits.split()[1].rstrip(",;") in lists


def test_lists_that_contradict_each_other_are_said(tmp_path, caplog):
    root = build(tmp_path, *(f"{label}/*.jpg" for label in CLASSES))
    for name, numbers in (("train1", (0, 1)), ("test1", (2,)), ("train2", (1, 2)), ("test2", (0,))):
        table(root, f"labels/{name}.txt", *(f"{label}/{i}.jpg" for label in CLASSES for i in numbers))
    assert load_data(root).divided
    assert "name the same images for several splits; they are not used" in caplog.text


def test_what_is_no_list_of_images_is_ignored_and_doubtful_names_are_said(tmp_path, caplog):
    root = build(tmp_path, *(f"{label}/*.jpg" for label in CLASSES))
    table(root, "test.txt", "this set was tested", "by Ann")
    assert load_data(root).divided and not caplog.text
    table(root, "test.txt", "0.jpg", "1.jpg")
    assert load_data(root).divided
    assert "'0.jpg' may be any of several images; the list is not used" in caplog.text


def test_images_in_no_list_are_said(tmp_path, caplog):
    root = build(tmp_path, *(f"{name}.jpg" for name in [*TRAIN, *TEST]))
    table(root, "train.txt", *TRAIN[1:])
    table(root, "test.txt", *TEST, "apple_pie/77")
    data = load_data(root)
    assert "apple_pie/n0.jpg" not in data.split("all").names
    assert "images in no list, not used: 1 (" in caplog.text and "that name no image that is there: 1" in caplog.text
