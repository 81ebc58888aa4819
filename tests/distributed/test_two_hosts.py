"""One training on two hosts, as far as one machine can show it: they meet, over a slow link too, and survive a cut one.

`make test-slow` prints the figures with -rP; benchmarks/LOG.md records them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from safetensors.torch import load_file
from torch import Tensor

from convscope.run_folder import RunFolder

from .hosts import Link, NotPermittedError, two_hosts

pytestmark = pytest.mark.slow
TRAIN = [
    "-m", "convscope", "train", "digits", "--model", "lenet_relu", "--precision", "float32", "--layout", "contiguous",
    "--batch-size", "50", "--optimizer", "sgd", "--lr", "0.002", "--augment", "none", "--output", "runs",
]  # fmt: skip
STEPS = 26  # per epoch


@contextmanager
def permitted(**disturbances: float) -> Iterator[Link]:
    """The link between two hosts; where that is not permitted, the test is skipped."""
    try:
        with two_hosts(**disturbances) as made:
            yield made
    except NotPermittedError as reason:
        pytest.skip(f"no second host: {reason}")


@pytest.fixture
def link():
    with permitted() as made:
        yield made


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


def train(link: Link, folder: Path, name: str) -> tuple[float, dict[str, Tensor]]:
    """Train for two epochs on both hosts; return the seconds per step of the second one, and the weights."""
    results = finish(start(link, folder, "--name", name, "--epochs", "2"))
    assert [code for code, _ in results] == [0, 0], results
    run = RunFolder(folder / "runs" / name)
    rows = [float(row["seconds"]) for row in run.read_metrics()]
    return (rows[1] - rows[0]) / STEPS, load_file(next(run.path.glob("classifier/*.safetensors")))


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> tuple[float, dict[str, Tensor]]:
    """The training over a link that nothing disturbs."""
    with permitted() as link:
        return train(link, tmp_path_factory.mktemp("quick"), "quick")


def test_they_meet_and_a_slow_link_changes_the_time_alone(quick, link, tmp_path):
    """61,706 gradients in float32 are 0.25 MB per step, which 4 Mbit/s let through in half a second."""
    link.slow("4mbit")
    seconds, weights = train(link, tmp_path, "slow")
    print(f"seconds per step: {quick[0]:.3f} on a quick link, {seconds:.3f} at 4 Mbit/s")
    assert seconds > 2 * quick[0]
    assert all(weights[name].equal(tensor) for name, tensor in quick[1].items())


@pytest.mark.parametrize("loss", [0.0, 0.01])
def test_a_link_that_delays_everything_changes_the_time_alone(quick, tmp_path, loss):
    """Every packet, of torchrun, gloo and the heartbeat, takes 20 ms more in either direction; some are lost."""
    delay = 0.02
    with permitted(delay=delay, loss=loss) as link:
        seconds, weights = train(link, tmp_path, "late")
    print(f"seconds per step: {quick[0]:.3f} on a quick link, {seconds:.3f} with 20 ms more, {loss:.0%} lost")
    assert seconds > quick[0] + 2 * delay  # the all-reduce alone sends there and back
    assert all(weights[name].equal(tensor) for name, tensor in quick[1].items())


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
