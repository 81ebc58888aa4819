"""The progress bar counts images on a terminal; elsewhere a line does now and then, unless the work is short."""

from __future__ import annotations

import io
import sys

import pytest

from convscope.data.decoding import progress_bar
from convscope.data.decoding.progress_bar import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("show", "stream", "shown"), [
    (True, Terminal(), True), (True, io.StringIO(), False), (False, Terminal(), False),
])  # fmt: skip
def test_the_bar_is_shown_on_a_terminal_if_it_is_wanted(show, stream, shown, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with ProgressBar(show, 7) as bar:
        bar.advance(3)
        bar.advance(4)
    assert ("reading images" in stream.getvalue() and "7/7" in stream.getvalue()) is shown
    assert shown or stream.getvalue() == ""


def test_without_a_terminal_long_work_writes_lines_in_the_language_of_the_user(monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    monkeypatch.setenv("CONVSCOPE_LANG", "zh")
    seconds = iter([0.0, 1.0, 4.0, 4.0, 8.0, 14.0, 14.0, 30.0])  # of the clock at each look
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: next(seconds))
    with ProgressBar(True, 9_000) as bar:
        for _ in range(4):
            bar.advance(1_000)
    assert stream.getvalue().splitlines() == [
        "正在读取图像：2,000 / 9,000，还需 14 秒", "正在读取图像：4,000 / 9,000，还需 18 秒"
    ]  # fmt: skip
