"""The folder for downloads and decoded images."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from convscope.data.cache_folder import cache_folder


def test_the_environment_variable_names_it(monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", "elsewhere")
    assert cache_folder() == Path("elsewhere")
    monkeypatch.setenv("CONVSCOPE_CACHE", "")
    assert cache_folder() == Path(platformdirs.user_cache_dir("convscope"))
