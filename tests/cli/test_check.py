"""`convscope check` at the command line: what it prints, the exit code, and the same story as `convscope train`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from convscope.cli import main
from tests.data import hostile
from tests.data.hostile import small, write
from tests.data.sets import make_folders, zip_folder

KEYS = {"ok", "images", "classes", "splits", "problems"}


@pytest.fixture
def photos(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_folders(tmp_path / "photos", {"cat": 20, "dog": 20})
    return Path("photos")


def test_a_good_folder(photos, capsys):
    assert main(["check", "photos"]) == 0
    out, err = capsys.readouterr()
    assert "photos: 40 images in 2 classes, one channel" in out and err == ""
    assert [line.split() for line in out.splitlines() if line.startswith(("class ", "cat ", "all "))] == [
        ["class", "train", "val", "test"], ["cat", "14", "3", "3"], ["all", "28", "6", "6"]]  # fmt: skip
    assert out.rstrip().endswith("usable; try next  convscope train photos")
    assert list(Path().iterdir()) == [photos]


def test_json_stands_alone_and_lists_every_problem(photos, capsys):
    write(photos / "cat/broken.png", b"junk")
    write(photos / "dog/new\nline.png", b"")
    assert main(["check", "photos", "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found.keys() >= KEYS and found["ok"] and found["images"] == 42 and err == ""
    assert found["classes"] == {"cat": 21, "dog": 21} and sum(found["splits"].values()) == 42
    assert {(p["kind"], p["path"], p["severity"]) for p in found["problems"] if p["severity"] != "info"} == {
        ("unreadable", "cat/broken.png", "warning"), ("unreadable", "dog/new\\nline.png", "warning")}  # fmt: skip
    assert all(p.keys() == {"kind", "severity", "path", "message", "images"} for p in found["problems"])


@pytest.mark.parametrize("group_by", ["depth:9", "column:patient", "pattern:(", "patient"])
def test_a_wrong_grouping_is_an_error_of_usage(photos, capsys, group_by):
    assert main(["check", "photos", "--group-by", group_by]) == 2
    assert "--group-by" in capsys.readouterr().err


def test_strict_fails_as_train_does(photos, capsys):
    assert main(["check", "photos", "--strict"]) == 0
    write(photos / "cat/broken.png", b"junk")
    assert main(["check", "photos"]) == 0
    assert main(["check", "photos", "--strict"]) == 3
    assert "error: 1 files could not be used, and --strict was given" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_what_cannot_be_trained_on_is_exit_3_with_one_error_line(photos, capsys, words):
    for path in (photos / "dog").iterdir():
        path.unlink()
    assert main(["check", "photos", *words]) == 3
    out, err = capsys.readouterr()
    assert err == "error: photos: class 'dog' has no image: add some or remove the class\n"
    if words:
        found = json.loads(out)
        assert not found["ok"] and found["problems"][-1]["severity"] == "error"
    assert main(["train", "photos", "--epochs", "1"]) == 3
    assert capsys.readouterr().err == err and not Path("runs").exists()


@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_nothing_hangs_and_train_skips_the_same_files(photos, capsys):
    hostile.write_all(photos / "cat", {**hostile.USED, **hostile.SKIPPED})
    special = hostile.write_special(photos / "dog")
    (photos / "loop").symlink_to(".")
    (photos / "dog/up").symlink_to("../..")
    os.mkfifo(photos / "labels.csv")
    os.mkfifo(photos / "train.txt")
    before = hostile.snapshot(photos)
    assert main(["check", "photos", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    skipped = {p["path"] for p in found["problems"] if p["kind"] == "unreadable"}
    assert skipped == {f"cat/{name}" for name in hostile.SKIPPED} | {f"dog/{name}" for name in special}
    small_run = ["--model", "softmax_regression", "--epochs", "1", "--img-size", "8", "--cache", "off"]
    assert main(["train", "photos", *small_run]) == 0
    lines = capsys.readouterr().err.splitlines()
    named = {line.removeprefix("warning: skipped ").split(": ")[0] for line in lines if "warning: skipped " in line}
    assert named == skipped and hostile.snapshot(photos) == before


def test_many_problems_of_a_kind_are_cut_short_on_paper(photos, capsys):
    for i in range(25):
        write(photos / f"cat/broken{i:02d}.png", b"junk")
    assert main(["check", "photos"]) == 0
    out = capsys.readouterr().out
    assert out.count("warning ") == 10 and "... and 15 more of this kind (--json lists all)" in out
    assert "65 images in 2 classes, one channel; 25 cannot be used" in out


def test_the_sheet(photos, capsys):
    for name in ("sheet.png", "sheet.html"):
        assert main(["check", "photos", "--output", name, "--img-size", "32", "--crop-mode", "pad"]) == 0
        assert f"  {name}" in capsys.readouterr().out and Path(name).stat().st_size > 500
    for words, message in (
        (["--output", "sheet.gif"], "--output must end in .png or .html, not 'sheet.gif'"),
        (["--output", "photos/sheet.png"], "photos/sheet.png lies in the data set, where nothing is written"),
        (["--crop-mode", "stretch"], "--crop-mode must be one of auto, center, pad, squash, not 'stretch'"),
    ):
        assert main(["check", "photos", *words]) == 2
        out, err = capsys.readouterr()
        assert message in err and len(err.splitlines()) == 1 and out == ""
    assert not (photos / "sheet.png").exists()


def test_other_kinds_of_data(photos, capsys):
    table = Path("table.csv")
    table.write_text(
        "path,label\n" + "".join(f"photos/{c}/{i:03d}.png,{c}\n" for c in ("cat", "dog") for i in range(9))
    )
    assert main(["check", str(table)]) == 0
    assert "table.csv: 18 images in 2 classes" in capsys.readouterr().out
    assert main(["check", str(zip_folder(Path("photos.zip"), photos))]) == 0
    assert "photos.zip: 40 images in 2 classes" in capsys.readouterr().out
    assert main(["check", "digits"]) == 0
    assert "digits: 1,797 images in 10 classes, one channel" in capsys.readouterr().out


@pytest.mark.parametrize("source", ["photos.zip", "table.csv"])
def test_zips_and_tables_are_trained_on_and_evaluated(photos, capsys, source):
    zip_folder(Path("photos.zip"), photos)
    lines = [f"photos/{c}/{i:03d}.png,{c}" for c in ("cat", "dog") for i in range(20)]
    Path("table.csv").write_text("\n".join(["path,label", *lines]))
    words = [
        "train",
        source,
        "--model",
        "softmax_regression",
        "--epochs",
        "1",
        "--img-size",
        "8",
        "--json",
        "--name",
        "x",
    ]
    assert main(words) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["test"]["n"] == 6 and first["val"]["n"] == 6
    division = Path("runs/train/x/split.csv").read_text()
    write(photos / "cat/later.png", small(999))
    if source == "photos.zip":
        zip_folder(Path("photos.zip"), photos)
    assert main(["evaluate", "runs/train/x", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["n"] == 6 and again["top1"] == first["test"]["top1"]
    assert Path("runs/train/x/split.csv").read_text() == division


def test_held_out_images_stay_held_out_when_others_come(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_folders(tmp_path / "photos", {"train/cat": 20, "train/dog": 20, "test/cat": 3, "test/dog": 3})
    words = ["--model", "softmax_regression", "--epochs", "1", "--img-size", "8", "--json", "--name", "x"]
    assert main(["train", "photos", *words]) == 0
    first = json.loads(capsys.readouterr().out)
    for i in range(30):
        write(Path(f"photos/train/cat/later{i}.png"), small(999 + i))
    assert main(["evaluate", "runs/train/x", "--split", "val", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["n"], again["top1"]) == (first["val"]["n"], first["val"]["top1"]) == (6, first["val"]["top1"])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("packed", [False, True])
def test_two_thousand_mutated_images_crash_nothing(tmp_path, command, packed):
    """In a process of its own, where a crash by signal is one; whatever is not named must decode in training too."""
    generator, sources = np.random.default_rng(1), [*hostile.USED.items(), *hostile.SKIPPED.items()]
    for i in range(2000):
        name, (content, _) = sources[i % len(sources)]
        mutated = bytearray(content)
        for _ in range(generator.integers(1, 12)):
            if not mutated:
                break
            at = int(generator.integers(0, min(len(mutated), 600) if generator.random() < 0.7 else len(mutated)))
            match generator.integers(0, 4):
                case 0:
                    mutated[at] = generator.integers(0, 256)
                case 1:
                    del mutated[at : at + int(generator.integers(1, 50))]
                case 2:
                    mutated[at:at] = mutated[at : at + int(generator.integers(1, 50))]
                case 3:
                    mutated[at : at + 4] = generator.integers(0, 256, 4).astype(np.uint8).tobytes()
        write(tmp_path / f"set/{'ab'[i % 2]}/{i:04d}-{name}", bytes(mutated))
    source = zip_folder(tmp_path / "set.zip", tmp_path / "set") if packed else tmp_path / "set"
    done = command("check", source, "--json", "--near", "--output", tmp_path / "sheet.png", timeout=500)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["images"] == 2000 and 100 < found["usable"] < 1900
    skipped = {p["path"] for p in found["problems"] if p["kind"] == "unreadable"}
    words = ["--model", "softmax_regression", "--epochs", "1", "--img-size", "8", "--cache", "off"]
    done = command("train", source, *words, timeout=500)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr[-2000:]
    named = {
        line.removeprefix("warning: skipped ").split(": ")[0]
        for line in done.stderr.splitlines()
        if ": skipped " in line
    }
    assert named == skipped


def test_help_says_what_data_may_be(capsys):
    for verb in ("train", "check"):
        assert main([verb, "--help"]) == 0
    assert "path,label[,split]" in capsys.readouterr().out
