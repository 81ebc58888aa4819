"""Forms in which people write tables of labels: lists of words, marks, split columns, spellings of file names."""

from __future__ import annotations

import json

import pytest

from convscope.data import load_data
from convscope.errors import DataError

from ..hostile import write
from ..sets import class_by_name
from .test_layouts import build, table

PAIRS = [(f"{i}.jpg", "polar bear" if i % 2 else "cat") for i in range(4)]
CSV = [f"{path},{label}" for path, label in PAIRS]
SINGLE = {
    "words after the path": ("labels.txt", [f"{path} {label}" for path, label in PAIRS]),
    "words after a header": ("list.txt", ["image label", *(f"images/{path} {label}" for path, label in PAIRS)]),
    "words before the path": ("list.txt", [f"{label}  images/{path}" for path, label in PAIRS]),
    "label first": ("labels.csv", [f"{label},{path}" for path, label in PAIRS]),
    "delimiter of Excel": ("labels.csv", ["sep=;", "image;label", *(f"{path};{label}" for path, label in PAIRS)]),
    "comment": ("labels.csv", ["# by Ann, 2024-01-01", "image,label", *CSV]),
    "header behind a #": ("labels.csv", ["# image,label", *CSV]),
    "upper-case suffix": ("labels.csv", ["image,label", *(line.replace(".jpg", ".JPG") for line in CSV)]),
    "quotes and a mark": ("labels.csv", ['\ufeff"image","label"', *(f'"{path}","{label}"' for path, label in PAIRS)]),
    "lists of one": ("labels.csv", ["image,label", *(f"{path},['{label}']" for path, label in PAIRS)]),
    "folder of tables": ("csv/labels.csv", ["image,label", *CSV]),
    "folder of annotations": ("annotations/labels.csv", ["image,label", *CSV]),
}


@pytest.mark.parametrize("case", SINGLE)
def test_one_label_per_image(case, tmp_path):
    root = build(tmp_path, *(f"images/{path}" for path, _ in PAIRS))
    name, lines = SINGLE[case]
    table(root, name, *lines)
    data = load_data(root)
    assert not data.multi_label and data.class_names == ["cat", "polar bear"]
    found = {path.rpartition("/")[2].lower(): label for path, label in class_by_name(data, "all").items()}
    assert found == dict(PAIRS) and name in data.origin.classes


@pytest.mark.parametrize("suffix", [".JPG", ".bmp", ".tif"])
def test_a_suffix_left_out_may_be_any(suffix, tmp_path):
    root = build(tmp_path, *(f"images/{i}{suffix}" for i in range(4)))
    table(root, "labels.csv", "id,label", *(f"{i},{'ab'[i % 2]}" for i in range(4)))
    assert len(load_data(root).split("all")) == 4


def test_lists_named_after_splits(tmp_path):
    root = build(tmp_path, *(f"images/{i}.jpg" for i in range(8)))
    table(root, "train.txt", *(f"images/{i}.jpg {'cat' if i % 2 else 'dog'}" for i in range(6)))
    table(root, "test.txt", "images/6.jpg dog", "images/7.jpg cat")
    data = load_data(root)
    assert class_by_name(data, "test") == {"images/6.jpg": "dog", "images/7.jpg": "cat"}


MEANT = {
    "0.jpg": {"cat", "dog"},
    "1.jpg": {"cat"},
    "2.jpg": {"dog"},
    "3.jpg": set(),
    "4.jpg": {"bird", "dog"},
    "5.jpg": {"bird"},
}
NAMES = ("bird", "cat", "dog")


def marks(yes: str, no: str) -> list[str]:
    rows = [",".join([path, *(yes if name in labels else no for name in NAMES)]) for path, labels in MEANT.items()]
    return ["file,bird,cat,dog", *rows]


def cells(column: str, write_cell) -> list[str]:
    return [f"file,{column}", *(f'{path},"{write_cell(sorted(labels))}"' for path, labels in MEANT.items())]


MULTI = {
    "-1": (marks("1", "-1"), {}),
    "true": (marks("True", "False"), {}),
    "crosses": (marks("x", ""), {}),
    "ones and nothing": (marks("1", ""), {}),
    "lists of Python": (cells("labels", repr), {}),
    "lists of JSON": (cells("labels", lambda labels: json.dumps(labels).replace('"', '""')), {}),
    "slashes": (cells("label", "/".join), {"label_type": "multi"}),
    "plus signs": (cells("tags", "+".join), {"label_type": "multi"}),
    "spaces": (cells("label", " ".join), {"label_type": "multi"}),
}


@pytest.mark.parametrize("case", MULTI)
def test_several_labels_per_image(case, tmp_path):
    root = build(tmp_path, *MEANT)
    lines, options = MULTI[case]
    table(root, "t.csv", *lines)
    data = load_data(root, **options)
    assert data.multi_label and data.class_names == [*NAMES]
    whole = data.split("all")
    found = {
        name: {NAMES[i] for i in marks.nonzero()[0]} for name, marks in zip(whole.names, whole.labels, strict=True)
    }
    assert found == MEANT
    if options:
        with pytest.raises(
            DataError, match=r"may be one label or several with .* --label-type single or --label-type multi"
        ):
            load_data(root)


