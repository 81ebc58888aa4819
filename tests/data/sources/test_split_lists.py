"""Lists of images by split beside class folders, as Food-101, MIT Indoor and CUB-200 have them."""

from __future__ import annotations

import json
import sys

import numpy as np
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
    for name, numbers in (("train", (0, 1)), ("test", (1, 2))):
        table(root, f"labels/{name}.txt", *(f"{label}/{i}.jpg" for label in CLASSES for i in numbers))
    assert load_data(root).divided
    assert "name the same images for several splits; they are not used" in caplog.text


def test_the_first_of_several_numbered_divisions_is_used(tmp_path, caplog):
    """As in DTD, whose list of all labels of an image begins with its folder."""
    root = build(tmp_path, *(f"images/{label}/*.jpg" for label in CLASSES))
    for name, numbers in (("train1", (0, 1)), ("test1", (2,)), ("train2", (1, 2)), ("test2", (0,))):
        table(root, f"labels/{name}.txt", *(f"{label}/{i}.jpg" for label in CLASSES for i in numbers))
    one, two = CLASSES
    rows = (f"{one}/0.jpg {one}", f"{one}/1.jpg {one} {two}", f"{two}/0.jpg {two}")
    table(root, "labels/labels_joint_anno.txt", *rows)
    data = load_data(root)
    assert {*class_by_name(data, "test")} == {f"images/{label}/2.jpg" for label in CLASSES}
    said = "labels/train1.txt: 2 divisions are numbered; the first is used (labels/train1.txt, labels/test1.txt)"
    assert said in caplog.text
    assert "labels_joint_anno.txt is not used: the folder names are the classes" in caplog.text
    assert load_data(root, label_type="single").class_names == data.class_names  # as evaluate reads it
    assert load_data(root, label_type="multi").multi_label
    for name in ("train1", "test1"):
        (root / f"labels/{name}.txt").unlink()
    assert {*class_by_name(load_data(root), "test")} == {f"images/{label}/0.jpg" for label in CLASSES}


def test_lists_of_matlab_as_stanford_dogs_has_them(tmp_path, caplog, monkeypatch):
    savemat = pytest.importorskip("scipy.io").savemat
    root = build(tmp_path, *(f"Images/{label}/*.jpg" for label in CLASSES))
    (root / "lists").mkdir()
    for name, numbers in (("train_list", (0, 1)), ("test_list", (2,))):
        names = [f"{label}/{i}.jpg" for label in CLASSES for i in numbers]
        cells = np.array([[each] for each in names], dtype=object)
        savemat(root / f"lists/{name}.mat", {"annotation_list": cells, "file_list": cells, "labels": np.ones((3, 1))})
    assert {*class_by_name(load_data(root), "test")} == {f"Images/{label}/2.jpg" for label in CLASSES}
    assert not [line for line in caplog.text.splitlines() if "_list.mat" in line]
    (root / "lists/test_list.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    load_data(root)
    assert "test_list.mat: cannot be read as a MATLAB file" in caplog.text
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    load_data(root)
    assert "test_list.mat: this list of images is read with SciPy only: pip install scipy" in caplog.text


def test_outlines_that_lie_like_the_images_are_no_class(tmp_path):
    """As the segmentations of CUB-200, which is unpacked beside them."""
    root = build(tmp_path, *(f"CUB/images/{label}/*.jpg" for label in CLASSES))
    build(root, *(f"segmentations/{label}/*.png" for label in CLASSES))
    assert load_data(root).class_names == [*CLASSES]


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
