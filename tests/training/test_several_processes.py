"""What a training needs to know of several processes: tests/distributed runs them."""

from __future__ import annotations

import json

import pytest
import torch

import convscope as cs
from convscope.distributed import ALONE, Processes
from convscope.errors import DeviceError, UsageError
from convscope.training.several_processes import interrupted_run, require_enough_images, require_own_devices


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


@pytest.mark.parametrize(("seen", "rank", "name"), [(8, 3, "cuda:3"), (1, 3, "cuda:0"), (2, 1, "cuda:1")])
def test_each_process_has_the_device_of_its_number_or_the_only_one_that_it_sees(monkeypatch, seen, rank, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: seen)
    process = Processes(rank, 4, local_rank=rank)
    assert [process.device_name(given) for given in ("auto", "cuda", "cpu", "cuda:0")] == [name, name, "cpu", "cuda:0"]
    with pytest.raises(DeviceError, match="2 CUDA devices for more processes"):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        Processes(2, 4, local_rank=2).device_name("auto")


def test_two_processes_on_one_device_are_refused(monkeypatch):
    uuids = ["a", "b", "a"]

    class Gathering(Processes):
        def gathered(self, value):
            return uuids if value else [value] * 3

    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda device: type("Properties", (), {"uuid": uuids[device.index]})
    )
    require_own_devices(Gathering(0, 3), torch.device("cpu"))
    with pytest.raises(DeviceError, match="processes 0 and 2 of this training have the same CUDA device: start one"):
        require_own_devices(Gathering(1, 3), torch.device("cuda:1"))
