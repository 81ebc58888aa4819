"""CSV and TSV tables and `path index` lists: the forms that are read, and errors with the number of the line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.data import load_data
from convscope.data.sources.class_names_file import read_class_names
from convscope.data.sources.interpretation import Interpretation
from convscope.data.sources.table_columns import path_column, understand
from convscope.data.sources.table_file import read_table
from convscope.errors import DataError

from .. import hostile
from ..hostile import small, write
from ..sets import class_by_name, zip_folder


def images(folder: Path, *names: str) -> Path:
    for i, name in enumerate(names):
        write(folder / name, small(i + 1))
    return folder


@pytest.fixture
def photos(tmp_path) -> Path:
    """Make six images in `photos/images`, whose classes a table will give."""
    return images(tmp_path / "photos", *(f"images/{i}.png" for i in range(6))).resolve()


TABLES = {
    "plain": ("t.csv", "path,label\nimages/{},{}"),
    "names of other tools": ("t.csv", "index,file_name,category\n7,images/{},{}"),
    "Windows": ("t.csv", "\ufeffpath,label\r\nimages/{},{}\r"),
    "semicolons": ("t.csv", "path;label\nimages/{};{}"),
    "tabs": ("t.tsv", "Image\tClass Name\nimages/{}\t{}"),
    "quotes": ("t.csv", 'label,path\n"{1}","images/{0}"'),
    "from a folder in it": ("t.csv", "filename,label\n{},{}"),
    "with spaces": ("t.csv", "path, label\nimages/{} , {}"),
}


@pytest.mark.parametrize("given_as", ["file", "folder", "zip"])
@pytest.mark.parametrize("case", TABLES)
def test_tables_of_every_form_give_the_same(case, given_as, photos, tmp_path):
    name, text = TABLES[case]
    header, line = text.split("\n")
    classes = ["cat", "dog"] * 3
    lines = [header, *(line.format(f"{i}.png", label) for i, label in enumerate(classes))]
    write(photos / name, "\n".join(lines).encode())
    source = {"file": photos / name, "folder": photos}.get(given_as) or zip_folder(tmp_path / "x.zip", photos)
    data = load_data(source)
    found = {Path(path).name: label for path, label in class_by_name(data, "all").items()}
    assert found == {f"{i}.png": label for i, label in enumerate(classes)}
    assert data.divided and data.class_names == ["cat", "dog"] and data.channels == 1


def test_a_table_without_a_header_is_read_by_position(photos):
    write(photos / "t.csv", b"images/0.png,cat,train\nimages/1.png,dog,train\nimages/2.png,dog,val\n")
    data = load_data(photos / "t.csv")
    assert class_by_name(data, "train") == {"images/0.png": "cat", "images/1.png": "dog"}
    assert class_by_name(data, "val") == {"images/2.png": "dog"}


def test_splits_by_column_and_by_file(photos, caplog):
    rows = [("train", "cat"), ("training", "dog"), ("Train", "cat"), ("valid", "dog"), ("dev", "cat"), ("TEST", "dog")]
    text = "path,label,split\n" + "".join(f"images/{i}.png,{c},{s}\n" for i, (s, c) in enumerate(rows))
    write(photos / "t.csv", text.encode())
    by_column = load_data(photos)
    assert {name: len(split) for name, split in by_column.splits.items()} == {"train": 3, "val": 2, "test": 1}
    (photos / "t.csv").unlink()
    for name, part in (("train", range(3)), ("validation", (3, 4)), ("test", (5,))):
        lines = "".join(f"images/{i}.png,{rows[i][1]}\n" for i in part)
        write(photos / f"{name}.csv", f"path,label\n{lines}".encode())
    by_file = load_data(photos)
    assert all(class_by_name(by_column, name) == class_by_name(by_file, name) for name in by_column.splits)
    assert "test has no image of cat" in caplog.text


def test_numbers_are_classes_in_their_own_order_and_endings_may_be_left_out(photos):
    write(photos / "t.csv", b"image_id,label\n" + b"".join(b"%d,%d\n" % (i, 8 + i) for i in range(6)))
    data = load_data(photos)
    assert data.class_names == ["8", "9", "10", "11", "12", "13"] and len(data.split("all")) == 6


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ("labels.txt", ["a cat", "dog"]),
        ("synset_words.txt", ["n02121808 a cat", "n02084071 dog"]),
        ("classes.txt", ["0 a cat", "1 dog"]),
        ("Labels.txt", ["a cat", "dog", "never seen"]),
    ],
)
def test_lists_of_paths_and_numbers_with_the_names_beside_them(names, classes, photos, caplog):
    write(photos / names, "\n".join(classes).encode())
    write(photos / "images/with space.png", small(77))
    write(photos / "train.txt", b"images/0.png 0\nimages/1.png 1\nimages/with space.png 1\n\n")
    write(photos / "val.txt", b"images/2.png 1\n/images/../images/3.png 0\n".replace(b"/images/..", b"./images/.."))
    data = load_data(photos)
    assert data.class_names == ["a cat", "dog"]
    assert class_by_name(data, "train") == {
        "images/0.png": "a cat",
        "images/1.png": "dog",
        "images/with space.png": "dog",
    }
    assert len(data.splits["val"]) == 2
    assert ("no image of never seen, which labels.txt names" in caplog.text) == (len(classes) == 3)


def test_a_list_alone_has_numbers_for_classes(photos, caplog):
    write(photos / "list.txt", b"images/0.png 0\nimages/1.png 10\nimages/2.png\t2\n")
    assert load_data(photos / "list.txt").class_names == ["0", "2", "10"]
    assert "no labels.txt beside it; the classes are called by their numbers" in caplog.text


REFUSED = {
    "two columns of one name": ("path,label,label\na.png,cat,dog", "two columns are called label"),
    "no path": ("weight,label\n1.5,cat", "no column 'path' among weight, label"),
    "no label": ("path,index\nimages/0.png,1", "no column 'label' among path, index"),
    "one column": ("path\nimages/0.png", "no column 'label'"),
    "no such file": ("path,label\nimages/0.png,cat\nimages/9.png,dog", "line 3: there is no file 'images/9.png'"),
    "a folder": ("path,label\nimages,cat", "line 2: there is no file 'images'"),
    "empty label": ("path,label\nimages/0.png,cat\nimages/1.png,", "line 3 has no label"),
    "blank label": ("path,label\nimages/0.png,cat\nimages/1.png,  ", "line 3 has no label"),
    "short line": ("path,label\nimages/0.png,cat\nimages/1.png", "line 3 has no label"),
    "empty path": ("path,label\n,cat", "line 2 has no path"),
    "unknown split": ("path,label,split\nimages/0.png,cat,spare", "line 2: unknown split 'spare'"),
    "empty split": ("path,label,split\nimages/0.png,cat,", "line 2 has no split"),
    "nothing listed": ("path,label\n", "it lists no image"),
    "nothing": ("", "it lists no image"),
    "one class": ("path,label\nimages/0.png,cat", "only one class, 'cat'"),
    "class outside train": (
        "path,label,split\nimages/0.png,a,train\nimages/1.png,b,train\nimages/2.png,c,test",
        "class 'c' is in test but not in train",
    ),
    "no train": ("path,label,split\nimages/0.png,a,test\nimages/1.png,b,test", "no training images found, only test"),
    "binary": ("\0\1\2,\0", "not a text file"),
    "endless field": ("path,label\n" + "x" * 200_000 + ",cat", "cannot be read as a table"),
    "new line in a name": ('path,label\n"images/\n9.png",cat', r"no file 'images/\\n9.png'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_table_is_refused_in_one_line(case, photos):
    text, reason = REFUSED[case]
    write(photos / "t.csv", text.encode())
    before = hostile.snapshot(photos)
    with pytest.raises(DataError, match=reason) as refused:
        load_data(photos / "t.csv")
    assert len(str(refused.value).splitlines()) == 1 and "t.csv" in str(refused.value)
    assert hostile.snapshot(photos) == before


@pytest.mark.parametrize(
    ("text", "names", "reason"),
    [
        (
            "images/0.png 0\nimages/1.png 5",
            "cat\ndog",
            "line 2 has class 5, but labels.txt has 2 names, counted from 0",
        ),
        ("images/0.png 0\nimages/1.png dog", "cat\ndog", "line 2 is not `path index`"),
        ("images/0.png 0\nimages/1.png -1", "cat\ndog", "line 2 is not `path index`"),
        ("images/0.png 0\nimages/9.png 1", "cat\ndog", "line 2: there is no file 'images/9.png'"),
        ("images/0.png 0\nimages/1.png 1", "cat\ncat", "two classes are called 'cat'"),
    ],
)
def test_a_wrong_list_is_refused_in_one_line(text, names, reason, photos):
    write(photos / "list.txt", text.encode())
    write(photos / "labels.txt", names.encode())
    with pytest.raises(DataError, match=reason) as refused:
        load_data(photos / "list.txt")
    assert len(str(refused.value).splitlines()) == 1


def test_the_same_image_twice_counts_once(photos, caplog):
    lines = [*(f"images/{i}.png,{'ab'[i % 2]},train" for i in range(6)), "images/0.png,b,train", "images/1.png,b,val",
             "images/2.png,a,train"]  # fmt: skip
    write(photos / "t.csv", "\n".join(["path,label,split", *lines]).encode())
    assert len(load_data(photos).split("all")) == 6
    text = "the same image {}, from line {} on; its first line counts: images/{}.png\n"
    assert text.format("under two labels", 8, 0) in caplog.text and text.format("in two splits", 9, 1) in caplog.text
    assert "1 line repeats an earlier one and is not used" in caplog.text and caplog.text.count("the same image") == 2


def test_files_outside_the_folder_are_warned_about_and_out_of_reach_from_a_zip(photos, tmp_path, caplog):
    images(tmp_path / "else", "a.png", "b.png")
    write(photos / "t.csv", f"path,label\n../else/a.png,a\n{tmp_path / 'else/b.png'},b\n".encode())
    assert len(load_data(photos).split("all")) == 2 and "2 listed images lie outside the folder" in caplog.text
    with pytest.raises(DataError, match=r"there is no file '\.\./else/a\.png'"):
        load_data(zip_folder(tmp_path / "x.zip", photos))


def test_a_table_that_agrees_with_the_folders_is_not_used(tmp_path, caplog):
    root = images(tmp_path / "set", *(f"{c}/{i}.png" for c in "ab" for i in range(3)))
    write(root / "birds.csv", b"path,label\na/0.png,a\nb/0.png,b\n")
    assert load_data(root).class_names == ["a", "b"]
    assert "birds.csv is not used: the folder names are the classes" in caplog.text


def test_a_table_that_contradicts_the_folders_is_refused_unless_it_has_all_images(tmp_path, caplog):
    root = images(tmp_path / "set", *(f"{c}/{i}.png" for c in "ab" for i in range(3)))
    write(root / "birds.csv", b"path,label\na/0.png,x\nb/0.png,y\n")
    with pytest.raises(DataError, match=r"a/0.png is 'a' by its folder and 'x' by birds.csv: give the table as DATA"):
        load_data(root)
    assert load_data(root, folders="classes").class_names == ["a", "b"]
    assert load_data(root / "birds.csv").class_names == ["x", "y"]
    lines = [f"{c}/{i}.png,{'xy'[i % 2]}" for c in "ab" for i in range(3)]
    write(root / "birds.csv", "\n".join(["path,label", *lines]).encode())
    assert load_data(root).class_names == ["x", "y"]
    assert "the names of the folders are not used" in caplog.text


def test_notes_are_not_tables(tmp_path, caplog):
    root = images(tmp_path / "set", *(f"{c}/{i}.png" for c in "ab" for i in range(3)))
    for name, text in (("notes.txt", "bought in 1999"), ("results.csv", "epoch,loss\n1,2"), ("a.csv", "\0\0")):
        write(root / name, text.encode())
    assert load_data(root).class_names == ["a", "b"] and caplog.text == ""


def test_two_tables_that_are_not_splits(photos):
    for name in ("one.csv", "two.csv"):
        write(photos / name, b"path,label\nimages/0.png,a\nimages/1.png,b\n")
    with pytest.raises(DataError, match=r"several tables of labelled images, one.csv, two.csv: give one of them"):
        load_data(photos)


@pytest.mark.timeout(20)
def test_a_pipe_called_a_table_is_not_opened(photos):
    os.mkfifo(photos / "t.csv")
    with pytest.raises(DataError, match="not a regular file"):
        load_data(photos / "t.csv")
    with pytest.raises(DataError, match=r"images lie in images, whose name is no class: .*t.csv: not a regular file"):
        load_data(photos)


def test_class_names_stay_whole_if_they_would_be_equal_without_their_ids(tmp_path):
    write(tmp_path / "synset_words.txt", b"n02012849 crane\nn03126707 crane\n")
    assert read_class_names(tmp_path / "synset_words.txt") == ["n02012849 crane", "n03126707 crane"]


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    content=st.binary(max_size=120),
    head=st.sampled_from([b"", b"path,label\n", b"a.png 0\n"]),
    end=st.sampled_from(["csv", "tsv", "txt"]),
)
def test_random_bytes_are_refused_or_read(tmp_path_factory, content, head, end):
    path = tmp_path_factory.getbasetemp() / f"random.{end}"
    path.write_bytes(head + content)
    try:
        table = read_table(path.name, path, path.name)
        rows = understand(table, path_column(table, lambda name: True), Interpretation()).rows
        assert all(row.path for row in rows)
    except DataError as problem:
        assert len(str(problem).splitlines()) == 1
