"""`convscope check` reports what training would: the same refusals, the same warnings, the same skipped files."""

from __future__ import annotations

import logging
import shutil

import numpy as np
import pytest
from PIL import Image

from convscope.data import Preprocess, load_data
from convscope.data.check.report import check_data
from convscope.data.decoded import decode_data
from convscope.errors import DataError

from .. import hostile
from ..hostile import write
from ..sets import make_folders, zip_folder
from ..sources.test_class_folders import REFUSED, WARNED

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
SMALL = Preprocess((1, 8, 8))


def by_training(root, caplog) -> tuple[str | None, set[str], set[str]]:
    """Return what training says of a folder: the refusal, the warnings, and the files that it skips."""
    caplog.clear()
    try:
        parts = decode_data(load_data(root), SMALL)
        refusal, skipped = None, {name for part in parts.values() for name, _ in part.skipped}
    except DataError as problem:
        refusal, skipped = str(problem), set()
    lines = {r.getMessage() for r in caplog.records if r.levelno == logging.WARNING}
    lines = {line for line in lines if "skipped" not in line}
    return refusal, {line.split(": ", 1)[-1] if "same image" not in line else line for line in lines}, skipped


def by_checking(root) -> tuple[str | None, set[str], set[str]]:
    report = check_data(root)
    warnings = {p.message for p in report.problems if p.severity == "warning" and p.kind != "unreadable"}
    return report.refusal, warnings, {p.path for p in report.problems if p.kind == "unreadable"}


@pytest.mark.parametrize("case", [*REFUSED, *WARNED])
@pytest.mark.parametrize("zipped", [False, True])
def test_check_and_training_report_the_same(case, zipped, tmp_path, caplog):
    root = make_folders(tmp_path / "set", {**REFUSED, **WARNED}[case][0])
    before = hostile.snapshot(root)
    source = zip_folder(tmp_path / "set.zip", root) if zipped else root
    assert by_checking(source) == by_training(source, caplog)
    assert hostile.snapshot(root) == before


@pytest.mark.timeout(60)
def test_check_and_training_skip_the_same_hostile_files(tmp_path, caplog):
    root = make_folders(tmp_path / "set", {"good": 3, "special": 5})
    hostile.write_all(root / "good", {**hostile.USED, **hostile.SKIPPED})
    special = hostile.write_special(root / "special")
    shutil.copy(root / "good/rgb.jpg", root / "special/again.jpg")
    before = hostile.snapshot(root)
    checked, trained = by_checking(root), by_training(root, caplog)
    for found in (checked, trained):  # a training counts pages in a sample of the training images only
        found[1].difference_update([text for text in found[1] if "several pages" in text])
    assert checked == trained
    assert checked[2] == {f"good/{n}" for n in hostile.SKIPPED} | {f"special/{n}" for n in special}
    assert "the same image under two labels: good/rgb.jpg and special/again.jpg" in checked[1]
    report = check_data(root)
    assert report.skipped == len(checked[2]) and report.to_dict()["usable"] == len(hostile.USED) + 3 + 5 + 1
    assert hostile.snapshot(root) == before


def test_a_class_without_a_usable_image_is_refused(tmp_path, caplog):
    root = make_folders(tmp_path, {"a": 4})
    for i in range(4):
        write(root / f"b/{i}.png", b"junk %d" % i)
    report = check_data(root)
    assert "class 'b' has no usable training image" in (report.refusal or "")
    assert report.refusal == by_training(root, caplog)[0]
    assert report.skipped == 4 and not report.to_dict()["ok"]


def test_the_report_as_json(tmp_path):
    root = make_folders(tmp_path / "set", {"train/a": 3, "train/b": 2, "val/a": 1, "val/b": 1})
    write(root / "train/a/broken.png", b"junk")
    found = check_data(root).to_dict()
    assert found["ok"] and found["images"] == 8 and found["usable"] == 7 and found["channels"] == 1
    assert found["classes"] == {"a": 5, "b": 3} and found["splits"] == {"train": 6, "val": 2}
    assert found["counts"] == {"a": {"train": 4, "val": 1}, "b": {"train": 2, "val": 1}}
    assert found["sizes"] == {"smallest": [8, 8], "median": [8, 8], "largest": [8, 8]}
    (problem,) = [problem for problem in found["problems"] if problem["kind"] not in ("blank", "dark")]
    assert problem == {"kind": "unreadable", "severity": "warning", "path": "train/a/broken.png",
                       "images": ["train/a/broken.png"],
                       "message": "not an image that can be read (it looks like a text file)"}  # fmt: skip
    refused = check_data(tmp_path / "nowhere").to_dict()
    assert not refused["ok"] and refused["images"] == 0 and refused["problems"][0]["severity"] == "error"


def test_unusual_sizes_and_colours(tmp_path):
    random = np.random.default_rng(0)
    for c in "ab":
        for i in range(6):
            path = tmp_path / c / f"{i}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(random.integers(0, 256, (64, 80, 3), dtype=np.uint8)).save(path)
    Image.new("RGB", (400, 64), "red").save(tmp_path / "a/long.png")
    Image.new("L", (9, 12)).save(tmp_path / "b/small.png")
    report = check_data(tmp_path)
    text = {(p.kind, p.path): p.message for p in report.problems}
    assert "1 image is more than 3 times as long as wide" in text["odd-size", "a/long.png"]
    assert "less than a quarter of the usual 64 pixels" in text["odd-size", "b/small.png"]
    assert text["gray", "b/small.png"] == "1 image is gray, others are in colour: b/small.png"
    assert report.refusal is None and {(p.kind, p.severity) for p in report.problems} == {
        ("odd-size", "info"), ("gray", "info"), ("blank", "info")}  # fmt: skip
    assert report.sizes() == {"smallest": [9, 12], "median": [80, 64], "largest": [400, 64]}


def test_blank_and_very_dark_images(tmp_path):
    random = np.random.default_rng(0)
    for c in "ab":
        (tmp_path / c).mkdir()
        for i in range(5):
            Image.fromarray(random.integers(0, 256, (40, 40), dtype=np.uint8)).save(tmp_path / c / f"{i}.png")
    for i, value in enumerate((0, 128, 255)):
        Image.new("L", (40, 40), value).save(tmp_path / "a" / f"blank{i}.jpg")
    Image.fromarray(random.integers(0, 30, (40, 40), dtype=np.uint8)).save(tmp_path / "b/dark.png")
    found = {p.kind: p.images for p in check_data(tmp_path).problems}
    assert sorted(found["blank"]) == ["a/blank0.jpg", "a/blank1.jpg", "a/blank2.jpg"]
    assert found["dark"] == ("b/dark.png",)
    assert not {p.kind for p in check_data("digits").problems} & {"blank", "dark"}


def test_a_data_set_of_arrays_is_checked_too():
    report = check_data("digits", size=16)
    assert report.refusal is None and report.to_dict()["images"] == 1797 and report.sizes()["largest"] == [8, 8]
    assert set(report.thumbnails) == set("0123456789") and report.thumbnails["3"][0].shape == (16, 16, 1)
