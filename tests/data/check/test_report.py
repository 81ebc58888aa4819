"""The data doctor tells what training would: the same refusals, the same warnings, the same files; and looks alike."""

from __future__ import annotations

import logging
import shutil

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from convscope.data import Preprocess, load_data
from convscope.data.check.contact_sheet import write_sheet
from convscope.data.check.near_duplicates import appearance, find_alike
from convscope.data.check.report import examine
from convscope.data.decoded import decode_data
from convscope.errors import DataError, UsageError
from convscope.problems import warn

from .. import hostile
from ..hostile import small, write
from ..sources.test_archive import pack_folder
from ..sources.test_class_folders import REFUSED, WARNED, tree

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
SMALL = Preprocess((1, 8, 8))


def trained(root, caplog) -> tuple[str | None, set[str], set[str]]:
    """What training says of a folder: the refusal, the warnings, and the files that it skips."""
    caplog.clear()
    try:
        parts = decode_data(load_data(root), SMALL)
        refusal, skipped = None, {name for part in parts.values() for name, _ in part.skipped}
    except DataError as problem:
        refusal, skipped = str(problem), set()
    lines = {r.getMessage() for r in caplog.records if r.levelno == logging.WARNING}
    lines = {line for line in lines if "skipped" not in line}
    return refusal, {line.split(": ", 1)[-1] if "same image" not in line else line for line in lines}, skipped


def checked(root) -> tuple[str | None, set[str], set[str]]:
    report = examine(root)
    warnings = {p.message for p in report.problems if p.severity == "warning" and p.kind != "unreadable"}
    return report.refusal, warnings, {p.path for p in report.problems if p.kind == "unreadable"}


@pytest.mark.parametrize("case", [*REFUSED, *WARNED])
@pytest.mark.parametrize("packed", [False, True])
def test_the_doctor_and_training_tell_the_same(case, packed, tmp_path, caplog):
    root = tree(tmp_path / "set", {**REFUSED, **WARNED}[case][0])
    before = hostile.snapshot(root)
    source = pack_folder(tmp_path / "set.zip", root) if packed else root
    assert checked(source) == trained(source, caplog)
    assert hostile.snapshot(root) == before


@pytest.mark.timeout(60)
def test_hostile_files_are_told_alike_and_counted(tmp_path, caplog):
    root = tree(tmp_path / "set", {"good": 3, "special": 5})
    hostile.write_all(root / "good", {**hostile.USED, **hostile.SKIPPED})
    special = hostile.write_special(root / "special")
    shutil.copy(root / "good/rgb.jpg", root / "special/again.jpg")
    before = hostile.snapshot(root)
    found = checked(root)
    assert found == trained(root, caplog)
    assert found[2] == {f"good/{n}" for n in hostile.SKIPPED} | {f"special/{n}" for n in special}
    assert "the same image under two labels: good/rgb.jpg and special/again.jpg" in found[1]
    report = examine(root)
    assert report.skipped == len(found[2]) and report.to_dict()["usable"] == len(hostile.USED) + 3 + 5 + 1
    assert hostile.snapshot(root) == before


def test_a_class_of_which_nothing_can_be_used_is_refused(tmp_path, caplog):
    root = tree(tmp_path, {"a": 4})
    for i in range(4):
        write(root / f"b/{i}.png", b"junk %d" % i)
    report = examine(root)
    assert "class 'b' has no usable training image" in (report.refusal or "")
    assert report.refusal == trained(root, caplog)[0]
    assert report.skipped == 4 and not report.to_dict()["ok"]


def test_what_it_says_for_programs(tmp_path):
    root = tree(tmp_path / "set", {"train/a": 3, "train/b": 2, "val/a": 1, "val/b": 1})
    write(root / "train/a/broken.png", b"junk")
    found = examine(root).to_dict()
    assert found["ok"] and found["images"] == 8 and found["usable"] == 7 and found["channels"] == 1
    assert found["classes"] == {"a": 5, "b": 3} and found["splits"] == {"train": 6, "val": 2}
    assert found["counts"] == {"a": {"train": 4, "val": 1}, "b": {"train": 2, "val": 1}}
    assert found["sizes"] == {"smallest": [8, 8], "median": [8, 8], "largest": [8, 8]}
    (problem,) = found["problems"]
    assert problem == {"kind": "unreadable", "severity": "warning", "path": "train/a/broken.png",
                       "message": "not an image that can be read (it looks like text)"}  # fmt: skip
    refused = examine(tmp_path / "nowhere").to_dict()
    assert not refused["ok"] and refused["images"] == 0 and refused["problems"][0]["severity"] == "error"


