"""The progress bar counts images on a terminal and is silent elsewhere."""

from __future__ import annotations

import io
import sys

import pytest

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
