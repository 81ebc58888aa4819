"""`convscope predict`: files, folders, patterns and standard input in; table, JSON, JSON lines and CSV out."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from convscope.cli import main


def test_predict_table(run, pictures, capsys):
    assert main(["predict", run, str(pictures), "--topk", "2"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) == 10 and all("%" in line for line in lines)
    right = sum(Path(line.split()[0]).stem == line.split()[1] for line in lines)
    assert right >= 9
    assert f"warning: skipped {pictures}/cut.png: " in captured.err
    assert "(it looks like a web page)" in captured.err
    assert "notes.txt" not in captured.err


def test_predict_json_forms(run, pictures, capsys):
    assert main(["predict", run, str(pictures), "--json", "--topk", "3"]) == 0
    document = json.loads(capsys.readouterr().out)
    first = document["predictions"][0]
    assert set(first) - {"reason"} == {"path", "label", "probability", "index", "abstained", "topk"}
    assert len(first["topk"]) == 3 and all(row["abstained"] == ("reason" in row) for row in document["predictions"])
    assert {Path(s["path"]).name for s in document["skipped"]} == {"cut.png", "page.jpg"}
    assert main(["predict", run, str(pictures), "--format", "jsonl", "--topk", "3"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == document["predictions"]
    assert main(["predict", run, str(pictures), "--format", "csv", "--topk", "2"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(rows[0]) == ["path", "label", "probability", "index", "label_2", "probability_2", "abstained"]
    assert [row["label"] for row in rows] == [p["label"] for p in document["predictions"]]


def test_predict_patterns_and_single_files(run, pictures, capsys):
    assert main(["predict", run, str(pictures / "[0-4].png"), str(pictures / "9.png"), "--format", "jsonl"]) == 0
    names = [Path(json.loads(line)["path"]).name for line in capsys.readouterr().out.splitlines()]
    assert names == ["0.png", "1.png", "2.png", "3.png", "4.png", "9.png"]


def test_predict_from_stdin(run, pictures):
    words = [sys.executable, "-m", "convscope", "predict", run, "-", "--json"]
    image = subprocess.run(words, input=(pictures / "3.png").read_bytes(), capture_output=True)
    paths = subprocess.run(words, input=os.fsencode(f"{pictures}/3.png\n{pictures}/5.png\n"), capture_output=True)
    single = json.loads(image.stdout)["predictions"]
    listed = json.loads(paths.stdout)["predictions"]
    assert single[0]["path"] == "-" and len(listed) == 2
    assert single[0]["label"] == listed[0]["label"]
    assert single[0]["probability"] == pytest.approx(listed[0]["probability"], abs=1e-5)
    nothing = subprocess.run(words, input=b"", capture_output=True, text=False)
    assert nothing.returncode == 2 and b"standard input is empty" in nothing.stderr


def test_strict_fails_after_saying_everything(run, pictures, capsys):
    assert main(["predict", run, str(pictures), "--strict"]) == 3
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 10 and "2 files could not be used, and --strict was given" in captured.err


@pytest.mark.parametrize(
    "name", ["a b.png", "新年.png", "quote'\".png", "new\nline.png", "-x.png", "😀.png", "ש.png", b"\xff\xfe.png"]
)
def test_any_file_name(run, pictures, capsys, name):
    target = pictures / (os.fsdecode(name) if isinstance(name, bytes) else name)
    target.write_bytes((pictures / "7.png").read_bytes())
    for form in ("table", "csv", "jsonl", "json"):
        assert main(["predict", run, "--format", form, "--", str(target)]) == 0
        assert capsys.readouterr().out
    assert main(["predict", run, "--json", "--", str(target)]) == 0
    assert json.loads(capsys.readouterr().out)["predictions"][0]["path"] == str(target)


def test_a_reader_that_leaves_early_is_no_error(run, pictures):
    words = f"{sys.executable} -m convscope predict {run} {pictures} --format jsonl | head -n 0"
    done = subprocess.run(words, shell=True, capture_output=True, text=True)
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


def test_csv_is_exact_unless_a_spreadsheet_or_a_terminal_reads_it(run, pictures, capsys, monkeypatch):
    names = ["=HYPERLINK(1)", "+1", "@x", "\x1b[2Jx", "plain"]
    for name in names:
        (pictures / f"{name}.png").write_bytes((pictures / "0.png").read_bytes())
    monkeypatch.chdir(pictures)
    words = ["predict", run, "--format", "csv", *(f"./{n}.png" if n == "plain" else f"{n}.png" for n in names)]

    def paths(*options: str) -> list[str]:
        assert main([*words, *options]) == 0
        return [row["path"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))]

    assert paths() == [f"{name}.png" for name in names]
    assert paths("--csv-safe") == ["'=HYPERLINK(1).png", "'+1.png", "'@x.png", "\x1b[2Jx.png", "plain.png"]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert paths()[3] == "\\x1b[2Jx.png"
