"""The line on a terminal that says what a long command is doing."""

from __future__ import annotations

import io
import sys
import time

import pytest

from convscope import activity
from convscope.activity import CLEAR, doing, showing


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(activity, "PATIENCE", 0.02)
    monkeypatch.setattr(activity, "PERIOD", 0.005)
    monkeypatch.setattr(sys, "stderr", sys.stderr)


def wait_for(terminal: Terminal, text: str) -> None:
    end = time.monotonic() + 20
    while text not in terminal.getvalue():
        assert time.monotonic() < end, terminal.getvalue()
        time.sleep(0.005)


def test_what_is_done_is_shown_until_something_is_written(quick):
    terminal = Terminal()
    with showing(terminal):
        doing("evaluating")
        wait_for(terminal, f"{CLEAR}evaluating ... 0 s")
        print("warning: a line", file=sys.stderr)
        assert f"{CLEAR}warning: a line\n" in terminal.getvalue()
        doing("")
    assert sys.stderr is not terminal and terminal.getvalue().endswith(("\n", CLEAR))


def test_elsewhere_nothing_is_shown(quick):
    doing("evaluating")  # outside
    log = io.StringIO()
    with showing(log):
        doing("evaluating")
        time.sleep(0.05)
    assert log.getvalue() == ""


def test_it_speaks_chinese_and_leaves_an_error_alone(quick, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_LANG", "zh")
    terminal, before = Terminal(), sys.stderr
    with pytest.raises(ValueError, match="x"), showing(terminal):
        doing("validating")
        wait_for(terminal, "正在验证")
        raise ValueError("x")
    assert sys.stderr is before
