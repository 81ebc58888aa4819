"""The folder of the cache: its size limit, its listing, and clearing it while others read."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
import torch

from convscope.cli import main
from convscope.data import decoded
from convscope.data.decoding.cache_files import cache_root, clear, entries, make_room
from convscope.data.decoding.stream import StreamedPixels
from convscope.errors import UsageError

from .photos import decode_folder, files, make_photos


def test_the_least_recently_used_files_are_deleted_first(tmp_path, monkeypatch, caplog):
    cache, sets = tmp_path / "cache", [make_photos(tmp_path / str(i), seed=i) for i in range(4)]
    one = 20 * 3 * 16 * 20
    monkeypatch.setenv("CONVSCOPE_CACHE_SIZE", f"{3.8 * one / 1000}kB")
    set_of_file = {}
    for number in (0, 1, 2, 0, 3):  # the fourth does not fit beside the three; 1 is the oldest
        before = set(files(cache)) if cache.exists() else set()
        decode_folder(sets[number], cache)
        for name in set(files(cache)) - before:
            set_of_file[name] = number
        time.sleep(0.02)
    assert {set_of_file[name] for name in files(cache)} >= {0, 3}
    assert sum(set_of_file[name] == 1 for name in files(cache)) < 3
    assert sum(entry.bytes for entry in entries(cache)) <= 3.8 * one
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", 0)
    monkeypatch.setenv("CONVSCOPE_CACHE_SIZE", "1 kb")
    before = files(cache)
    parts = decode_folder(make_photos(tmp_path / "large", seed=9), cache)
    assert isinstance(parts["train"].pixels, StreamedPixels) and "fit neither" in caplog.text
    assert set(before) <= set(files(cache))  # nothing is deleted for what will not fit anyway
    monkeypatch.setenv("CONVSCOPE_CACHE_SIZE", "lots")
    with pytest.raises(UsageError, match="CONVSCOPE_CACHE_SIZE must be a size such as 500MB or 20GB, not 'lots'"):
        make_room(cache, 1, set())


def test_some_space_of_the_disk_is_always_left_free(tmp_path, monkeypatch):
    monkeypatch.setattr("convscope.data.decoding.cache_files._free", lambda _: 400_000_000)
    assert not make_room(tmp_path, 1000, set())


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete files that are in use")
def test_clearing_does_not_disturb_readers(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", 0)
    part = decode_folder(folder, tmp_path / "cache")["train"]
    deleted, freed, left = clear(tmp_path / "cache")
    assert (deleted, left) == (3, 0) and freed > 20 * 960 and files(tmp_path / "cache") == []
    assert torch.equal(part.pixels[:], decode_folder(folder, "off")["train"].pixels[:])


def test_the_cache_verb_lists_and_clears(folder, tmp_path, monkeypatch, capsys):
    def output(*words: str) -> str:
        assert main(["cache", *words]) == 0
        return capsys.readouterr().out

    cache = tmp_path / "mine" / "decoded"
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "mine"))
    monkeypatch.setenv("CONVSCOPE_CACHE_SIZE", "1.5GB")
    assert "0 files, 0 bytes of at most 1.5 GB" in output()
    decode_folder(folder, cache)
    shown = output()
    assert "3 files" in shown and "3 x 16 x 20" in shown and str(folder) in shown
    document = json.loads(output("show", "--json", "--cache", str(cache)))
    assert document["limit"] == 1_500_000_000 and sum(file["images"] for file in document["files"]) == 20
    assert document["files"][0]["settings"]["crop_mode"] == "center"
    assert document["files"][0]["source"].startswith(str(folder))
    assert "3 files removed" in output("clear") and files(cache) == []


def test_the_folder_that_the_option_names(monkeypatch, tmp_path):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path))
    assert cache_root("auto") == tmp_path / "decoded" and cache_root("off") is None
    assert cache_root("elsewhere") == Path("elsewhere")