def test_a_row_per_label(tmp_path):
    root = build(tmp_path, *MEANT)
    table(
        root, "t.csv", "file,label", *(f"{path},{label}" for path, labels in MEANT.items() for label in sorted(labels))
    )
    with pytest.raises(DataError, match=r"2 of 5 images have rows with different labels, such as '0.jpg' in line 3"):
        load_data(root)
    data = load_data(root, label_type="multi")
    whole = data.split("all")
    found = {
        name: {NAMES[i] for i in marks.nonzero()[0]} for name, marks in zip(whole.names, whole.labels, strict=True)
    }
    assert found == {path: labels for path, labels in MEANT.items() if labels}


SPLITS = {
    "Usage": ["Training", "PublicTest", "PrivateTest"],
    "phase": ["train", "test", "test"],
    "mode": ["train", "val", "test"],
    "is_train": ["1", "0", "0"],
    "is_valid": ["False", "True", "True"],
    "is_test": ["no", "yes", "yes"],
}
FOUND = {"mode": {"train", "val", "test"}, "is_valid": {"train", "val"}}


@pytest.mark.parametrize("column", SPLITS)
def test_split_columns_by_their_words(column, tmp_path):
    root = build(tmp_path, *(f"images/{i}.jpg" for i in range(8)))
    train, sixth, seventh = SPLITS[column]
    words = [*[train] * 6, sixth, seventh]
    table(root, "t.csv", f"image,label,{column}", *(f"{i}.jpg,{'ab'[i % 2]},{words[i]}" for i in range(8)))
    data = load_data(root)
    assert {*data.splits} - ({"val"} if data.held_out else set()) == FOUND.get(column, {"train", "test"})
    mine = class_by_name(data, "train") | (class_by_name(data, "val") if data.held_out else {})
    assert set(mine) == {f"{i}.jpg" for i in range(6)}


