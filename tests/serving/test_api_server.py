"""`serve --api`: no page, no torch, several processes, each of which may end without a request being lost for long."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import httpx
import pytest

from convscope.bundle_config import BUNDLED, bundled_names
from convscope.cli import main
from convscope.serving.api.answering import GraphAnswering
from convscope.serving.api_server import hosting_of
from convscope.serving.options import ServeOptions

from .conftest import Running


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    """A bundle with a graph."""
    return Path(shutil.copytree(BUNDLED / "mnist-lenet5", tmp_path_factory.mktemp("bundle") / "lenet"))


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_worker(pid: int) -> bool:
    return "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()


def until(happened, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=1).status_code == 200
    except httpx.TransportError:
        return False


def total(url: str, name: str) -> float:
    lines = httpx.get(f"{url}/metrics", timeout=20).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def test_workers_answer_together_and_are_replaced(bundle, tmp_path, digit):
    running = Running(tmp_path, str(bundle), "--api", "--workers", "2", "--port", "0", "--log-format", "json")
    workers = [pid for pid in children_of(running.process.pid) if is_worker(pid)]
    assert len(workers) == 2
    for pid in workers:
        assert "libtorch" not in Path(f"/proc/{pid}/maps").read_text()

    def predict() -> dict:
        answer = httpx.post(f"{running.url}/predict", content=digit, timeout=20)  # a new connection each time
        assert answer.status_code == 200
        return answer.json()

    first = predict()
    assert first["model"] == "lenet" and httpx.get(f"{running.url}/").status_code == 404
    for _ in range(9):
        assert predict()["predictions"] == first["predictions"]
    assert total(running.url, "convscope_images_total") == 10  # whichever worker counts

    def logged() -> int:  # a line is written once the answer is on its way
        lines = [json.loads(line) for line in running.errors().split("\n")[:-1] if line.startswith("{")]
        return sum(line.get("path") == "/predict" for line in lines)

    until(lambda: logged() == 10)
    os.kill(workers[0], signal.SIGKILL)
    until(lambda: len([pid for pid in children_of(running.process.pid) if is_worker(pid)]) == 2)
    os.kill(workers[1], signal.SIGSTOP)  # the new one must answer
    until(lambda: answers(running.url), 60)
    os.kill(workers[1], signal.SIGCONT)
    assert predict()["predictions"] == first["predictions"]
    assert running.errors().count("it is started again") == 1

    config = json.loads((bundle / "config.json").read_text())
    (bundle / "config.json").write_text(json.dumps(config | {"metrics": {"changed": True}}))
    try:
        assert httpx.post(f"{running.url}/reload").json() == {"models": {"lenet": "being reloaded by all workers"}}
        until(lambda: running.errors().count("not made from the weights and settings") == 2)
        assert predict()["predictions"] == first["predictions"]  # the former one goes on
    finally:
        (bundle / "config.json").write_text(json.dumps(config))
    until(lambda: logged() == 12)
    survivors = children_of(running.process.pid)
    assert running.stop() == 143
    assert not any(Path(f"/proc/{pid}").exists() and is_worker(pid) for pid in survivors)


def test_without_a_target_the_bundled_classifiers_answer_without_torch():
    hosting = hosting_of([], ServeOptions())
    assert hosting.current == "mnist-relu" and list(hosting.by_id) == bundled_names()
    assert all(isinstance(hosted.find(), GraphAnswering) for hosted in hosting.by_id.values())
    assert hosting.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--workers", "2"], "add --api"),
        (["--api", "--open"], "leave --open out"),
        (["--api", "--train", "5"], "leave --train out"),
        (["--api", "nothing-here"], "nothing-here"),
    ],
)
def test_what_does_not_go_together_is_one_line(words, said, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "--port", "0", *words]) in (2, 4)
    errors = capsys.readouterr().err.strip().splitlines()
    assert said in errors[-1] and errors[-1].startswith("error: ")
