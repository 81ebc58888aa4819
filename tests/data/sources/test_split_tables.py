"""Tables that say of each image its split and nothing else, beside a table of labels or class folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from convscope.data import load_data
from convscope.errors import DataError
from convscope.problems import collect_problems

from ..hostile import small, write
from ..sets import make_folders

ATTRIBUTES = ("Bald", "Smiling")
PARTS = {"train": range(1, 7), "val": (7, 8), "test": (9, 10)}


def celeba(root: Path, ending: str) -> Path:
    """CelebA as its authors publish it (counted rows, spaces) or as Kaggle does (.csv): 10 faces in three parts."""
    names = [f"{i:06d}.jpg" for i in range(1, 11)]
    for i, name in enumerate(names):
        write(root / "img_align_celeba" / name, small(i))
    marks = [(1 if i % 2 else -1, 1 if i % 3 else -1) for i in range(10)]
    part = {i: split for split, numbers in PARTS.items() for i in numbers}
    number = {"train": 0, "val": 1, "test": 2}
    boxes = [(95 + i, 71 - i, 226 + i, 313 + 2 * i) for i in range(10)]
    if ending == ".txt":
        rows = [f"{name} {a:2d} {b:2d}" for name, (a, b) in zip(names, marks, strict=True)]
        (root / "list_attr_celeba.txt").write_text("\n".join(["10", " ".join(ATTRIBUTES) + " ", *rows]) + "\n")
        rows = [f"{name}    {' '.join(map(str, box))}" for name, box in zip(names, boxes, strict=True)]
        (root / "list_bbox_celeba.txt").write_text("\n".join(["10", "image_id x_1 y_1 width height", *rows]) + "\n")
        rows = [f"{name} {number[part[i]]}" for i, name in enumerate(names, start=1)]
        (root / "list_eval_partition.txt").write_text("\n".join(rows) + "\n")
    else:
        rows = [f"{name},{a},{b}" for name, (a, b) in zip(names, marks, strict=True)]
        (root / "list_attr_celeba.csv").write_text("\n".join([f"image_id,{','.join(ATTRIBUTES)}", *rows]))
        rows = [f"{name},{','.join(map(str, box))}" for name, box in zip(names, boxes, strict=True)]
        (root / "list_bbox_celeba.csv").write_text("\n".join(["image_id,x_1,y_1,width,height", *rows]))
        rows = [f"{name},{number[part[i]]}" for i, name in enumerate(names, start=1)]
        (root / "list_eval_partition.csv").write_text("\n".join(["image_id,partition", *rows]))
    return root


@pytest.mark.parametrize("ending", [".txt", ".csv"])
@pytest.mark.parametrize("given", ["folder", "table"])
def test_celebas_attributes_are_joined_with_its_partition(tmp_path, ending, given):
    root = celeba(tmp_path, ending)
    data = load_data(root if given == "folder" else root / f"list_attr_celeba{ending}")
    assert data.multi_label and data.class_names == list(ATTRIBUTES)
    for split, numbers in PARTS.items():
        part = data.split(split)
        assert [Path(name).name for name in part.names] == [f"{i:06d}.jpg" for i in numbers]
        assert part.labels.tolist() == [[(i - 1) % 2, int((i - 1) % 3 > 0)] for i in numbers]
    assert data.origin.splits == f"list list_eval_partition{ending}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("splits.csv", "image,split\ncat/000.png,train\ncat/001.png,train\ncat/002.png,test\ndog/000.png,train\n"
                       "dog/001.png,train\ndog/002.png,test\n"),
        ("partition.txt", "cat/000.png 0\ncat/001.png 0\ncat/002.png 2\ndog/000.png 0\ndog/001.png 0\ndog/002.png 2\n"),
        ("division.csv", "path,is_test\ncat/000.png,no\ncat/001.png,no\ncat/002.png,yes\ndog/000.png,no\n"
                         "dog/001.png,no\ndog/002.png,yes\n"),
        ("list.txt", "3\nimage_name evaluation_status\ncat/000.png train\ncat/001.png train\ncat/002.png test\n"
                     "dog/000.png train\ndog/001.png train\ndog/002.png test\n"),
    ],
)  # fmt: skip
def test_class_folders_are_divided_by_a_table_of_splits(tmp_path, name, text):
    make_folders(tmp_path, {"cat": 3, "dog": 3})
    (tmp_path / name).write_text(text)
    data = load_data(tmp_path)
    assert data.class_names == ["cat", "dog"] and data.origin.splits.startswith(f"list {name}")
    assert sorted(data.split("test").names) == ["cat/002.png", "dog/002.png"]
    assert set(data.split("train").names + data.split("val").names) == {
        "cat/000.png", "cat/001.png", "dog/000.png", "dog/001.png"
    }  # fmt: skip


def test_splits_that_are_only_numbers_are_asked_for(tmp_path):
    make_folders(tmp_path, {"cat": 2, "dog": 2})
    (tmp_path / "splits.txt").write_text("cat/000.png 1\ncat/001.png 2\ndog/000.png 1\ndog/001.png 2\n")
    with pytest.raises(DataError, match=r"splits.txt: line 1: the splits are called 1, 2: call them train, val and te"):
        load_data(tmp_path)


def test_a_counted_table_with_a_short_row_names_it(tmp_path):
    for i in range(3):
        write(tmp_path / f"{i}.jpg", small(i))
    (tmp_path / "list.txt").write_text("3\na b\n0.jpg 1 -1\n1.jpg -1\n2.jpg -1 1\n")
    with pytest.raises(DataError, match=r"list\.txt: line 4 has 2 cells, not 3"):
        load_data(tmp_path / "list.txt")


def test_tables_of_boxes_do_not_hide_class_folders(tmp_path):
    make_folders(tmp_path, {"cat": 3, "dog": 3})
    rows = [f"{c}/00{i}.png,{i},{i + 3},{7 * i},{9 - i}" for c in ("cat", "dog") for i in range(3)]
    (tmp_path / "boxes.csv").write_text("\n".join(["image,x,y,width,height", *rows]))
    (tmp_path / "labels.csv").write_text("image,label\n" + "".join(
        f"{c}/00{i}.png,{'tame' if i else 'wild'}\n" for c in ("cat", "dog") for i in range(3)
    ))  # fmt: skip
    with collect_problems():
        assert load_data(tmp_path).origin.classes == "column label of labels.csv"
