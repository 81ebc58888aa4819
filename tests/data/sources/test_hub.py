"""Hugging Face data sets: columns are found by type, splits and classes by name; saved sets need no network."""

from __future__ import annotations

import builtins
import pickle
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from convscope.data import load_data
from convscope.data.check.report import check_data
from convscope.data.image_file import UnreadableImage, fingerprint, read_bytes, read_image
from convscope.errors import DataError

from ..hostile import USED, small, write
from ..sets import class_by_name

datasets = pytest.importorskip("datasets")
NAMES = ["cat", "dog"]


@pytest.fixture(autouse=True)
def quiet(tmp_path, monkeypatch):
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")


def table(count: int, kind: Any = None, start: int = 0, **columns: list) -> Any:
    rows = {
        "image": [{"bytes": small(start + i), "path": None} for i in range(count)],
        "label": [i % 2 for i in range(count)],
        **columns,
    }
    features = {"image": datasets.Image(), "label": kind or datasets.ClassLabel(names=NAMES)}
    features |= {name: datasets.Value("int64") for name in columns if name not in features}
    return datasets.Dataset.from_dict(rows, features=datasets.Features(features))


def test_a_saved_data_set_with_splits(tmp_path, caplog):
    whole = {"train": table(8), "validation": table(4, start=50), "extra": table(2)}
    datasets.DatasetDict(whole).save_to_disk(tmp_path / "saved")
    data = load_data(tmp_path / "saved")
    assert data.class_names == NAMES and data.channels == 1 and not data.divided
    assert class_by_name(data, "val") == {f"validation/{i:06d}": NAMES[i % 2] for i in range(4)}
    assert [read_bytes(item) for item in data.splits["train"].images] == [small(i) for i in (0, 2, 4, 6, 1, 3, 5, 7)]
    assert "split 'extra' is not used" in caplog.text
    assert load_data(f"hf:{tmp_path / 'saved'}").class_names == NAMES


def test_a_saved_table_without_splits_is_divided_and_its_images_can_be_pickled(tmp_path):
    table(30, other=list(range(30))).save_to_disk(tmp_path / "saved")
    data = load_data(tmp_path / "saved")
    assert data.divided and set(data.splits) == {"train", "val", "test"}
    item, other = data.splits["train"].images[:2]
    back = pickle.loads(pickle.dumps(item))
    assert read_bytes(back) == read_bytes(item) and fingerprint(back) == fingerprint(item) != fingerprint(other)
    assert len(pickle.dumps(item)) < 10_000
    assert check_data(tmp_path / "saved").refusal is None


def test_labels_of_other_types(tmp_path):
    words = [NAMES[i % 2] for i in range(8)]
    for name, kind, values in (("text", "string", words), ("number", "int64", [i % 2 for i in range(8)])):
        table(8, datasets.Value(kind), label=values).save_to_disk(tmp_path / name)
        assert load_data(tmp_path / name).class_names == (NAMES if kind == "string" else ["0", "1"])


def test_a_cell_may_be_a_path_or_empty_or_broken(tmp_path):
    write(tmp_path / "red.jpg", USED["rgb.jpg"][0])
    cells = [{"bytes": None, "path": str(tmp_path / "red.jpg")}, None, {"bytes": b"no image", "path": "x.png"}]
    table(8, image=cells + [{"bytes": small(i), "path": None} for i in range(5)]).save_to_disk(tmp_path / "saved")
    data = load_data(tmp_path / "saved")
    found = dict(zip(data.split("all").names, data.split("all").images, strict=True))
    assert read_image(found["train/000000"]).size == (48, 32)
    with pytest.raises(UnreadableImage, match="no image in this row"):
        read_bytes(found["train/000001"])
    with pytest.raises(UnreadableImage, match="not an image"):
        read_image(found["train/000002"])
    problems = {p.path: p.message for p in check_data(tmp_path / "saved").problems if p.kind == "unreadable"}
    assert set(problems) == {"train/000001", "train/000002"}


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: datasets.Dataset.from_dict({"x": [1, 2], "label": [0, 1]}), "no column holds images; the columns are"),
        (lambda: table(4, datasets.Value("int64"), b=[1] * 4).rename_column("label", "a"),
         "none of the columns image, a, b is clearly the label"),
        (lambda: table(4, label=[0, None, 1, 0]), "row 1 of train has no label"),
        (lambda: datasets.DatasetDict({"test": table(4)}), "no split is called train; there are test"),
        (lambda: table(4, label=[0] * 4), "only one class, 'cat'"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_one_line(tmp_path, made, reason):
    made().save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match=reason) as refused:
        load_data(tmp_path / "saved")
    assert len(str(refused.value).splitlines()) == 1


def test_a_damaged_copy(tmp_path):
    table(4).save_to_disk(tmp_path / "saved")
    for path in (tmp_path / "saved").glob("*.arrow"):
        path.write_bytes(b"junk")
    with pytest.raises(DataError, match="saved by `datasets`, but cannot be read") as refused:
        load_data(tmp_path / "saved")
    assert len(str(refused.value).splitlines()) == 1


def test_the_hub_is_asked_by_name_and_its_failure_is_one_line(tmp_path, monkeypatch):
    requests: list[tuple] = []

    def answer(*words: Any, **options: Any) -> Any:
        requests.append((words, options))
        if words[0] == "nosuch/set":
            raise ConnectionError("Couldn't reach the Hub\nand more")
        return datasets.DatasetDict({"train": table(6), "test": table(2, start=70)})

    monkeypatch.setattr(datasets, "load_dataset", answer)
    data = load_data("hf:someone/pets:small", tmp_path)
    assert data.name == "hf:someone/pets:small" and set(data.splits) == {"train", "val", "test"}
    assert requests == [(("someone/pets", "small"), {"cache_dir": str(tmp_path)})]
    with pytest.raises(DataError, match=r"hf:nosuch/set could not be loaded \(Couldn't reach the Hub\)") as refused:
        load_data("hf:nosuch/set")
    assert len(str(refused.value).splitlines()) == 1
    with pytest.raises(DataError, match="hf: must be followed by a name, as in hf:OWNER/NAME"):
        load_data("hf:")


def test_without_the_library_the_error_says_how_to_install_it(monkeypatch):
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "datasets":
            raise ImportError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DataError, match=r"pip install 'convscope\[hub\]'"):
        load_data("hf:someone/pets")


def test_no_code_of_a_data_set_is_executed(tmp_path):
    """A folder may contain a loading script, as older data sets did."""
    folder: Path = tmp_path / "scripted"
    write(folder / "scripted.py", f"open({str(tmp_path / 'ran')!r}, 'w')".encode())
    for c in "ab":
        for i in range(3):
            write(folder / c / f"{i}.png", small(100 * ord(c) + i))
    assert load_data(folder).class_names == ["a", "b"]
    with pytest.raises(DataError):
        load_data(f"hf:{folder}")
    assert not (tmp_path / "ran").exists() and Image.open(folder / "a/0.png").size == (8, 8)
