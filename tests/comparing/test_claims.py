"""Claims of runs in a shared folder: one owner at a time, and nobody waits for one that has ended."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from convscope.comparing import claims as module
from convscope.comparing.claims import Claims


@pytest.fixture
def others(tmp_path, monkeypatch):
    """The claims of this process, and those of another one of another machine, in the same folder."""
    with Claims(tmp_path) as own, Claims(tmp_path) as other:
        other.host = "elsewhere pid:[1]"
        yield own, other


def test_a_run_has_one_owner_until_it_is_given_up(others):
    own, other = others
    assert own.take("a-seed0") and not other.take("a-seed0") and not own.take("a-seed0")
    assert other.take("a-seed1") and own.take("a-seed10")
    own.release("a-seed0")
    assert other.take("a-seed0")


def test_many_at_once(tmp_path):
    taken, gate, owners = [], threading.Barrier(8), [Claims(tmp_path) for _ in range(8)]

    def take(owner: Claims) -> None:
        gate.wait()
        taken.append(owner.take("run"))

    threads = [threading.Thread(target=take, args=[owner]) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True]


def test_the_claim_of_a_process_that_has_ended_is_taken_over_at_once(others, tmp_path):
    own, _ = others
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / "run.1").write_text(f"{own.host} {ended.pid} | 3")
    assert own.take("run") and sorted(path.name for path in tmp_path.iterdir()) == ["run.1", "run.2"]
    own.release("run")
    assert not list(tmp_path.iterdir())


def test_a_claim_of_another_machine_is_stale_once_it_stands_still(others, tmp_path, monkeypatch):
    own, other = others
    assert other.take("run") and not own.take("run")
    monkeypatch.setattr(module, "STALE_SECONDS", -1.0)
    (tmp_path / "run.1").write_text(other._sign(1))  # it has moved since it was read
    assert not own.take("run")
    assert own.take("run")
    assert not other.take("run")


def test_an_owner_that_wakes_up_too_late_ends(tmp_path):
    """It must not go on to write into the run folder of the new owner."""
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom convscope.comparing import claims\n"
        "claims.BEAT_SECONDS = 0.1\n"
        "with claims.Claims(Path(sys.argv[1])) as own:\n    assert own.take('run')\n    print(flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], env=os.environ, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    process.stdout.readline()
    (tmp_path / "run.2").write_text("elsewhere pid:[1] 7 | 0")
    assert "another process has taken the run over" in process.communicate(timeout=30)[1]
    assert process.returncode == 6