def test_odd_sizes_and_colours(tmp_path):
    coin = np.random.default_rng(0)
    for c in "ab":
        for i in range(6):
            path = tmp_path / c / f"{i}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(coin.integers(0, 256, (64, 80, 3), dtype=np.uint8)).save(path)
    Image.new("RGB", (400, 64), "red").save(tmp_path / "a/long.png")
    Image.new("L", (9, 12)).save(tmp_path / "b/small.png")
    report = examine(tmp_path)
    text = {(p.kind, p.path): p.message for p in report.problems}
    assert "1 image is more than 3 times as long as wide" in text["odd-size", "a/long.png"]
    assert "less than a quarter of the usual 64 pixels" in text["odd-size", "b/small.png"]
    assert text["gray", "b/small.png"] == "1 image is gray among others in colour: b/small.png"
    assert report.refusal is None and {p.severity for p in report.problems} == {"info"}
    assert report.sizes() == {"smallest": [9, 12], "median": [80, 64], "largest": [400, 64]}


def test_images_that_look_the_same(tmp_path):
    from skimage import data as photos

    sources = [Image.fromarray(photo) for photo in (photos.astronaut(), photos.chelsea(), photos.coffee(),
                                                    photos.rocket(), photos.camera())]  # fmt: skip
    changed = [
        lambda image: image.resize((150, 140)),
        lambda image: ImageEnhance.Brightness(image).enhance(1.15),
        lambda image: image.convert("L"),
    ]
    pictures = [*sources, *(change(image) for image in sources for change in changed)]
    groups = find_alike([appearance(image) for image in pictures])
    assert sorted(map(sorted, groups)) == [[i, *range(5 + 3 * i, 8 + 3 * i)] for i in range(5)]
    assert find_alike([appearance(Image.new("RGB", (9, 9), c)) for c in ("red", "blue")]) == []
    for c in "ab":
        (tmp_path / c).mkdir()
        for i, image in enumerate(sources[:4]):
            image.transpose(i + (2 if c == "b" else 0)).save(tmp_path / c / f"{i}.png")
    sources[0].save(tmp_path / "a/x.png")
    sources[0].save(tmp_path / "b/x.jpg", quality=60)
    kinds = {(p.kind, p.message) for p in examine(tmp_path, near=True).problems if p.kind.startswith("near")}
    assert ("near-two-labels", "images that look the same under two labels: a/x.png and b/x.jpg") in kinds
    assert not [p for p in examine(tmp_path).problems if p.kind.startswith("near")]


def test_an_array_set_is_examined_as_well():
    report = examine("digits", size=16)
    assert report.refusal is None and report.to_dict()["images"] == 1797 and report.sizes()["largest"] == [8, 8]
    assert set(report.thumbnails) == set("0123456789") and report.thumbnails["3"][0].shape == (16, 16, 1)


@pytest.mark.parametrize("ending", ["png", "html"])
def test_the_sheet_shows_what_the_network_would_see(ending, tmp_path):
    for c, colour in (("red <b>", "red"), ("猫", "blue")):
        for i in range(12):
            path = tmp_path / f"set/{c}/{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (30 + i, 20), colour).save(path)
    report = examine(tmp_path / "set", size=24, crop_mode="pad")
    write_sheet(report, tmp_path / f"sheet.{ending}")
    content = (tmp_path / f"sheet.{ending}").read_bytes()
    if ending == "png":
        image = Image.open(tmp_path / "sheet.png")
        colours = {colour for _, colour in image.getcolors(1 << 20)}
        assert {(255, 0, 0), (0, 0, 255), (0, 0, 0)} <= colours and image.width >= 8 * 24
    else:
        text = content.decode()
        assert text.count("<img") == 16 and "red &lt;b&gt;" in text and "猫" in text and "<b>" not in text
        assert "http" not in text.replace("http-equiv", "")
    with pytest.raises(UsageError, match=r"must end in .png or .html, not 'sheet.gif'"):
        write_sheet(report, tmp_path / "sheet.gif")


def test_warnings_are_logged_where_nobody_collects_them(tmp_path, caplog):
    warn("kind", "a\nb", "message")
    assert caplog.messages == ["a\\nb: message"]
    caplog.clear()
    tree(tmp_path, {"a": 3, "b": 1})
    examine(tmp_path)
    assert caplog.messages == []
    load_data(tmp_path)
    assert len(caplog.messages) == 1


def test_a_file_that_vanishes_or_changes_between_the_scan_and_the_reading(tmp_path):
    root = tree(tmp_path, {"a": 6, "b": 6})
    data = load_data(root)
    paths = data.splits["train"].images
    paths[0].unlink()
    paths[1].write_bytes(b"")
    paths[2].write_bytes(hostile.SKIPPED["cut-50.png"][0])
    paths[3].write_bytes(small(4711))
    paths[4].unlink()
    paths[4].symlink_to("nowhere")
    parts = decode_data(data, SMALL)
    reasons = [reason for _, reason in parts["train"].skipped]
    assert len(reasons) == 4 and reasons[:2] == ["no such file", "empty file"] and "damaged" in reasons[2]
    assert reasons[3] == "link to a file that is not there" and len(parts["train"]) == len(paths) - 4
