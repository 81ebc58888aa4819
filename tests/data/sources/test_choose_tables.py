"""Several tables of images: which of them have the labels."""

from __future__ import annotations

import pytest

from convscope.data import load_data
from convscope.errors import DataError

from ..sets import class_by_name
from .test_layouts import build, table


def test_a_table_of_patients_beside_one_of_labels(tmp_path):
    """As in ISIC 2019; the test images there are in no table."""
    build(tmp_path, *(f"ISIC_Training_Input/I{i}.jpg" for i in range(8)), "ISIC_Test_Input/T*.jpg")
    table(
        tmp_path, "ISIC_Training_GroundTruth.csv", "image,MEL,NV", *(f"I{i},{i % 2}.0,{1 - i % 2}.0" for i in range(8))
    )
    table(tmp_path, "ISIC_Training_Metadata.csv", "image,age,sex", *(f"I{i},{50 + i % 3},f" for i in range(8)))
    data = load_data(tmp_path)
    assert data.class_names == ["MEL", "NV"] and len(data.split("all")) == 8
    (tmp_path / "ISIC_Training_Metadata.csv").unlink()
    table(tmp_path, "ISIC_Training_Groups.csv", "image,lesion_id,confirmed", *(f"I{i},L{i // 2},yes" for i in range(8)))
    assert load_data(tmp_path).class_names == ["MEL", "NV"]


def test_a_table_of_the_classes_beside_those_of_the_splits(tmp_path, caplog):
    """As in the traffic signs of GTSRB."""
    build(tmp_path, *(f"Train/{i % 2}/{i}.png" for i in range(8)), "Test/*.png", *(f"Meta/{i}.png" for i in range(2)))
    table(tmp_path, "Train.csv", "Width,ClassId,Path", *(f"27,{i % 2},Train/{i % 2}/{i}.png" for i in range(8)))
    table(tmp_path, "Test.csv", "Width,ClassId,Path", *(f"27,{1 - i % 2},Test/{i}.png" for i in range(3)))
    table(tmp_path, "Meta.csv", "Path,ClassId", *(f"Meta/{i}.png,{i}" for i in range(2)))
    data = load_data(tmp_path)
    assert class_by_name(data, "test") == {f"Test/{i}.png": str(1 - i % 2) for i in range(3)}
    assert len(data.split("all")) == 11 and "Meta.csv is not used" in caplog.text


def test_tables_of_the_same_images_are_asked_about(tmp_path):
    build(tmp_path, "images/*.png")
    for name, labels in (("a.csv", "xyx"), ("train.csv", "uvu")):
        table(tmp_path, name, "image,label", *(f"{i}.png,{labels[i]}" for i in range(3)))
    with pytest.raises(DataError, match=r"several tables of labelled images, a.csv, train.csv"):
        load_data(tmp_path)


def test_a_name_without_suffix_of_two_images_is_refused(tmp_path):
    build(tmp_path, "train/a0.jpg", "train/a0.png", "train/a1.jpg", "train/a2.jpg")
    table(tmp_path, "train.csv", "id,label", *(f"a{i},{'xy'[i % 2]}" for i in range(3)))
    with pytest.raises(DataError, match=r"line 2: 'a0' may be a0.jpg or a0.png: write the suffix"):
        load_data(tmp_path)


def test_a_table_that_is_not_understood_is_named_where_there_is_one_class(tmp_path):
    build(tmp_path, "pictures of mine/*.png")
    (tmp_path / "t.csv").write_bytes("image,label\n0.png,猫\n1.png,狗\n".encode("gb18030"))
    with pytest.raises(DataError, match=r"only one class.*; t.csv: may be .* choose with --encoding"):
        load_data(tmp_path)


def test_utf_16_without_a_mark_is_read_where_it_is_said(tmp_path):
    build(tmp_path, "images/*.png")
    (tmp_path / "t.csv").write_bytes("image,label\n0.png,猫\n1.png,狗\n2.png,猫\n".encode("utf-16-le"))
    assert load_data(tmp_path, encoding="utf-16-le").class_names == ["狗", "猫"]
