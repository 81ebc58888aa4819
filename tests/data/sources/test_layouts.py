"""Layouts that people bring: which folders are classes, which are splits, which table names what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convscope.data import load_data
from convscope.errors import DataError

from ..hostile import small, write
from ..sets import class_by_name, zip_folder


def build(root: Path, *patterns: str, **texts: str) -> Path:
    """Make three images for each pattern with a `*` (one for a plain name), all different, and tables."""
    number = 0
    for pattern in patterns:
        for i in range(3 if "*" in pattern else 1):
            number += 1
            write(root / pattern.replace("*", str(i)), small(number))
    return root


def table(root: Path, name: str, *lines: str) -> None:
    write(root / name, "\n".join(lines).encode())


def splits(root: Path, **options: str) -> dict[str, dict[str, set[str]]]:
    """Load and return split -> class -> names of images."""
    data = load_data(root, **options)
    return {name: _by_class(class_by_name(data, name)) for name in data.splits}


def _by_class(classes: dict[str, str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path, label in classes.items():
        found.setdefault(label, set()).add(path)
    return found


SPLIT_FOLDERS = [
    ({"train": "train", "dev": "val"}, "folders train, dev"),
    ({"training_set": "train", "test_set": "test"}, "folders training_set, test_set"),
    ({"train": "train", "eval": "val"}, "folders train, eval"),
    ({"train": "train", "dev": "val", "eval": "test"}, "folders train, dev, eval"),
    ({"Train": "train", "Validate": "val"}, "folders Train, Validate"),
    ({"train2017": "train", "val2017": "val"}, "folders train2017, val2017"),
    ({"训练集": "train", "验证集": "val", "测试集": "test"}, "folders 训练集, 验证集, 测试集"),
    ({"TrainImages": "train", "Test-Images": "test"}, "folders TrainImages, Test-Images"),
]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("folders", "told"), SPLIT_FOLDERS, ids=lambda value: value if isinstance(value, str) else "")
def test_split_folders_in_any_spelling(folders, told, packed, tmp_path):
    root = build(tmp_path / "set", *(f"{name}/{c}/*.png" for name in folders for c in ("cat", "dog")))
    source = zip_folder(tmp_path / "set.zip", root) if packed else root
    data = load_data(source)
    assert data.class_names == ["cat", "dog"] and not data.divided
    assert data.origin.classes == "folder names (cat, dog)" and data.origin.splits.startswith(told)
    for name, split in folders.items():
        mine = {path for path in class_by_name(data, "all") if path.startswith(f"{name}/")}
        held = class_by_name(data, "val") if data.held_out and split == "train" else {}
        assert mine == {path for path in {**class_by_name(data, split), **held} if path.startswith(f"{name}/")} != set()


def test_unlabelled_images_are_not_a_class(tmp_path, caplog):
    root = build(tmp_path, "train/cat/*.png", "train/dog/*.png", "unlabeled/*.png", "unlabeled/x/*.png")
    data = load_data(root)
    assert data.class_names == ["cat", "dog"] and len(data.split("all")) == 6 and data.divided
    assert "folder 'unlabeled' holds images without labels and is not used" in caplog.text


@pytest.mark.parametrize("names", [("fold1", "fold2"), ("monday", "tuesday"), ("cam_a", "cam_b", "cam_c")])
def test_folders_with_the_same_subfolders_are_not_taken_for_classes_in_silence(names, tmp_path):
    root = build(tmp_path, *(f"{name}/{c}/*.png" for name in names for c in ("cat", "dog")))
    with pytest.raises(DataError, match=r"all hold cat, dog: either .* --folders classes or --folders splits"):
        load_data(root)
    assert load_data(root, folders="classes").class_names == sorted(names)
    merged = load_data(root, folders="splits")
    assert merged.class_names == ["cat", "dog"] and merged.divided and len(merged.split("all")) == 6 * len(names)


def test_a_folder_beside_splits_with_the_same_classes_is_doubtful(tmp_path):
    root = build(tmp_path, *(f"{name}/{c}/*.png" for name in ("train", "extra") for c in ("cat", "dog")))
    with pytest.raises(DataError, match=r"either train are splits|either train .* extra"):
        load_data(root)
    assert load_data(root, folders="splits").class_names == ["cat", "dog"]


def test_class_folders_that_hold_split_folders(tmp_path):
    root = build(tmp_path, *(f"{c}/{name}/*.png" for c in ("cat", "dog") for name in ("train", "test")))
    data = load_data(root)
    assert data.class_names == ["cat", "dog"] and data.origin.splits.startswith("folders train, test in each class")
    assert all("/test/" in path for path in class_by_name(data, "test")) and len(data.splits["test"]) == 6
    assert not any("/test/" in path for name in ("train", "val") for path in class_by_name(data, name))


def test_splits_in_some_classes_only_are_refused(tmp_path):
    root = build(tmp_path, "cat/train/*.png", "cat/test/*.png", "dog/*.png")
    with pytest.raises(DataError, match=r"some folders hold splits .such as cat/test., but 'dog' has images outside"):
        load_data(root)


def test_flat_split_folders_without_labels_are_no_classes(tmp_path):
    root = build(tmp_path, "train/*.jpg", "test/*.jpg")
    with pytest.raises(DataError, match="test, train can only be splits, but they hold no class folders and no table"):
        load_data(root)


TABLES = {
    "inside, csv": ({"train/metadata.csv": "file_name,label", "test/metadata.csv": "file_name,label"}, ""),
    "inside, another column": ({"train/labels.csv": "id,species_seen", "test/labels.csv": "id,species_seen"}, ""),
    "beside": ({"train.csv": "image,label", "test.csv": "image,label"}, ""),
    "annotations": ({"train_labels.csv": "filename,class", "test_labels.csv": "filename,class"}, ""),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("case", TABLES)
def test_a_row_finds_the_file_of_its_own_split(case, packed, tmp_path):
    """Both folders have a 0.png ...: a table looks in the folder of its own split."""
    root = build(tmp_path / "set", *(f"{name}/{i}.png" for name in ("train", "test") for i in range(4)))
    headers, _ = TABLES[case]
    for name, header in headers.items():
        of_test = "test" in name
        rows = [f"{i}.png,{'cat' if (i % 2) ^ of_test else 'dog'}" for i in range(4)]
        table(root, name, header, *rows)
    data = load_data(zip_folder(tmp_path / "set.zip", root) if packed else root)
    train = class_by_name(data, "train") | class_by_name(data, "val")
    assert train == {f"train/{i}.png": ["dog", "cat"][i % 2] for i in range(4)}
    assert class_by_name(data, "test") == {f"test/{i}.png": ["cat", "dog"][i % 2] for i in range(4)}


def test_a_table_of_the_training_images_leaves_the_test_folder_alone(tmp_path, caplog):
    root = build(tmp_path, *(f"{name}/{i}.jpg" for name in ("train", "test") for i in range(4)))
    table(root, "train.csv", "image,label", *(f"{i}.jpg,{'ab'[i % 2]}" for i in range(4)))
    data = load_data(root)
    assert {path.split("/")[0] for path in class_by_name(data, "all")} == {"train"}
    assert "4 images of test are in no table of labels and are not used" in caplog.text


def test_a_name_in_several_folders_is_refused(tmp_path):
    root = build(tmp_path, *(f"{name}/{i}.jpg" for name in ("train", "test") for i in range(4)))
    table(root, "labels.csv", "image,label", *(f"{i}.jpg,{'ab'[i % 2]}" for i in range(4)))
    with pytest.raises(DataError, match=r"line 2: '0.jpg' may be test/0.jpg or train/0.jpg: write the path"):
        load_data(root)


@pytest.mark.parametrize("test", ["test", "Test", "testing", "test_set", "test_images", "tst", "测试集"])
def test_an_image_below_a_test_folder_is_never_trained_on(test, tmp_path):
    root = build(tmp_path, *(f"train/a{i}.jpg" for i in range(4)), *(f"{test}/b{i}.jpg" for i in range(4)))
    rows = [f"{name}{i}.jpg,{'xy'[i % 2]}" for name in "ab" for i in range(4)]
    table(root, "labels.csv", "image,label", *rows)
    data = load_data(root)
    assert set(class_by_name(data, "test")) == {f"{test}/b{i}.jpg" for i in range(4)}
    assert "folder names" in data.origin.splits


def test_a_table_may_not_make_training_images_of_test_images(tmp_path):
    root = build(tmp_path, *(f"train/a{i}.jpg" for i in range(4)), *(f"test/b{i}.jpg" for i in range(4)))
    rows = [f"{name}{i}.jpg,{'xy'[i % 2]},train" for name in "ab" for i in range(4)]
    table(root, "labels.csv", "image,label,split", *rows)
    with pytest.raises(DataError, match=r"'b0.jpg' is a train image by the table and a test image by its folder"):
        load_data(root)
    (root / "labels.csv").unlink()
    table(root, "train.csv", "image,label", *(f"{name}{i}.jpg,{'xy'[i % 2]}" for name in "ab" for i in range(4)))
    table(root, "val.csv", "image,label", "a0.jpg,x")
    with pytest.raises(DataError, match="lies only in a folder of test images"):
        load_data(root)


def test_a_table_may_set_images_of_the_training_folder_aside(tmp_path):
    root = build(tmp_path, *(f"train/{i}.jpg" for i in range(8)))
    for name, numbers in (("train", range(4)), ("val", range(4, 6)), ("test", range(6, 8))):
        table(root, f"{name}.csv", "image,label", *(f"{i}.jpg,{'xy'[i % 2]}" for i in numbers))
    found = splits(root)
    assert found["val"] == {"x": {"train/4.jpg"}, "y": {"train/5.jpg"}}
    assert found["test"] == {"x": {"train/6.jpg"}, "y": {"train/7.jpg"}}


def test_json_lines_as_hugging_face_has_them(tmp_path):
    for name in ("train", "test"):
        build(tmp_path, *(f"{name}/{i}.png" for i in range(4)))
        lines = [json.dumps({"file_name": f"{i}.png", "label": i % 2, "extra": {"k": [1]}}) for i in range(4)]
        table(tmp_path, f"{name}/metadata.jsonl", *lines)
    data = load_data(tmp_path)
    assert data.class_names == ["0", "1"] and len(data.splits["test"]) == 4
    assert data.origin.classes == "column label of test/metadata.jsonl, train/metadata.jsonl"


def test_roboflow_one_hot_columns(tmp_path):
    for name in ("train", "valid", "test"):
        build(tmp_path, *(f"{name}/{name}{i}.jpg" for i in range(4)))
        rows = [f"{name}{i}.jpg, {int(i % 2 == 0)}, {int(i % 2)}" for i in range(4)]
        table(tmp_path, f"{name}/_classes.csv", "filename, cat, dog", *rows)
    data = load_data(tmp_path)
    assert not data.multi_label and data.class_names == ["cat", "dog"]
    assert class_by_name(data, "val") == {f"valid/valid{i}.jpg": ["cat", "dog"][i % 2] for i in range(4)}


def test_kaggle_ids_without_suffix_and_an_answer_template(tmp_path, caplog):
    build(
        tmp_path, *(f"train_images/{i:04x}.jpg" for i in range(8)), *(f"test_images/{i:04x}.jpg" for i in range(8, 11))
    )
    table(tmp_path, "train.csv", "id,breed", *(f"{i:04x},{'ab'[i % 2]}" for i in range(8)))
    table(tmp_path, "test.csv", "id", *(f"{i:04x}" for i in range(8, 11)))
    table(tmp_path, "sample_submission.csv", "id,breed", *(f"{i:04x},a" for i in range(8, 11)))
    data = load_data(tmp_path)
    assert data.class_names == ["a", "b"] and len(data.split("all")) == 8
    assert data.origin.classes == "column breed of train.csv"
    assert "3 images of test_images are in no table of labels" in caplog.text


def test_tiny_imagenet(tmp_path, caplog):
    ids = ("n01443537", "n01629819")
    build(tmp_path, *(f"train/{c}/images/{c}_{i}.JPEG" for c in ids for i in range(3)))
    build(tmp_path, *(f"val/images/val_{i}.JPEG" for i in range(4)), *(f"test/images/test_{i}.JPEG" for i in range(2)))
    table(tmp_path, "val/val_annotations.txt", *(f"val_{i}.JPEG\t{ids[i % 2]}\t0\t32\t44\t62" for i in range(4)))
    table(tmp_path, "wnids.txt", *ids)
    table(tmp_path, "words.txt", *(f"{c}\tfish {c}" for c in ids))
    data = load_data(tmp_path)
    assert data.class_names == sorted(ids)
    assert class_by_name(data, "val") == {f"val/images/val_{i}.JPEG": ids[i % 2] for i in range(4)}
    assert len(data.splits["train"]) == 6 and "test" not in data.splits and "folder 'test'" in caplog.text


def test_a_table_wins_over_folders_that_only_hold_parts_of_the_images(tmp_path):
    root = build(tmp_path, *(f"batch{b}/{b}{i}.jpg" for b in (1, 2) for i in range(4)))
    table(root, "labels.csv", "path,label", *(f"batch{b}/{b}{i}.jpg,{'ab'[i % 2]}" for b in (1, 2) for i in range(4)))
    data = load_data(root)
    assert data.class_names == ["a", "b"] and data.divided and "divided by ConvScope" in data.origin.splits


def test_columns_that_may_all_be_the_label_are_asked_for(tmp_path):
    root = build(tmp_path, *(f"images/{i}.jpg" for i in range(6)))
    table(root, "t.csv", "file,colour,shape", *(f"{i}.jpg,{'rg'[i % 2]},{'xyz'[i % 3]}" for i in range(6)))
    with pytest.raises(DataError, match="may be any of the columns colour, shape: choose one with --label-column"):
        load_data(root / "t.csv")
    data = load_data(root / "t.csv", label_column="shape")
    assert data.class_names == ["x", "y", "z"] and data.columns["colour"]["0.jpg"] == "r"


MULTI = {
    "cells": ("file,tags", ["cat|dog", "cat", "dog", "", "dog|bird", "bird"]),
    "commas": ("file,labels", ['"cat,dog"', "cat", "dog", "", '"dog,bird"', "bird"]),
    "one-hot": ("file,bird,cat,dog", ["0,1,1", "0,1,0", "0,0,1", "0,0,0", "1,0,1", "1,0,0"]),
}


@pytest.mark.parametrize("case", MULTI)
def test_several_labels_per_image(case, tmp_path):
    root = build(tmp_path, *(f"images/{i}.jpg" for i in range(6)))
    header, rows = MULTI[case]
    table(root, "t.csv", f"{header},split", *(f"{i}.jpg,{row},train" for i, row in enumerate(rows)))
    data = load_data(root)
    assert data.multi_label and data.class_names == ["bird", "cat", "dog"]
    whole = data.split("all")
    order = {path: whole.labels[i].tolist() for i, path in enumerate(whole.names)}
    marks = [[0, 1, 1], [0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 1], [1, 0, 0]]
    assert order == {f"{i}.jpg": mark for i, mark in enumerate(marks)}
    assert "several labels per image" in data.origin.classes


def test_one_class_against_none(tmp_path):
    root = build(tmp_path, *(f"images/{i}.jpg" for i in range(6)))
    table(root, "t.csv", "file,label", *(f"{i}.jpg,{'logo' if i % 2 else ''}" for i in range(6)))
    data = load_data(root)
    assert data.multi_label and data.class_names == ["logo"] and data.split("all").labels.shape == (6, 1)


def test_labels_with_commas_of_their_own_are_single(tmp_path):
    root = build(tmp_path, *(f"images/{i}.jpg" for i in range(4)))
    table(root, "t.csv", "file,label", *(f'{i}.jpg,"{["tench, Tinca tinca", "crane"][i % 2]}"' for i in range(4)))
    assert load_data(root).class_names == ["crane", "tench, Tinca tinca"]
