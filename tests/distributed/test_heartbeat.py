"""A process that ends or hangs ends the others, in time and with exit code 6; a stop saves and all go on from it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

import convscope as cs
from convscope.distributed.heartbeat import ENDED, GONE_SECONDS, SILENT_SECONDS, _Peer
from convscope.run_folder import RunFolder
from convscope.this_machine import is_running, own_host

from .launched import ended, launch

TRAIN = [
    "-m", "convscope", "train", "digits", "--model", "lenet_relu", "--output", "runs", "--name", "run",
    "--precision", "float32", "--layout", "contiguous", "--batch-size", "50", "--optimizer", "sgd", "--lr", "0.002",
    "--augment", "none",
]  # fmt: skip
LIMIT = 30


def in_the_middle(folder, *words, **variables):
    """Two processes that have trained an epoch."""
    return after_an_epoch(launch([*TRAIN, *words], folder, **variables))


def after_an_epoch(processes):
    lines = []
    while "epoch " not in (line := processes[0].stderr.readline()):
        lines.append(line)
        assert line, lines
    return processes


def test_a_main_process_that_is_killed_ends_the_others(tmp_path):
    processes = in_the_middle(tmp_path, "--epochs", "5000")
    started = time.monotonic()
    processes[0].kill()
    results = ended(processes)
    assert results[1][0] == 6 and "what was saved is kept" in results[1][2].splitlines()[-1]
    assert time.monotonic() - started < LIMIT


def test_a_process_of_this_machine_that_has_ended_is_missed_sooner_than_one_elsewhere():
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        while is_running(gone.pid):  # before anybody has waited for it, too
            time.sleep(0.01)
        for sign, missed in {
            f"{own_host()} {gone.pid} 3": [False, True, True],
            f"{own_host()} {os.getpid()} 3": [False, False, True],
            f"other/pid:[7] {gone.pid} 3": [False, False, True],
            ENDED: [False, False, False],
        }.items():
            peer = _Peer(read_at=time.monotonic(), sign=sign)
            found = []
            for seconds in (0, GONE_SECONDS, SILENT_SECONDS):
                peer.read_at = time.monotonic() - seconds - 0.1 * (seconds > 0)
                found.append(peer.is_silent())
            assert found == missed, sign


def test_no_process_is_ended_that_has_only_the_number_of_a_lost_one_elsewhere():
    """As in two containers of one machine that have its name."""
    with subprocess.Popen(["sleep", "60"]) as other:
        _Peer(read_at=0, sign=f"{own_host()}x {other.pid} 3").kill()
        assert is_running(other.pid)
        _Peer(read_at=0, sign=f"{own_host()} {other.pid} 3").kill()
        assert other.wait(10) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("signal_name", ["SIGSTOP", "SIGKILL"])
def test_a_process_that_hangs_or_is_killed_ends_all(tmp_path, victim, signal_name):
    processes = in_the_middle(tmp_path, "--epochs", "5000")
    started = time.monotonic()
    processes[victim].send_signal(getattr(signal, signal_name))
    results = ended(processes)
    assert time.monotonic() - started < LIMIT
    assert results[victim][0] == -signal.SIGKILL
    assert results[1 - victim][0] == 6 and "ended" in results[1 - victim][2].splitlines()[-1]


def test_a_stop_of_one_saves_and_one_process_or_two_go_on_to_the_same_end(tmp_path):
    """Without dropout and batch norm, the number of processes changes nothing."""
    processes = in_the_middle(tmp_path, "--epochs", "8")
    processes[1].send_signal(signal.SIGTERM)
    results = ended(processes)
    assert [code for code, _, _ in results] == [143, 143]
    assert "go on with" in results[0][2] and not results[1][2]
    run = cs.resume(tmp_path / "runs" / "run", show=False)
    whole = cs.train(
        "digits", "lenet_relu", epochs=8, precision="float32", layout="contiguous", batch_size=50, optimizer="sgd",
        lr=0.002, augment="none", output=tmp_path, show=False,
    )  # fmt: skip
    assert run.metrics["epochs"] == 8
    expected = whole.classifier.network.state_dict()
    for name, tensor in run.classifier.network.state_dict().items():
        assert torch.allclose(tensor, expected[name], rtol=1e-3, atol=1e-4), name


@pytest.mark.slow
def test_two_processes_become_one_and_two_again(tmp_path):
    """Stopped in mid-epoch each time; the images come in the same order, so that the end is that of one process."""
    resume = ["-m", "convscope", "train", "--resume", "runs/run"]
    for number, count in enumerate([2, 1, 2]):
        processes = launch([*TRAIN, "--epochs", "9"] if not number else resume, tmp_path, count)
        if number < 2:
            after_an_epoch(processes)[-1].send_signal(signal.SIGTERM)
        results = ended(processes)
        assert [code for code, *_ in results] == [143 if number < 2 else 0] * count, results
    assert len(RunFolder(tmp_path / "runs" / "run").read_metrics()) == 9
    whole = cs.train(
        "digits", "lenet_relu", epochs=9, precision="float32", layout="contiguous", batch_size=50, optimizer="sgd",
        lr=0.002, augment="none", output=tmp_path, show=False,
    )  # fmt: skip
    expected = whole.classifier.network.state_dict()
    for name, tensor in cs.load(tmp_path / "runs" / "run").network.state_dict().items():
        assert torch.allclose(tensor, expected[name], rtol=1e-3, atol=1e-4), name


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_torchrun_starts_killed_processes_anew_and_nothing_is_lost(tmp_path):
    """Kill a random process 20 times: the end has the very weights of a training that was let alone."""

    def start(name: str) -> subprocess.Popen[bytes]:
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--max-restarts", "50"]
        words = [sys.executable, *launcher, *TRAIN, "--epochs", "120", "--name", name]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            words, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def epochs() -> int:
        return len(RunFolder(tmp_path / "runs" / "killed").read_metrics())

    with start("whole") as whole:
        assert whole.wait(600) == 0
    with start("killed") as launched:
        kills, before, chance = 0, 0, random.Random(0)
        while launched.poll() is None and kills < 20:
            time.sleep(0.1)
            if epochs() <= before:  # it has to get on between the kills, or it would never end
                continue
            time.sleep(chance.uniform(0, 1.5))
            before = epochs()
            found = subprocess.run(["pgrep", "-P", str(launched.pid)], capture_output=True, text=True).stdout.split()
            if found:
                os.kill(int(chance.choice(found)), signal.SIGKILL)
                kills += 1
        assert launched.wait(600) == 0 and kills >= 10
    bundles = [tmp_path / "runs" / name / "classifier" for name in ("whole", "killed")]
    weights = [load_file(next(bundle.glob("*.safetensors"))) for bundle in bundles]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
