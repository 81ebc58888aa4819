"""Folders of annotations are no classes; sets for detection and packed sets are named as what they are."""

from __future__ import annotations

import pytest

from convscope.data import load_data
from convscope.errors import DataError

from ..hostile import write
from .test_layouts import build


@pytest.mark.parametrize(("images", "annotations"), [("Images", "Annotation"), ("images", "annotations/xmls")])
def test_annotations_beside_class_folders_are_no_class(images, annotations, tmp_path):
    root = build(tmp_path / "dogs", f"{images}/pug/*.png", f"{images}/lab/*.png")
    write(root / annotations / "pug/0.xml", b"<annotation/>")
    assert load_data(root).class_names == ["lab", "pug"]


def test_a_folder_of_annotations_beside_the_classes_is_no_class(tmp_path):
    root = build(tmp_path / "dogs", "pug/*.png", "lab/*.png")
    write(root / "annotations/0.xml", b"<annotation/>")
    assert load_data(root).class_names == ["lab", "pug"]


def test_a_class_called_labels_stays_one(tmp_path):
    assert load_data(build(tmp_path / "x", "labels/*.png", "stamps/*.png")).class_names == ["labels", "stamps"]


DETECTION = [
    (("images/*.png",), "annotations/instances.json", "annotations"),
    (("images/train/*.png", "images/val/*.png"), "labels/train/0.txt", "labels"),
    (("train/*.png", "valid/*.png"), "train/_annotations.coco.json", "_annotations.coco.json"),
    (("JPEGImages/*.png",), "Annotations/0.xml", "Annotations"),
]


@pytest.mark.parametrize(("patterns", "boxes", "named"), DETECTION, ids=lambda value: str(value)[:30])
def test_sets_for_detection_are_named_as_such(patterns, boxes, named, tmp_path):
    root = build(tmp_path / "set", *patterns)
    write(root / boxes, b"{}")
    with pytest.raises(DataError, match=f"a set for detection, with boxes in {named}, not one class per image"):
        load_data(root)


def test_archives_that_nobody_unpacked_are_named(tmp_path):
    for name in ("train.zip", "test.tar.gz"):
        write(tmp_path / "set" / name, b"PK")
    with pytest.raises(DataError, match=r"holds archives \(train.zip, test.tar.gz\): unpack them, or give one"):
        load_data(tmp_path / "set")
