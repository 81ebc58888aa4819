"""The report of a run, written anew: the page with its curves, Markdown, JSON."""

from __future__ import annotations

import json
import shutil

import pytest

from convscope.cli import main


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
    assert main(["report", "run", "digits", "--split", "val", "--output", "other.html"]) == 0
    assert "validation images" in (tmp_path / "other.html").read_text("utf-8")
    assert main(["report", "mnist-relu"]) == 2
    assert "`convscope evaluate` writes its report" in capsys.readouterr().err
    assert main(["report", "run", "--format", "pdf"]) == 2