REFUSED = {
    "addresses": (
        "path,label",
        "https://example.org/photo{i}.jpg,{c}",
        "'https://example.org/photo0.jpg' is an address: download",
    ),
    "column of addresses": (
        "url,label",
        "https://example.org/photo{i}.jpg,{c}",
        "labels.csv names the images by their addr",
    ),
    "numbers": ("image,age", "{i}.jpg,{i}.37", "numbers to predict are no classes"),
    "nothing there": ("image,label", "x{i}.jpg,{c}", "there is no file 'x0.jpg'"),
    "not a number": ("image,label", "{i}.jpg,NaN", "line 2 has no label"),
    "uncertain marks": (
        "image,a,b",
        "{i}.jpg,{m},1",
        "'a' has 1, 0 and -1, .* --uncertain yes, or",
    ),
    "fractions": (
        "image,label",
        "{i}.jpg,{m}.5",
        "numbers such as -1.5: either they are .* --label-type",
    ),
    "ages": ("image,age", "{i}.jpg,{n}", "column 'age' has numbers such as 3"),
    "the same column twice": ("image,Label,label", "{i}.jpg,{c},{m}", "may be any of the columns Label, label: choose"),
    "marks beside others": (
        "image,age,a,b",
        "{i}.jpg,4{c},{z},1",
        "choose one .* or a, b with --label-type multi",
    ),
    "folds alone": ("image,fold", "{i}.jpg,{z}", "no column whose values repeat as labels do"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_said(case, tmp_path):
    header, row, reason = REFUSED[case]
    root = build(tmp_path, *(f"images/{i}.jpg" for i in range(24)))
    cells = [{"i": i, "c": "ab"[i % 2], "m": i % 3 - 1, "z": i % 2, "n": 30 + i % 3} for i in range(24)]
    table(root, "labels.csv", header, *(row.format(**each) for each in cells))
    with pytest.raises(DataError, match=reason):
        load_data(root)


def test_uncertain_marks_count_as_the_user_says(tmp_path):
    """As in CheXpert: marks beside other columns, of which -1 says that nobody knows."""
    root = build(tmp_path, *(f"images/{i}.jpg" for i in range(6)))
    rows = [f"{i}.jpg,{'MF'[i % 2]},{['1.0', '-1.0', ''][i % 3]},{i % 2}" for i in range(6)]
    table(root, "t.csv", "Path,Sex,Edema,Cough", *rows)
    for counts_as, marks in (("yes", {0, 1, 3, 4}), ("no", {0, 3})):
        data = load_data(root, label_type="multi", uncertain=counts_as)
        whole = data.split("all")
        found = {whole.names[i] for i in whole.labels[:, data.class_names.index("Edema")].nonzero()[0]}
        assert data.class_names == ["Edema", "Cough"] and found == {f"{i}.jpg" for i in marks}
    chosen = load_data(root, label_column="Edema,Cough", uncertain="no")
    assert chosen.multi_label and chosen.class_names == ["Edema", "Cough"]
    with pytest.raises(DataError, match=r"column 'Sex' does not mark images .1 or 0.: give --label-column one column"):
        load_data(root, label_column="Sex,Edema")


def test_numbers_are_classes_where_the_user_says_so(tmp_path):
    root = build(tmp_path, *(f"images/{i}.jpg" for i in range(6)))
    table(root, "t.csv", "image,label", *(f"{i}.jpg,{i % 2}.5" for i in range(6)))
    assert load_data(root, label_type="single").class_names == ["0.5", "1.5"]


def test_words_are_preferred_to_the_numbers_that_stand_for_them(tmp_path):
    root = build(tmp_path, *(f"images/{i}.jpg" for i in range(6)))
    table(root, "t.csv", "image,label,class_name", *(f"{i}.jpg,{i % 2},{['cat', 'dog'][i % 2]}" for i in range(6)))
    assert load_data(root).class_names == ["cat", "dog"]


@pytest.mark.parametrize(("column", "words"), [("fold", "01234"), ("dataset", ["vidir", "rosendahl"])])
def test_columns_that_might_be_splits_but_are_none_are_said(column, words, tmp_path, caplog):
    root = build(tmp_path, *(f"images/{i}.jpg" for i in range(10)))
    table(
        root, "t.csv", f"image,label,{column}", *(f"{i}.jpg,{'ab'[i % 2]},{words[i % len(words)]}" for i in range(10))
    )
    data = load_data(root)
    assert data.divided and data.class_names == ["a", "b"] and data.columns[column]["0.jpg"] == words[0]
    assert f"column '{column}'" in caplog.text and "is not used" in caplog.text


def test_tables_of_other_programs_and_encodings_are_named(tmp_path):
    root = build(tmp_path, *(f"{i}.jpg" for i in range(4)))
    write(root / "labels.xlsx", b"PK")
    with pytest.raises(DataError, match=r"labels.xlsx is of no kind that is read beside images: save it as .csv"):
        load_data(root)
    write(
        root / "labels.csv",
        "\n".join(["image,label", *(f"{i}.jpg,{'猫狗'[i % 2]}" for i in range(4))]).encode("gb18030"),
    )
    with pytest.raises(
        DataError, match=r"no table names the labels: .*labels.csv: may be '猫' in GB18030 or .*--encoding"
    ):
        load_data(root)
    assert load_data(root, encoding="gb18030").class_names == ["狗", "猫"]


def test_the_same_class_in_another_case_or_number(tmp_path, caplog):
    root = build(tmp_path / "a", "train/cat/*.png", "train/dog/*.png", "test/Cat/*.png", "test/dog/*.png")
    with pytest.raises(DataError, match="class 'Cat' of test and class 'cat' of train differ only in upper and lower"):
        load_data(root)
    root = build(tmp_path / "b", *(f"{i}.jpg" for i in range(8)))
    table(root, "labels.csv", "image,label", *(f"{i}.jpg,{['1', '1.0', '2', '02'][i % 4]}" for i in range(8)))
    load_data(root)
    assert "class names look alike but are spelled with different characters: 02, 1, 1.0, 2" in caplog.text


NOT_CLASSES = {
    "masks": (["images/*.png", "masks/*.png"], {}, "a set for segmentation, with masks beside the images"),
    "masks in splits": (
        [f"{split}/{kind}/*.png" for split in ("train", "val") for kind in ("images", "mask")],
        {},
        "with mask",
    ),
    "boxes in splits": (
        ["train/images/*.jpg", "valid/images/*.jpg"],
        {"train/labels/0.txt": "0 .1", "valid/labels/0.txt": "1"},
        "boxes in labels",
    ),
    "text beside": (["*.jpg"], {"0.txt": "0 .5 .5 .1 .1"}, "boxes in the .txt files"),
    "XML beside": (["images/*.jpg"], {"images/0.xml": "<annotation/>"}, "boxes in the .xml files"),
    "splits in names": (
        [f"{s}_{c}/*.jpg" for s in ("train", "test") for c in ("cat", "dog")],
        {},
        "hold a split and a class",
    ),
}


@pytest.mark.parametrize("case", NOT_CLASSES)
def test_folders_that_are_no_classes(case, tmp_path):
    patterns, texts, reason = NOT_CLASSES[case]
    root = build(tmp_path, *patterns)
    for name, text in texts.items():
        table(root, name, text)
    with pytest.raises(DataError, match=reason):
        load_data(root)


def test_notes_beside_the_images_of_classes_change_nothing(tmp_path):
    root = build(tmp_path, "cat/*.jpg", "dog/*.jpg", "mask/*.jpg")
    for name in ("cat/0.txt", "dog/0.txt", "cat/0.json", "mask/0.json"):
        table(root, name, "a note")
    assert load_data(root).class_names == ["cat", "dog", "mask"]
