"""Crash and resume: real processes, killed in mid-epoch and while saving, go on to bit-identical weights."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

import convscope as cs
from convscope.run_folder import RunFolder

# What is measured may come out differently on a busy machine; here two runs are to be the same.
OPTIONS = (
    "digits", "--model", "lenet5", "--epochs", "3", "--batch-size", "256", "--name", "run", "--ema-decay", "0.9",
    "--augment", "affine", "--mixup", "0.2", "--precision", "float32", "--layout", "contiguous",
)  # fmt: skip
# Runs the command and kills its own process, as `kill -9` would, at the n-th call of a function.
KILLED_AT = """
import os, pathlib, signal, sys
import convscope.training.loop.trainer as trainer
where, count, words = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
trainer.SAVE_APART_SECONDS = 0.0  # save after every epoch, however short
owner, name = {"step": (trainer.Trainer, "step"), "fsync": (os, "fsync"), "rename": (pathlib.Path, "replace")}[where]
real = getattr(owner, name)
calls = 0
def counted(*args, **kwargs):
    global calls
    if name != "replace" or "state.safetensors" in str(args[1]):
        calls += 1
    if calls == count:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)
setattr(owner, name, counted)
from convscope.cli import main
sys.exit(main(words))
"""


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> cs.Run:
    place = tmp_path_factory.mktemp("reference")
    same = {"augment": "affine", "mixup": 0.2, "precision": "float32", "layout": "contiguous", "ema_decay": 0.9}
    return cs.train("digits", "lenet5", epochs=3, batch_size=256, output=place, show=False, **same)


def same_run(folder: Path, reference: cs.Run) -> None:
    ours, theirs = (load_file(path / "classifier" / "model.safetensors") for path in (folder, reference.folder))
    assert all(ours[name].equal(theirs[name]) for name in theirs) and len(ours) == len(theirs)
    measured, expected = (
        [{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in path.read_metrics()]
        for path in (RunFolder(folder), RunFolder(reference.folder))
    )
    assert measured == expected
    assert not [path for path in folder.rglob("*") if "unfinished" in path.name or "previous" in path.name]


@pytest.mark.parametrize(
    ("where", "count"),
    [
        pytest.param("step", 1, id="before the first step", marks=pytest.mark.slow),
        pytest.param("fsync", 9, id="while writing"),
        pytest.param("rename", 1, id="first save", marks=pytest.mark.slow),
        pytest.param("rename", 3, id="between best and last"),
        pytest.param("rename", 4, id="last save", marks=pytest.mark.slow),
    ],
)
def test_kill_9_and_resume(tmp_path, reference, where, count):
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT, where, str(count), "train", *OPTIONS],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run = cs.resume(tmp_path / "runs" / "train" / "run", show=False)
    same_run(run.folder, reference)
    assert [row["val/loss"] for row in run.history] == [row["val/loss"] for row in reference.history]


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-m", "convscope", "train", *words]
    return subprocess.Popen(arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_that_is_asked_for_saves_and_says_how_to_go_on(tmp_path, reference, number, code):
    process = start(tmp_path, *OPTIONS[:3], "--epochs", "3000", *OPTIONS[5:])
    state = tmp_path / "runs" / "train" / "run" / "checkpoints" / "last" / "state.safetensors"
    wait_for(state, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    last = err.strip().splitlines()[-1]
    assert last.startswith("stopped and saved after") and last.endswith(
        "go on with: convscope train --resume runs/train/run"
    )
    assert "Traceback" not in err and out == ""


@pytest.mark.slow
def test_killed_in_mid_epoch_and_resumed_by_the_command_that_was_printed(tmp_path, command, reference):
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT, "step", "12", "train", *OPTIONS],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL
    done = command("train", "--resume", "runs/train/run")
    assert done.returncode == 0, done.stderr
    same_run(tmp_path / "runs" / "train" / "run", reference)
    again = command("train", "--resume", "runs/train/run")
    assert again.returncode == 0 and "this run is finished" in again.stderr


def limited(size: int) -> None:
    """No file may grow beyond `size` bytes: to a program that writes, the same as a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path, command, reference):
    done = command("train", *OPTIONS, preexec_fn=lambda: limited(400_000))
    assert done.returncode == 7
    line = done.stderr.strip().splitlines()[-1]
    assert (
        line.startswith("error: cannot write runs/train/run/checkpoints/last/state.safetensors") and "MB needed" in line
    )
    assert not list((tmp_path / "runs").rglob("*unfinished*"))
    run = cs.resume(tmp_path / "runs" / "train" / "run", show=False)
    same_run(run.folder, reference)


