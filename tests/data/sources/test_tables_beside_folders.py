"""Tables beside class folders: what they set aside is never trained on, and what they label is used."""

from __future__ import annotations

import json

import pytest

from convscope.data import load_data
from convscope.errors import DataError

from ..sets import class_by_name
from .test_layouts import build, splits, table

CLASSES = ("cat", "dog")
ASIDE = {f"{c}/2.png" for c in CLASSES}


def held(tmp_path, name: str, **options: str) -> set[str]:
    return {path for paths in splits(tmp_path, **options)[name].values() for path in paths}


SAYS = {
    "split column": ("labels.csv", "path,label,split", ("{c}/{i}.png,{c},train", "{c}/{i}.png,{c},test")),
    "rows of the test images only": ("labels.csv", "path,label,split", (None, "{c}/{i}.png,{c},test")),
    "named after its split": ("test.csv", "path,label", (None, "{c}/{i}.png,{c}")),
    "with a word for labels": ("Test_GroundTruth.csv", "path,label", (None, "{c}/{i}.png,{c}")),
    "numbers for classes": ("labels.csv", "path,class_id,split", ("{c}/{i}.png,{k},train", "{c}/{i}.png,{k},test")),
}


@pytest.mark.parametrize("case", SAYS)
def test_what_a_table_of_the_same_classes_sets_aside_is_no_training_image(case, tmp_path):
    name, header, forms = SAYS[case]
    build(tmp_path, *(f"{c}/{i}.png" for c in CLASSES for i in range(8)))
    rows = [form.format(c=c, i=i, k=k) for k, c in enumerate(CLASSES) for i in range(8) if (form := forms[i == 2])]
    table(tmp_path, name, header, *rows)
    data = load_data(tmp_path)
    assert data.class_names == [*CLASSES] and set(class_by_name(data, "test")) == ASIDE
    assert data.origin.splits.startswith(f"table {name}") and data.origin.classes == "folder names (cat, dog)"


def test_a_word_that_is_no_split_is_refused(tmp_path):
    build(tmp_path, "cat/*.png", "dog/*.png")
    table(tmp_path, "t.csv", "path,label,split", *(f"{c}/{i}.png,{c},part{i}" for c in CLASSES for i in range(3)))
    with pytest.raises(DataError, match=r"unknown split 'part0'.*without the table: --folders classes"):
        load_data(tmp_path)
    assert load_data(tmp_path, folders="classes").divided


@pytest.mark.parametrize("name", ["val.txt", "val.csv"])
@pytest.mark.parametrize("test", [True, False])
def test_training_images_that_a_list_sets_aside_beside_split_folders(name, test, tmp_path):
    build(tmp_path, *(f"train/{c}/{i}.png" for c in CLASSES for i in range(6)))
    if test:
        build(tmp_path, *(f"test/{c}/{i}.png" for c in CLASSES for i in (7, 8)))
        table(tmp_path, "test.txt", *(f"{c}/{i}.png" for c in CLASSES for i in (7, 8)))
    header, form = (["path,label"], "train/{c}/2.png,{c}") if name.endswith("csv") else ([], "{c}/2.png")
    table(tmp_path, name, *header, *(form.format(c=c) for c in CLASSES))
    assert held(tmp_path, "val") == {f"train/{path}" for path in ASIDE}
    assert len(held(tmp_path, "train")) == 10 and (not test or len(held(tmp_path, "test")) == 4)


def test_a_list_of_the_test_folder_takes_nothing_from_training(tmp_path):
    """The names in it are those of training images, too."""
    build(tmp_path, *(f"{part}/{c}/{i}.png" for part in ("train", "test") for c in CLASSES for i in range(4)))
    table(tmp_path, "test.txt", *(f"{c}/{i}.png" for c in CLASSES for i in range(4)))
    data = load_data(tmp_path)
    assert len(data.splits["train"]) + len(data.splits["val"]) == 8 and len(data.splits["test"]) == 8
    assert data.origin.splits.startswith("folders train, test;")


@pytest.mark.parametrize("form", ["{i}.png", "{part}/{i}.png", "{i}"])
def test_flat_folders_of_splits_whose_labels_tables_beside_them_have(form, tmp_path):
    build(tmp_path, "train/cat/*.png", "train/dog/*.png", *(f"{p}/{i}.png" for p in ("val", "test") for i in range(4)))
    for k, part in enumerate(("val", "test")):
        rows = (f"{form.format(part=part, i=i)},{CLASSES[(i + k) % 2]}" for i in range(4))
        table(tmp_path, f"{part}.csv", "image,label", *rows)
    found = splits(tmp_path)
    assert {name: sum(map(len, classes.values())) for name, classes in found.items()} == {
        "train": 6, "val": 4, "test": 4,
    }  # fmt: skip
    dogs = {form.format(part="test", i=i) for i in (0, 2)}
    assert {path.removeprefix("test/") for path in found["test"]["dog"]} == {
        path.removeprefix("test/") for path in dogs
    }


def test_labels_that_are_no_names_of_folders_are_left_out(tmp_path, caplog):
    build(tmp_path, "train/cat/*.png", "train/dog/*.png", "test/*.png")
    table(tmp_path, "test.csv", "image,label", *(f"{i}.png,{i % 2}" for i in range(3)))
    assert load_data(tmp_path).divided
    assert "test.csv is not used: the folder names are the classes" in caplog.text


