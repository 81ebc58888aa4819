"""What a training needs to know of several processes: tests/distributed runs them."""

from __future__ import annotations

import json

import pytest

import convscope as cs
from convscope.distributed import ALONE, Processes
from convscope.errors import UsageError
from convscope.training.several_processes import interrupted_run, require_enough_images


def test_every_process_needs_two_images_of_a_batch():
    require_enough_images(ALONE, 1, 10)
    require_enough_images(Processes(0, 2), 4, 10)
    words = "2 processes share batches of 3 images: give --batch-size 4 or more, or fewer processes"
    with pytest.raises(UsageError, match=words):
        require_enough_images(Processes(1, 2), 3, 10)
    with pytest.raises(UsageError, match="--accumulate 5 divides batches of 9 images too finely: give --batch-size 10"):
        require_enough_images(ALONE, 9, 100, 5)
    with pytest.raises(UsageError, match="batches of 3 images"):
        require_enough_images(Processes(1, 2), 64, 3)


def test_a_launch_that_was_started_anew_finds_its_own_run(tmp_path, monkeypatch):
    for name, launch in (("a", "one"), ("b", "two"), ("c", None)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "env.json").write_text(json.dumps({"launch": launch}))
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "two")
    assert interrupted_run(ALONE, tmp_path) is None
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert interrupted_run(ALONE, tmp_path) == tmp_path / "b"
    assert interrupted_run(ALONE, tmp_path / "nowhere") is None
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "other")
    assert interrupted_run(ALONE, tmp_path) is None


def test_parts_that_are_too_small_leave_no_run_folder(tmp_path):
    with pytest.raises(UsageError, match="--accumulate 64 divides batches of 64 images too finely"):
        cs.train("digits", "lenet_relu", accumulate=64, epochs=1, output=tmp_path / "runs", show=False)
    assert not (tmp_path / "runs").exists()
