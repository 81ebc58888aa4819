"""What a training needs to know of several processes: tests/distributed runs them."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

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


class Alarmed:
    """The heartbeat of a process whose peer has ended."""

    def missing(self):
        return ["process 1 of this training has ended or does not answer"]

    def end(self):
        pass


class Losing(nn.Module):
    """Fails in its second step as gloo does, in the forward pass or on the way back."""

    def __init__(self, back: bool):
        super().__init__()
        self.layer, self.back, self.calls = nn.Linear(784, 10), back, 0

    def forward(self, images):
        self.calls += self.training
        answer = self.layer(images.flatten(1))
        if self.calls > 4 and not self.back:
            self.fail(None)
        if self.calls > 4:
            answer.register_hook(self.fail)
        return answer

    def fail(self, _):
        raise RuntimeError("[gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:38543")


@pytest.mark.parametrize("back", [False, True])
def test_a_connection_that_breaks_within_a_step_says_who_ended(tmp_path, monkeypatch, back):
    monkeypatch.setattr("convscope.training.train.join_processes", lambda: Processes(heartbeat=Alarmed()))
    with pytest.raises(DeviceError, match="process 1 of this training has ended or does not answer: start it again"):
        cs.train(
            "digits", Losing(back), epochs=1, batch_size=100, precision="float32", layout="contiguous",
            output=tmp_path, show=False,
        )  # fmt: skip
