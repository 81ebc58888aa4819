"""Writing files: what is said when it fails."""

from __future__ import annotations

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
