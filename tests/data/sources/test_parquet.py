"""Parquet files with images in them, in the layout of Hugging Face."""

from __future__ import annotations

import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from convscope.data import load_data
from convscope.data.image_file import UnreadableImage, fingerprint, read_bytes
from convscope.errors import DataError, UsageError
from convscope.problems import collect_problems

from ..hostile import small, write
from ..sets import class_by_name, make_folders

NAMES = ["cat", "dog", "bird"]
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def shard(path: Path, labels: list, start: int = 0, names: list[str] | None = NAMES, several: bool = False, **columns):
    """Write a file as `datasets` does, with the names of the classes in its metadata."""
    cells = [{"bytes": small(start + i), "path": f"{i}.png"} for i in range(len(labels))]
    arrays = {
        "image": pa.array(cells, IMAGE),
        "label": pa.array(labels),
        **{k: pa.array(v) for k, v in columns.items()},
    }
    table = pa.table(arrays)
    if names is not None:
        label = {"names": names, "_type": "ClassLabel"}
        features = {"image": {"_type": "Image"}, "label": {"feature": label, "_type": "Sequence"} if several else label}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=4)
    return path


@pytest.fixture
def hub_folder(tmp_path) -> Path:
    root = tmp_path / "set"
    shard(root / "data/train-00000-of-00002.parquet", [0, 1, 2, 0, 1, 2])
    shard(root / "data/train-00001-of-00002-0a1b2c3d.parquet", [0, 1, 2], 10)
    shard(root / "data/validation-00000-of-00001.parquet", [2, 0], 20)
    shard(root / "data/test-00000-of-00001.parquet", [1, 0], 30)
    write(root / "README.md", b"# card")
    return root


def test_the_layout_of_hugging_face(hub_folder):
    data = load_data(hub_folder)
    assert data.class_names == ["bird", "cat", "dog"]
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 9, "val": 2, "test": 2}
    assert data.origin.classes == "column label of the parquet files"
    assert data.origin.splits == "file names (train, val, test)"
    assert class_by_name(data, "val") == {
        "data/validation-00000-of-00001/000000": "bird", "data/validation-00000-of-00001/000001": "cat",
    }  # fmt: skip
    by_name = dict(zip(data.splits["train"].names, data.splits["train"].images, strict=True))
    assert read_bytes(by_name["data/train-00001-of-00002-0a1b2c3d/000002"]) == small(12)


def test_it_agrees_with_the_datasets_library(hub_folder):
    datasets = pytest.importorskip("datasets")
    files = {"train": [str(p) for p in sorted((hub_folder / "data").glob("train*"))]}
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(hub_folder.parent / "cache"))["train"]
    expected = sorted(loaded.features["label"].names[label] for label in loaded["label"])
    assert sorted(class_by_name(load_data(hub_folder), "train").values()) == expected


def test_split_folders_and_a_single_file(tmp_path):
    shard(tmp_path / "a/default/train/0000.parquet", [0, 1, 2, 0])
    shard(tmp_path / "a/default/test/0000.parquet", [0, 1], 10)
    assert {n: len(s) for n, s in load_data(tmp_path / "a").splits.items()}["test"] == 2
    path = shard(tmp_path / "only.parquet", [i % 3 for i in range(12)])
    data = load_data(path)
    assert data.divided and len(data.split("all")) == 12


def test_it_is_read_in_a_zip_and_by_threads(hub_folder):
    with zipfile.ZipFile(hub_folder.parent / "set.zip", "w") as archive:
        for path in hub_folder.rglob("*.parquet"):
            archive.write(path, path.relative_to(hub_folder))
    images = load_data(hub_folder.parent / "set.zip").splits["train"].images
    expected = list(map(read_bytes, load_data(hub_folder).splits["train"].images))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read_bytes, images)) == expected


def test_labels_without_names_and_words_as_labels(tmp_path):
    assert load_data(shard(tmp_path / "n.parquet", [3, 10] * 4, names=None)).class_names == ["3", "10"]
    assert load_data(shard(tmp_path / "w.parquet", ["猫", "dog"] * 4, names=None)).class_names == ["dog", "猫"]


def test_several_labels_and_further_columns(tmp_path):
    path = shard(tmp_path / "m.parquet", [[0], [0, 1], [], [1, 2]] * 4, several=True, patient=["a", "b"] * 8)
    data = load_data(path, group_by="column:patient")
    assert data.multi_label and data.class_names == NAMES
    assert set(data.groups.values()) == {"a", "b"}