def test_resume_with_other_things_is_refused(tmp_path, reference):
    folder = reference.folder
    with pytest.raises(cs.ModelFileError, match="was started with model lenet5, not lenet_relu"):
        cs.resume(folder, model="lenet_relu", show=False)
    with pytest.raises(cs.ModelFileError, match="was started with data digits, not mnist-5k"):
        cs.resume(folder, data="mnist-5k", show=False)
    with pytest.raises(cs.ModelFileError, match="no run to go on with"):
        cs.resume(tmp_path, show=False)


def test_resume_notices_that_the_images_changed(tmp_path, squares):
    cs.train(squares, "lenet_relu", epochs=1, output=tmp_path, name="run", show=False)
    (squares / "dark" / "00.png").write_bytes((squares / "bright" / "00.png").read_bytes())
    with pytest.raises(
        cs.ModelFileError, match=r"classes or other images .*1 image with another content .*dark/00.png"
    ):
        cs.resume(tmp_path / "run", epochs=2, show=False)


def test_last_is_the_run_that_was_started_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cs.ModelFileError, match="no run below the current directory"):
        cs.resume("last", show=False)
    for age, name in ((100, "new"), (200, "old")):
        run = cs.train("digits", "softmax_regression", epochs=1, name=name, show=False)
        os.utime(run.folder / "recipe.yaml", (10**9 - age, 10**9 - age))
    assert cs.resume("last", show=False).folder.name == "new" == cs.resume("new", show=False).folder.name


def test_a_finished_run_can_be_given_more_epochs(tmp_path):
    first = cs.train("digits", "softmax_regression", epochs=2, output=tmp_path, name="run", show=False)
    longer = cs.resume(first.folder, epochs=4, show=False)
    assert [row["epoch"] for row in longer.history] == [1, 2, 3, 4]
    assert longer.history[:2] == first.history
    assert cs.Recipe.load(first.folder / "recipe.yaml").epochs == 4


@pytest.mark.parametrize("damage", [b"", b"\x00" * 64, b"\xff" * 64], ids=["empty", "zeros", "hostile length"])
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    run = cs.train("digits", "softmax_regression", epochs=1, output=tmp_path, show=False)
    (run.folder / "checkpoints" / "last" / "state.safetensors").write_bytes(damage)
    with pytest.raises(cs.ModelFileError, match=r"last/state\.safetensors: damaged or no checkpoint"):
        cs.resume(run.folder, show=False)


KILLS = 100


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_kill_9_at_a_hundred_random_moments(tmp_path, reference):
    """Every other kill waits for the first checkpoint, since most others come before there is one."""
    generator = random.Random(0)
    with_checkpoint = 0
    for number in range(KILLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        process = start(folder, *OPTIONS)
        place = folder / "runs" / "train" / "run"
        state = place / "checkpoints" / "last" / "state.safetensors"
        wait_for(state if number % 2 else place / "recipe.yaml", process)
        time.sleep(generator.uniform(0, 0.3 if number % 2 else 1.5))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        with_checkpoint += state.exists()
        same_run(cs.resume(place, show=False).folder, reference)
    print(f"{KILLS} kills: {KILLS - with_checkpoint} before the first checkpoint, {with_checkpoint} after it")
    assert with_checkpoint >= KILLS // 2 and KILLS - with_checkpoint >= KILLS // 10
