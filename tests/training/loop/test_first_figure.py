"""A first validation figure during a long first epoch."""

from __future__ import annotations

import re

import numpy as np

import convscope as cs
from convscope.training.loop import first_figure

from ..conftest import OPTIONS, digits


def test_it_is_shown_once_and_changes_nothing(tmp_path, monkeypatch, capsys):
    whole = digits(0, 1, 2)
    whole.splits["train"] = whole.splits["train"].take(np.arange(256))
    settings = {"epochs": 2, "output": tmp_path, **OPTIONS, "batch_size": 32}
    quiet = cs.train(whole, "mnist_fast", **settings)
    monkeypatch.setattr(first_figure, "DUE", 0.0)
    shown = cs.train(whole, "mnist_fast", **{**settings, "show": True})
    lines = [line for line in capsys.readouterr().err.splitlines() if "of the first epoch" in line]
    assert len(lines) == 1 and re.match(r"after 12% of the first epoch  val loss [\d.]+ acc [\d.]+%$", lines[0])
    timed = ("seconds", "images_per_second")
    rows = [[{k: v for k, v in row.items() if k not in timed} for row in run.history] for run in (quiet, shown)]
    assert rows[0] == rows[1]