def test_a_row_without_an_image_is_named(tmp_path):
    cells = [{"bytes": small(i), "path": None} for i in range(6)]
    cells[0], cells[1] = {"bytes": None, "path": "photos/x.png"}, None
    table = pa.table({"image": pa.array(cells, IMAGE), "label": pa.array(["a", "b"] * 3)})
    pq.write_table(table, tmp_path / "x.parquet")
    whole = load_data(tmp_path / "x.parquet").split("all")
    reasons = []
    for image in whole.images:
        try:
            read_bytes(image)
        except UnreadableImage as problem:
            reasons.append(str(problem))
    assert sorted(reasons) == ["no image in this row", "only the path of an image (photos/x.png), not its content"]


def test_refusals_are_one_line(tmp_path):
    path = tmp_path / "x.parquet"
    write(path, b"PAR1 but damaged")
    cases = [(path, "not a parquet file that can be read")]
    pq.write_table(pa.table({"text": ["a", "b"], "label": [0, 1]}), tmp_path / "text.parquet")
    cases.append((tmp_path / "text.parquet", "no column holds images"))
    cases.append((shard(tmp_path / "bad.parquet", [0, 7]), "row 1 has the label 7, which is none of 3 classes"))
    cases.append((shard(tmp_path / "none.parquet", [0, None]), "row 1 has no label"))
    shard(tmp_path / "two/a/train-00000-of-00001.parquet", [0, 1])
    shard(tmp_path / "two/b/train-00000-of-00001.parquet", [0, 1])
    cases.append((tmp_path / "two", "the folders a, b hold a data set each: give one of them as DATA"))
    shard(tmp_path / "differ/train-00000-of-00002.parquet", [0, 1])
    shard(tmp_path / "differ/train-00001-of-00002.parquet", [0, 1], names=["x", "y"])
    cases.append((tmp_path / "differ", "its columns or classes are not those of the other files"))
    for source, reason in cases:
        with pytest.raises(DataError, match=reason) as refused:
            load_data(source)
        assert len(str(refused.value).splitlines()) == 1


def test_the_label_can_be_chosen(tmp_path):
    path = shard(tmp_path / "x.parquet", [0, 1, 2] * 4, breed=["pug", "lab"] * 6)
    assert load_data(path, label_column="breed").class_names == ["lab", "pug"]
    with pytest.raises(DataError, match="no column 'colour' among label, breed"):
        load_data(path, label_column="colour")


def test_a_split_column_and_splits_without_labels(tmp_path, caplog):
    shard(tmp_path / "a.parquet", [0, 1, 2] * 4, split=["train"] * 9 + ["test"] * 3)
    data = load_data(tmp_path)
    assert {*class_by_name(data, "test")} == {f"a/{i:06d}" for i in range(9, 12)}
    assert data.origin.splits.startswith("the split column of the parquet files")
    shard(tmp_path / "a.parquet", [0, 1, 2], split=["train", "test", "spare"])
    with pytest.raises(DataError, match="row 2: unknown split 'spare': call it train, val or test"):
        load_data(tmp_path)
    (tmp_path / "a.parquet").unlink()
    shard(tmp_path / "train.parquet", [0, 1, 2] * 4)
    shard(tmp_path / "test.parquet", [-1] * 3, 20)
    assert len(load_data(tmp_path).split("all")) == 12
    assert "its 3 images have no labels (-1) and are not used" in caplog.text


def test_paths_without_content_are_refused(tmp_path):
    cells = [{"bytes": None, "path": f"{i}.png"} for i in range(4)]
    pq.write_table(pa.table({"image": pa.array(cells, IMAGE), "label": ["a", "b"] * 2}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="its images are paths without their content: save the table as"):
        load_data(tmp_path / "t.parquet")


def test_images_change_with_their_file(tmp_path):
    path = shard(tmp_path / "x.parquet", [0, 1] * 4)
    image = load_data(path).split("all").images[0]
    before = fingerprint(image)
    shard(path, [0, 1] * 5, 50)
    with pytest.raises(UnreadableImage, match="changed while it was in use"):
        read_bytes(image)
    assert fingerprint(load_data(path).split("all").images[0]) != before


def test_parquet_beside_image_folders_is_no_data_set(tmp_path):
    root = make_folders(tmp_path / "set", {"a": 3, "b": 3})
    shard(root / "embeddings.parquet", [0, 1])
    with collect_problems():
        assert load_data(root).class_names == ["a", "b"]


def test_without_pyarrow_one_line_says_what_to_install(tmp_path, monkeypatch):
    path = shard(tmp_path / "x.parquet", [0, 1] * 4)
    monkeypatch.setattr("convscope.errors.find_spec", lambda module: None)
    with pytest.raises(UsageError, match=r"parquet files need pyarrow: pip install 'convscope\[parquet\]'"):
        load_data(path)
