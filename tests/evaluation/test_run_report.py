"""The report of a run, written anew: the page with its curves, Markdown, JSON."""

from __future__ import annotations

import json
import shutil

import pytest

from convscope.cli import main
from convscope.run_folder import RunFolder


def test_a_report_is_written_anew_in_three_forms(digits_run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run = shutil.copytree(digits_run.folder, tmp_path / "run")
    top1 = digits_run.metrics["test"]["top1"]
    (run / "report.html").unlink()
    for form in ("html", "md", "json"):
        assert main(["report", "run", "--format", form]) == 0
        assert str(capsys.readouterr().out).strip() == f"report  {'run/report.' + form}"
    page = (run / "report.html").read_text("utf-8")
    assert f"{100 * top1:.1f}%" in page and "Loss per epoch" in page and ">Confidence<" in page
    assert f"<dd>{digits_run.metrics['train_seconds']:.1f} <small>" in page
    text = (run / "report.md").read_text("utf-8")
    assert f"**{top1:.2%}** of 269 test images" in text and "| 7 | 27 |" in text
    found = json.loads((run / "report.json").read_text("utf-8"))
    assert found["top1"] == pytest.approx(top1) and len(found["history"]) == 12
    assert found["best_epoch"] == digits_run.metrics["best_epoch"]
    assert found["diagnosis"][0] in text and found["commands"][0] in text and found["warnings"] == []
    assert main(["report", "run", "digits", "--split", "val", "--output", "other.html"]) == 0
    assert "validation images" in (tmp_path / "other.html").read_text("utf-8")
    assert main(["report", "mnist-relu"]) == 2
    assert "`convscope evaluate` writes its report" in capsys.readouterr().err
    assert main(["report", "run", "--format", "pdf"]) == 2


def test_the_best_epoch_is_the_one_that_was_kept_whatever_the_figures_say(digits_run, tmp_path):
    folder = RunFolder(shutil.copytree(digits_run.folder, tmp_path / "run"))
    for kept, epoch in (([0, 2, 3], 3), ([], None)):  # a run of an earlier version does not say it
        history = [dict(row) for row in digits_run.history]
        for row in history:
            del row["kept"]
            row |= {"kept": float(row["epoch"] in kept)} if kept else {}
        folder.write_metrics(history)
        assert main(["report", str(folder.path), "--format", "json"]) == 0
        assert json.loads((folder.path / "report.json").read_text("utf-8"))["best_epoch"] == epoch
