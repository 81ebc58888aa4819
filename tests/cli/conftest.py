"""A trained run for the verbs, in an empty working directory."""

from __future__ import annotations

import pytest


@pytest.fixture
def run(digits_run, tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    return str(digits_run.folder)
