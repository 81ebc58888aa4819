"""Layouts of well-known sets: split folders named after the set, and `labels.txt` as a list or as class names."""

from __future__ import annotations

import pytest

from convscope.data import load_data

from .test_layouts import build, splits, table


@pytest.mark.parametrize("inner", ["{}/", ""])
def test_split_folders_with_the_name_of_the_set_before_or_behind(inner, tmp_path):
    folders = [f"{name}/{inner.format(name)}" for name in ("seg_train", "seg_test")]
    root = build(tmp_path, *(f"{folder}{c}/*.png" for folder in folders for c in ("sea", "street")))
    build(root / "seg_pred" / inner.format("seg_pred"), "*.jpg")
    data = load_data(root)
    assert data.class_names == ["sea", "street"] and len(data.splits["test"]) == 6
    assert data.origin.splits.startswith("folders seg_train, seg_test")
    assert all("seg_test" in name for name in data.splits["test"].names)


def test_unlabelled_test_images_of_such_a_set_are_left_out(tmp_path, caplog):
    name = "asl_alphabet_{0}/asl_alphabet_{0}/"
    root = build(tmp_path, *(f"{name.format('train')}{c}/*.png" for c in "AB"), f"{name.format('test')}A_test.png")
    data = load_data(root)
    assert data.class_names == ["A", "B"] and len(data.split("all")) == 6
    assert "folder 'asl_alphabet_test' holds images without labels and is not used" in caplog.text


def test_classes_called_after_trains_are_classes(tmp_path):
    root = build(tmp_path, "bullet_train/*.png", "steam_train/*.png", "crash_test/*.png")
    assert load_data(root).class_names == ["bullet_train", "crash_test", "steam_train"]


def test_labels_txt_may_be_a_list_of_images(tmp_path):
    root = build(tmp_path, "images/0.png", "images/1.png", "images/2.png", "images/3.png")
    table(root, "labels.txt", *(f"images/{i}.png {i % 2}" for i in range(4)))
    assert splits(root)["train"].keys() == {"0", "1"}


def test_labels_txt_of_class_names_is_no_list(tmp_path):
    root = build(tmp_path, "0.png", "1.png", "2.png", "3.png")
    table(root, "labels.txt", "0 cat", "1 dog")
    table(root, "t.txt", *(f"{i}.png {i % 2}" for i in range(4)))
    assert load_data(root).class_names == ["cat", "dog"]


def test_tables_that_agree_with_the_folders_have_the_splits(tmp_path):
    """As in EuroSAT, whose classes are folders and whose splits are tables."""
    root = build(tmp_path, "Forest/*.jpg", "River/*.jpg")
    for name, numbers in (("train", (0, 1)), ("test", (2,))):
        rows = [f"{c}/{i}.jpg,{k},{c}" for k, c in enumerate(("Forest", "River")) for i in numbers]
        table(root, f"{name}.csv", "Filename,Label,ClassName", *rows)
    assert splits(root)["test"] == {"Forest": {"Forest/2.jpg"}, "River": {"River/2.jpg"}}


def test_images_in_parts_with_a_table_and_lists_of_splits(tmp_path):
    """As in the chest X-rays of the NIH."""
    root = build(tmp_path, *(f"images_{i % 2}/images/x{i}.png" for i in range(8)))
    table(root, "data.csv", "Image Index,Finding", *(f"x{i}.png,{'ab'[i // 2 % 2]}" for i in range(8)))
    table(root, "train_val_list.txt", *(f"x{i}.png" for i in range(4)))
    table(root, "test_list.txt", *(f"x{i}.png" for i in range(4, 8)))
    assert splits(root)["test"] == {"a": {"x4.png", "x5.png"}, "b": {"x6.png", "x7.png"}}
