"""Inputs that atheris finds are loaded, answered or refused as promised."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("target", ["bundle", "body"])
def test_minutes_of_fuzzing_find_no_crash(target, tmp_path):
    pytest.importorskip("atheris", reason="atheris has no wheel for every Python: pip install atheris")
    options = ["-max_total_time=250", "-rss_limit_mb=4096", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", target, *options], capture_output=True, text=True, errors="replace"
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not list(tmp_path.glob("crash-*"))
