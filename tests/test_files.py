"""Writing files: what is said when it fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import convscope as cs
from convscope.files import write_atomically


def test_space_is_asked_for_only_where_it_is_short(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(cs.OutputError, match="File exists: choose a folder that you may write to"):
        write_atomically(tmp_path / "file" / "below", "text")


def test_a_full_disk_names_the_space_that_is_needed(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(cs.OutputError, match=r"No space left on device \(0.001 MB needed\): free some space"):
        write_atomically(tmp_path / "below", "text")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_or_device_is_written_into_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(tmp_path / "pipe", "text")
    assert os.read(reading, 100) == b"text" and (tmp_path / "pipe").is_fifo()
    os.close(reading)


def test_a_path_without_a_name_is_refused():
    with pytest.raises(cs.OutputError, match="names no file"):
        write_atomically(Path(), "text")
