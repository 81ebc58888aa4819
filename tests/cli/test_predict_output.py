"""`convscope predict --output FILE`: rows as they come, and a stopped command that goes on where it ended."""

from __future__ import annotations

import csv
import json
import shutil
import signal

import pytest

from convscope.classifier import Classifier
from convscope.cli import main


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_a_stopped_command_goes_on_where_it_ended(run, pictures, tmp_path, capsys, monkeypatch, name):
    (pictures / "新,年\n.png").write_bytes((pictures / "7.png").read_bytes())
    whole, out = tmp_path / f"whole-{name}", tmp_path / name
    words = ["predict", run, str(pictures), "--csv-safe", "--output"]
    assert main([*words, str(whole)]) == 0
    said = capsys.readouterr()
    assert f"{whole}: 11 predictions" in said.out and "2 files skipped in all" in said.err

    answered, original = [], Classifier.predict_each

    def stopped(self, images, *further):
        for number, result in enumerate(original(self, images, *further)):
            if number == 6:
                signal.raise_signal(asked)
            answered.append(result)
            yield result

    monkeypatch.setattr(Classifier, "predict_each", stopped)
    asked, code = (signal.SIGTERM, 143) if name.endswith("csv") else (signal.SIGINT, 130)
    former = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
    assert main([*words, str(out)]) == code
    signal.signal(signal.SIGINT, former)
    assert "the same command goes on" in capsys.readouterr().err and not out.exists()
    (part,) = tmp_path.glob(f"{name}.*.part")
    part.write_bytes(part.read_bytes()[:-3])  # as a process that is killed leaves it
    # Another setting, another file: rows of two kinds are never mixed.
    monkeypatch.setattr(Classifier, "predict_each", original)
    assert main([*words, str(tmp_path / name), "--topk", "1"]) == 0
    assert part.exists() and len(out.read_text().splitlines()) >= 11
    capsys.readouterr()
    assert main([*words, str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    kept = sum(bool(result.predictions) for result in answered) - 1
    assert (answer["resumed"], answer["written"], len(answer["skipped"])) == (kept, 11 - kept, 2)
    assert answer["runtime"] == "torch" and answer["output"] == str(out) and not part.exists()

    def rows(path):
        if name.endswith("csv"):
            return list(csv.reader(path.open(encoding="utf-8", newline="")))
        return [json.loads(line) for line in path.read_text().splitlines()]

    def names(path):
        return [row[0] if name.endswith("csv") else row["path"] for row in rows(path)]

    assert names(out) == names(whole) and len(rows(out)) == len(rows(whole))


def test_nothing_is_left_of_a_call_that_cannot_work(run, pictures, tmp_path, capsys):
    bad = tmp_path / "bad"
    bad.mkdir()
    shutil.copy(pictures / "cut.png", bad)
    place = tmp_path / "out"
    assert main(["predict", run, str(bad), "--output", str(place / "a.csv")]) == 3
    assert capsys.readouterr().err.startswith(f"error: {bad / 'cut.png'}: damaged PNG") and files_in(place) == []
    (place / "b.csv").mkdir()
    assert main(["predict", run, str(pictures), "--output", str(place / "b.csv")]) == 7
    assert "b.csv: it is a folder" in capsys.readouterr().err and list(place.iterdir()) == [place / "b.csv"]
    assert main(["predict", run, str(pictures), "--output", str(place / "a.txt")]) == 2
    assert "must end with .csv or .jsonl" in capsys.readouterr().err
    assert main(["predict", run, str(pictures), "--format", "csv", "--output", str(place / "a.jsonl")]) == 2
    (tmp_path / "file").write_text("")
    assert main(["predict", run, str(pictures), "--output", str(tmp_path / "file" / "a.csv")]) == 7
    assert "cannot write" in capsys.readouterr().err
