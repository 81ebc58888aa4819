"""Folders in class folders: the outer or the innermost are the classes, and the user hears which."""

from __future__ import annotations

import pytest

from convscope.data import load_data
from convscope.errors import DataError, UsageError

from ..sets import make_folders, zip_folder
from .test_layouts import build, splits

ANIMALS = {"animal/cat": 3, "animal/dog": 3, "vehicle/car": 3, "vehicle/bus": 3}


@pytest.mark.parametrize("packed", [False, True])
def test_two_levels_of_names_are_two_readings(packed, tmp_path):
    root = make_folders(tmp_path / "set", ANIMALS)
    source = zip_folder(tmp_path / "set.zip", root) if packed else root
    with pytest.raises(DataError, match=r"either animal, vehicle are the classes.*--folders classes; or .*innermost"):
        load_data(source)
    assert load_data(source, folders="classes").class_names == ["animal", "vehicle"]
    assert load_data(source, folders="innermost").class_names == ["bus", "car", "cat", "dog"]


def test_two_levels_in_split_folders(tmp_path):
    root = make_folders(tmp_path, {f"{split}/{name}": n for split in ("train", "test") for name, n in ANIMALS.items()})
    with pytest.raises(DataError, match="--folders innermost"):
        load_data(root)
    data = load_data(root, folders="innermost")
    assert data.class_names == ["bus", "car", "cat", "dog"] and len(data.splits["test"]) == 12


def test_numbered_folders_are_parts_of_a_class_and_named(tmp_path):
    root = make_folders(tmp_path, {"ill/p01": 3, "ill/p02": 3, "well/p03": 3, "well/p04": 3})
    data = load_data(root)
    assert data.class_names == ["ill", "well"] and len(data.split("all")) == 12
    assert "each with the images in its folders (p01, p02, p03" in str(data.origin)
    assert load_data(root, folders="innermost").class_names == ["p01", "p02", "p03", "p04"]


def test_innermost_folders_keep_images_beside_deeper_folders(tmp_path):
    root = build(tmp_path, "cat/*.png", "cat/persian/*.png", "dog/*.png")
    assert load_data(root).class_names == ["cat", "dog"]
    counts = load_data(root, folders="innermost").counts()
    assert {n: sum(part[i] for part in counts.values()) for i, n in enumerate(["cat", "dog", "persian"])} == {
        "cat": 3, "dog": 3, "persian": 3,
    }  # fmt: skip


def test_a_table_settles_what_nested_folders_leave_open(tmp_path):
    root = make_folders(tmp_path, ANIMALS)
    rows = [f"{p.relative_to(root)},{p.parent.name in ('cat', 'car')}" for p in sorted(root.rglob("*.png"))]
    (root / "t.csv").write_text("\n".join(["path,label", *rows]))
    assert load_data(root).class_names == ["False", "True"]


def test_labels_in_file_names_are_suggested_and_read_by_a_pattern(tmp_path):
    root = build(tmp_path, "train/cat.*.jpg", "train/dog.*.jpg", "test1/*.jpg")
    with pytest.raises(DataError, match="begin with cat, dog: if those are the classes, --label-pattern '") as refused:
        load_data(root)
    pattern = str(refused.value).split("--label-pattern '")[1].rstrip("'")
    found = splits(root, label_pattern=pattern)
    assert {label for part in found.values() for label in part} == {"cat", "dog"}
    assert sum(len(names) for part in found.values() for names in part.values()) == 6
    assert "test" not in found or all(name.startswith("train/") for n in found["test"].values() for name in n)


@pytest.mark.parametrize("names", [("cat_{}.png", "dog_{}.png"), ("great pyrenees ({}).png", "pug ({}).png")])
def test_labels_in_names_of_one_folder(names, tmp_path):
    root = build(tmp_path, *(name.format("*") for name in names))
    with pytest.raises(DataError, match="--label-pattern") as refused:
        load_data(root)
    pattern = str(refused.value).split("--label-pattern '")[1].rstrip("'")
    labels = sorted(name.split("{")[0].rstrip(" (_") for name in names)
    assert load_data(root, label_pattern=pattern).class_names == labels


def test_names_without_labels_get_no_suggestion(tmp_path):
    with pytest.raises(DataError, match="3 images lie in no class folder") as refused:
        load_data(build(tmp_path, "IMG_*.png"))
    assert "label-pattern" not in str(refused.value)


def test_a_pattern_that_leaves_images_out_is_refused(tmp_path):
    root = build(tmp_path, "cat.*.png", "dog.*.png", "else.png")
    with pytest.raises(DataError, match=r"1 images have no label by --label-pattern, such as else.png"):
        load_data(root, label_pattern="(cat|dog)")
    with pytest.raises(UsageError, match="no regular expression"):
        load_data(root, label_pattern="(cat")
    (root / "t.csv").write_text("path,label\ncat.0.png,cat\ndog.0.png,dog")
    with pytest.raises(UsageError, match="--label-pattern reads the paths of images in a folder"):
        load_data(root / "t.csv", label_pattern="(cat|dog)")
