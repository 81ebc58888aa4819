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
    write(tmp_path / "set" / "labels.csv", b"id,breed\n0a,pug\n0b,boxer\n")
    with pytest.raises(DataError, match=r"whose labels labels.csv may have: unpack them beside it"):
        load_data(tmp_path / "set")


MASKS = {
    "folder beside the classes": ["images/cat/*.png", "images/dog/*.png", "masks/cat/*.png", "masks/dog/*.png"],
    "folders in the classes": ["cat/images/*.png", "dog/images/*.png", "cat/masks/*.png", "dog/masks/*.png"],
    "files beside the images": ["cat/a*.png", "dog/a*.png", "cat/a*_mask.png", "dog/a*_mask_1.png"],
}


@pytest.mark.parametrize("case", MASKS)
def test_masks_are_no_images_of_a_class(case, tmp_path):
    data = load_data(build(tmp_path / "set", *MASKS[case]))
    assert data.class_names == ["cat", "dog"] and len(data.split("all")) == 6
    assert not any("mask" in name for name in data.split("all").names)


def test_masks_beside_images_whose_names_begin_with_labels(tmp_path):
    """As in Oxford-IIIT Pet."""
    names = [f"{breed}_{i}" for breed in ("Abyssinian", "beagle") for i in range(6)]
    root = build(tmp_path / "pets", *(f"images/{name}.jpg" for name in names))
    build(root, *(f"annotations/trimaps/{name}.png" for name in names))
    for split, kept in (("trainval", names[::2]), ("test", names[1::2])):
        write(root / f"annotations/{split}.txt", "".join(f"{name} 1 1 1\n" for name in kept).encode())
    with pytest.raises(DataError, match=r"for segmentation, with annotations beside .* begin with Abyssinian"):
        load_data(root)
    data = load_data(root, label_pattern=r"([^/]+)_\d+\.jpg$")
    assert data.class_names == ["Abyssinian", "beagle"]
    assert {*data.splits["test"].names} == {f"images/{name}.jpg" for name in names[1::2]}
