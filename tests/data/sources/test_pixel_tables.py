"""Tables with an image in each row, as Kaggle has them: what is a pixel, a label, a split, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convscope.data import load_data
from convscope.errors import DataError

from ..sets import class_by_name

COUNT, SIDE = 24, 8
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, SIDE * SIDE), dtype=np.uint8)
PIXELS[:, [0, -1]] = 0
LABELS = [i % 3 for i in range(COUNT)]


def write_table(path: Path, rows, header: str = "", labels=LABELS, last: bool = False) -> Path:
    """Write a table with the label before the pixels, or after them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [header] if header else []
    for label, row in zip(labels, rows, strict=True):
        cells = [*map(str, row.tolist())]
        lines.append(",".join([*cells, str(label)] if last else [str(label), *cells]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


NAMES = [f"pixel{i}" for i in range(SIDE * SIDE)]
GRID = [f"{row}x{column}" for row in range(1, SIDE + 1) for column in range(1, SIDE + 1)]
HEADERS = {
    "kaggle": (["label", *NAMES], False),
    "label at the end, as HMNIST": (["pixel0000", *NAMES[1:], "label"], True),
    "positions": (["label", *GRID], False),
    "plain numbers, as pandas writes": ([*map(str, range(SIDE * SIDE)), "class"], True),
    "no header": ([], False),
    "no header, label at the end": ([], True),
    "a first row that became the header, as in A-Z": (["0", *(f"0.{i}" for i in range(1, SIDE * SIDE + 1))], False),
}


@pytest.mark.parametrize("columns, last", HEADERS.values(), ids=HEADERS.keys())
def test_each_row_is_a_picture_whatever_the_columns_are_called(tmp_path, columns, last):
    data = load_data(write_table(tmp_path / "digits.csv", PIXELS, ",".join(columns), last=last))
    whole = data.split("all")
    by_name = dict(zip(whole.names, zip(whole.images, whole.labels, strict=True), strict=True))
    assert data.class_names == ["0", "1", "2"] and data.divided and len(by_name) == COUNT
    for i in range(COUNT):
        image, label = by_name[f"digits.csv:line {i + 1 + bool(columns)}"]
        np.testing.assert_array_equal(image, PIXELS[i].reshape(SIDE, SIDE))
        assert label == LABELS[i]


def test_a_folder_of_kaggle_is_trained_on_the_table_with_labels(tmp_path):
    write_table(tmp_path / "train.csv", PIXELS, ",".join(["label", *NAMES]))
    (tmp_path / "test.csv").write_text(",".join(NAMES) + "\n" + ",".join(map(str, PIXELS[0])), encoding="utf-8")
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n", encoding="utf-8")
    data = load_data(tmp_path)
    assert data.divided and sum(map(len, data.splits.values())) == COUNT


def test_one_table_per_split_and_names_of_classes_beside_them(tmp_path):
    for part in ("train", "test"):
        write_table(tmp_path / f"sign_{part}" / f"sign_mnist_{part}.csv", PIXELS, ",".join(["label", *NAMES]))
    (tmp_path / "classes.txt").write_text("a\nb\nc\n", encoding="utf-8")
    data = load_data(tmp_path)
    assert data.class_names == ["a", "b", "c"] and len(data.splits["test"]) == COUNT and data.held_out
    assert class_by_name(data, "test")["sign_test/sign_mnist_test.csv:line 3"] == "b"


def test_fer2013_has_all_pixels_in_a_cell_and_its_own_names_of_splits(tmp_path):
    usages = ["Training", "Training", "PublicTest", "PrivateTest"] * (COUNT // 4)
    rows = zip([*LABELS[::-1]], PIXELS, usages, strict=True)
    lines = [f"{label},{' '.join(map(str, pixels))},{usage}" for label, pixels, usage in rows]
    path = tmp_path / "fer2013.csv"
    path.write_text("emotion, pixels, Usage\n" + "\n".join(lines), encoding="utf-8")
    data = load_data(tmp_path)
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 12, "val": 6, "test": 6}
    np.testing.assert_array_equal(data.splits["val"].images[0], PIXELS[2].reshape(SIDE, SIDE))
    assert "column emotion" in data.origin.classes


@pytest.mark.parametrize("interleaved", [True, False])
def test_order_of_colours_is_found_in_smooth_pictures(tmp_path, interleaved):
    ramp = np.linspace(0, 60, SIDE).astype(np.uint8)
    pictures = np.stack(
        [np.stack([ramp + 40 * i + 7 * c for c in range(3)], 1)[None].repeat(SIDE, 0) for i in (0, 1, 2)]
    )
    pictures[..., 1] += 80
    rows = (pictures if interleaved else pictures.transpose(0, 3, 1, 2)).reshape(3, -1).repeat(8, 0)
    header = ",".join(["label", *(f"p{i}" for i in range(rows.shape[1]))])
    data = load_data(write_table(tmp_path / "colour.csv", rows, header, np.repeat([0, 1, 2], 8).tolist()))
    assert data.channels == 3
    whole = data.split("all")
    for image, label in zip(whole.images, whole.labels, strict=True):
        np.testing.assert_array_equal(image, pictures[label])


def test_pixels_up_to_1_become_bytes(tmp_path):
    header = ",".join(["label", *NAMES])
    data = load_data(write_table(tmp_path / "unit.csv", (PIXELS / 255).round(5), header))
    assert sorted(map(bytes, data.split("all").images)) == sorted(map(bytes, PIXELS))


def test_pixels_of_another_range_are_refused(tmp_path):
    """scikit-learn's digits have 17 gray values, 0 to 16: taken for bytes they would be nearly black."""
    with pytest.raises(DataError, match="its pixels are 0 to 16: give 0 to 255 or 0 to 1"):
        load_data(write_table(tmp_path / "digits.csv", (PIXELS / 16).round().astype(int), ",".join(["label", *NAMES])))


def damaged(change):
    lines = [",".join(["label", *NAMES]), *(",".join(map(str, [i % 3, *row])) for i, row in enumerate(PIXELS.tolist()))]
    return "\n".join(change(lines))


REFUSED = {
    "a row cut short": (lambda lines: [*lines[:-1], lines[-1][:50]], r"line 25 has \d+ cells, the first one 65"),
    "a missing pixel": (lambda lines: [lines[0], lines[1], "0," + ",".join(["5", "", *["3"] * 62])], "line 3"),
    "a word among the pixels": (lambda lines: [lines[0], lines[1], "0," + ",".join(["x"] * 64)], "line 3 has pixels"),
    "16 bits": (lambda lines: [lines[0], "1," + ",".join(["4095"] * 64), *lines[2:]], "pixels are 0 to 4095"),
    "no square": (lambda lines: [line.rpartition(",")[0] for line in lines], "63 pixels in a row are no square"),
    "no labels": (lambda lines: [line.partition(",")[2] for line in lines], "no column with labels"),
    "two columns of labels": (
        lambda lines: [lines[0] + ",writer", *(f"{line},{i % 2}" for i, line in enumerate(lines[1:]))], None),
    "which column": (
        lambda lines: ["a,b," + lines[0].partition(",")[2], *(f"{i % 2},{line}" for i, line in enumerate(lines[1:]))],
        "--label-column"),
}  # fmt: skip


@pytest.mark.parametrize("change, message", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_wrong_is_said_with_its_line(tmp_path, change, message):
    path = tmp_path / "digits.csv"
    path.write_text(damaged(change), encoding="utf-8")
    if message is None:  # `label` is the label; the other column may group the images
        data = load_data(path, group_by="column:writer")
        assert data.class_names == ["0", "1", "2"] and set(data.groups.values()) == {"0", "1"}
        return
    with pytest.raises(DataError, match=message):
        load_data(path)


def test_several_tables_that_name_no_split_are_not_mixed(tmp_path):
    for name in ("hmnist_8_8_L.csv", "hmnist_8_8_M.csv"):
        write_table(tmp_path / name, PIXELS, ",".join(["label", *NAMES]))
    with pytest.raises(DataError, match=r"several tables with pixels, hmnist_8_8_L.csv, hmnist_8_8_M.csv: give one"):
        load_data(tmp_path)


def test_given_alone_a_table_named_after_a_split_holds_the_whole_set(tmp_path):
    assert load_data(write_table(tmp_path / "mnist_test.csv", PIXELS, ",".join(["label", *NAMES]))).divided