def test_the_names_of_folders_are_kept_where_documents_call_the_same_classes_otherwise(tmp_path, caplog):
    """As those of iNaturalist 2021 do."""
    names = {"00000_Animalia_Parus_major": "Parus major", "00001_Plantae_Rosa_canina": "Rosa canina"}
    build(tmp_path, *(f"{part}/{name}/*.png" for part in ("train", "val") for name in names))
    for part in ("train", "val"):
        paths = [f"{part}/{name}/{i}.png" for name in names for i in range(3)]
        document = {
            "images": [{"id": i, "file_name": path} for i, path in enumerate(paths)],
            "annotations": [{"id": i, "image_id": i, "category_id": i // 3} for i in range(6)],
            "categories": [{"id": i, "name": name} for i, name in enumerate(names.values())],
        }
        (tmp_path / f"{part}.json").write_text(json.dumps(document))
    data = load_data(tmp_path)
    assert data.class_names == [*names] and {name: len(part) for name, part in data.splits.items()} == {
        "train": 6, "val": 6,
    }  # fmt: skip
    assert "calls the classes otherwise (Parus major for 00000_Animalia_Parus_major)" in caplog.text


def test_captions_of_a_few_images_are_no_classes(tmp_path):
    build(tmp_path, "train/cat/*.png", "train/dog/*.png")
    rows = (json.dumps({"file_name": f"{c}/{i}.png", "text": f"a {c} {i}"}) for c in CLASSES for i in range(3))
    table(tmp_path, "train/metadata.jsonl", *rows)
    assert load_data(tmp_path).class_names == [*CLASSES]


def test_the_classes_are_those_of_a_table_whose_images_lie_in_folders_of_a_folder(tmp_path):
    """In `data/train/`; and, as in State Farm's set, in the folder of their label in it."""
    build(tmp_path / "a", "data/train/*.png", "data/test/*.png")
    rows = (f"data/{part}/{i}.png,{CLASSES[i % 2]}" for part in ("train", "test") for i in range(3))
    table(tmp_path / "a", "metadata.csv", "file_name,label", *rows)
    assert len(held(tmp_path / "a", "test")) == 3
    build(tmp_path / "b", *(f"imgs/train/c{i % 2}/{i}.png" for i in range(8)), "imgs/test/t*.png")
    table(tmp_path / "b", "list.csv", "subject,classname,img", *(f"p{i // 4},c{i % 2},{i}.png" for i in range(8)))
    data = load_data(tmp_path / "b", group_by="column:subject")
    assert data.class_names == ["c0", "c1"] and len(data.split("all")) == 8
    assert "no group in two splits" in data.origin.splits
    build(tmp_path / "b", "imgs/test/3.png")
    with pytest.raises(DataError, match=r"line 5: '3.png' may be .*imgs/test/3.png or .*imgs/train/c1/3.png: write"):
        load_data(tmp_path / "b")


GROUPED = {
    "of patients": ("filename,patient_id,age", "{c}/{i}.png,p{g},{i}"),
    "with labels": ("filename,label,patient_id", "{c}/{i}.png,{c},p{g}"),
}


@pytest.mark.parametrize("case", GROUPED)
def test_the_columns_of_a_table_beside_class_folders_group_images_and_are_no_classes(case, tmp_path, caplog):
    header, form = GROUPED[case]
    build(tmp_path, *(f"{c}/{i}.png" for c in CLASSES for i in range(8)))
    table(tmp_path, "t.csv", header, *(form.format(c=c, i=i, g=i // 2) for c in CLASSES for i in range(8)))
    assert load_data(tmp_path).class_names == [*CLASSES] and "give --group-by 'column:patient_id'" in caplog.text
    assert "no group in two splits" in load_data(tmp_path, group_by="column:patient_id").origin.splits


def test_a_column_whose_name_does_not_say_that_it_has_labels_is_asked_about(tmp_path):
    build(tmp_path, *(f"{c}/{i}.png" for c in CLASSES for i in range(8)))
    rows = (f"{c}/{i}.png,{'red' if i % 2 else 'blue'}" for c in CLASSES for i in range(8))
    table(tmp_path, "t.csv", "filename,colour", *rows)
    with pytest.raises(
        DataError, match=r"is 'cat' by its folder and 'blue' by t.csv: give the table as DATA, or choose"
    ):
        load_data(tmp_path)
    assert load_data(tmp_path, folders="classes").class_names == [*CLASSES]
    assert load_data(tmp_path / "t.csv").class_names == ["blue", "red"]
    rows = (f"{c}/{i}.png,{'red' if i % 2 else 'blue'},{'MF'[i % 2]}" for c in CLASSES for i in range(8))
    table(tmp_path, "t.csv", "filename,colour,sex", *rows)
    with pytest.raises(DataError, match=r"any of the columns colour, sex: .*; if the names of the folders are the cl"):
        load_data(tmp_path)


def test_tables_and_images_in_folders_of_the_same_names(tmp_path):
    build(tmp_path, "images/train/*.png", "images/val/*.png")
    for part, labels in (("train", "aba"), ("val", "bab")):
        table(tmp_path, f"labels/{part}.csv", "image,label", *(f"{i}.png,{label}" for i, label in enumerate(labels)))
    assert splits(tmp_path)["val"] == {"a": {"images/val/1.png"}, "b": {"images/val/0.png", "images/val/2.png"}}


def test_a_list_of_numbers_with_a_file_of_their_names(tmp_path):
    build(tmp_path, "train/cat/*.png", "train/dog/*.png", "test/t*.png")
    table(tmp_path, "test.txt", *(f"t{i}.png {i % 2}" for i in range(3)))
    table(tmp_path, "classes.txt", *CLASSES)
    assert {label: len(paths) for label, paths in splits(tmp_path)["test"].items()} == {"cat": 2, "dog": 1}
