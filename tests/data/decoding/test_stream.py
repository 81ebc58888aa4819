"""Data that fits neither memory nor cache: decoded by processes, the same every time, whatever happens to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import convscope as cs
from convscope.data import Preprocess, decoded, load_data
from convscope.data.batches import Batches, in_order
from convscope.data.decoded import Decoded, Reading, decode_split
from convscope.data.decoding import stream
from convscope.errors import DataError

GRAY = Preprocess((1, 12, 12))
UNSCALED = Preprocess((1, 12, 12), (0.0,), (1.0,))
CPU = torch.device("cpu")
# Recipe fields that would otherwise depend on how busy the machine is.
FIXED = {"epochs": 2, "batch_size": 8, "precision": "float32", "layout": "contiguous", "augment": "affine"}
# Trains by streaming and kills its own process at the n-th step.
KILLED = """
import os, signal, sys
import convscope.training.loop.trainer as trainer
from convscope.data import decoded
decoded.MOST_IN_MEMORY = decoded.SHARE_OF_MEMORY = 0
trainer.SAVE_APART_SECONDS = 0.0
real, calls = trainer.Trainer.step, []
def step(self, *given):
    calls.append(1)
    if len(calls) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, *given)
trainer.Trainer.step = step
from convscope.cli import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def streamed(squares, monkeypatch) -> Decoded:
    """The 48 squares, none of them in memory."""
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", 0)
    monkeypatch.setattr(decoded, "SHARE_OF_MEMORY", 0)
    return decode_split(load_data(squares).split("all"), GRAY, Reading("off", workers=2))


def running() -> set[int]:
    """Return the processes that this one has started and that still run."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    return {int(word) for word in listed.stdout.split() if Path(f"/proc/{word}/exe").exists()}


@pytest.fixture
def children() -> Callable[[], set[int]]:
    """What `running` returns, without processes that were there before the test, such as a browser."""
    before = running()
    return lambda: running() - before


def test_the_pixels_do_not_depend_on_chunks_and_workers(squares, streamed, monkeypatch, children):
    decoded.MOST_IN_MEMORY, decoded.SHARE_OF_MEMORY = 10**9, 1.0
    memory = decode_split(load_data(squares).split("all"), GRAY, Reading("off")).pixels
    batches = [torch.tensor(batch) for batch in ([5, 3, 5], list(range(40)), [7])]
    for workers, chunk in ((1, 32), (3, 7)):
        monkeypatch.setattr(stream, "CHUNK_IMAGES", chunk)
        streamed.pixels.workers = workers
        torch.manual_seed(0)
        for batch, pixels in zip(batches, streamed.pixels.take_batches(batches), strict=True):
            assert torch.equal(pixels, memory[batch])
            assert pixels.permute(0, 2, 3, 1).is_contiguous()
        assert torch.initial_seed() == 0 and torch.rand(1) == torch.rand(1, generator=torch.Generator().manual_seed(0))
    assert not children()


def test_an_epoch_that_ends_early_leaves_no_process(streamed, children):
    for _ in Batches(streamed, GRAY, 4, 0, CPU).epoch(0):
        assert children()
        break
    assert not children()


def test_files_that_vanish_are_cut_or_replaced(squares, streamed, caplog):
    gone, cut, other = (squares / "dark" / f"{i:02d}.png" for i in range(3))
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:40])
    other.write_bytes((squares / "bright" / "00.png").read_bytes())
    at = [streamed.names.index(f"dark/{i:02d}.png") for i in range(3)]
    for _ in range(2):  # two epochs, but each file is named once
        images = torch.cat([images for images, _ in in_order(streamed, UNSCALED, CPU, 9)])
        assert len(images) == 48
        assert (images[at[:2]] * 255).round().eq(stream.GRAY).all() and images[at[2]].mean() > 0.6
    assert len(caplog.messages) == 3
    lost, damaged, changed = sorted(caplog.messages)
    assert lost == "dark/00.png can no longer be read (no such file): a gray picture replaces it"
    assert "dark/01.png can no longer be read (" in damaged
    assert changed == "dark/02.png has changed since training began; used as it is now"
    assert streamed.pixels[at[0]].eq(stream.GRAY).all()


def test_a_folder_that_is_gone_stops_training(squares, streamed, children):
    for path in (squares / "dark").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"^5 of 48 images can no longer be read, the last one dark/\d\d.png \(no such"):
        list(in_order(streamed, GRAY, CPU))
    assert not children()


def test_a_worker_that_is_killed_is_an_error_of_one_line(streamed, monkeypatch, children):
    monkeypatch.setattr(stream, "CHUNK_IMAGES", 1)
    with pytest.raises(DataError, match="a process that decodes images was killed from outside"):
        for _ in Batches(streamed, GRAY, 2, 0, CPU).epoch(0):
            for child in children():
                os.kill(child, signal.SIGKILL)
    assert not children()


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "classifier" / "model.safetensors")


def test_training_is_the_same_from_memory_cache_and_stream_and_after_a_kill(squares, tmp_path, monkeypatch, children):
    options = {**FIXED, "output": tmp_path / "runs", "show": False}
    memory = cs.train(squares, "lenet_relu", name="memory", cache="off", **options)
    words = [f"--{key.replace('_', '-')}={value}" for key, value in FIXED.items()]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, "7", "train", squares, "--model=lenet_relu", "--cache=off", "--workers=2",
         "--output", tmp_path / "runs", "--name=killed", *words],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", 0)
    monkeypatch.setattr(decoded, "SHARE_OF_MEMORY", 0)
    cached = cs.train(squares, "lenet_relu", name="cached", cache=str(tmp_path / "cache"), **options)
    streaming = cs.train(squares, "lenet_relu", name="streaming", cache="off", **options)
    resumed = cs.resume(tmp_path / "runs" / "killed", show=False)
    expected = weights(memory.folder)
    for run in (cached, streaming, resumed):
        assert all(torch.equal(value, expected[name]) for name, value in weights(run.folder).items())
        assert [row["val/loss"] for row in run.history] == [row["val/loss"] for row in memory.history]
    assert not children()


def test_workers_end_with_the_process_that_started_them(squares, tmp_path):
    code = """
import sys, time, torch
from convscope.data import Preprocess, decoded, load_data
from convscope.data.decoding import stream
from convscope.data.decoded import Reading, decode_split
decoded.MOST_IN_MEMORY, decoded.SHARE_OF_MEMORY, stream.CHUNK_IMAGES = 0, 0, 1
part = decode_split(load_data(sys.argv[1]).split("all"), Preprocess((1, 12, 12)), Reading("off", workers=2))
for _ in part.pixels.take_batches(torch.arange(48).split(2)):
    print("begun", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code, squares], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True)
    workers = [int(word) for word in listed.stdout.split()]
    assert len(workers) == 2
    process.kill()
    process.wait()
    end = time.monotonic() + 20
    while any(Path(f"/proc/{worker}/exe").exists() for worker in workers) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{worker}/exe").exists() for worker in workers)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["cache", "off"])
def test_memory_does_not_grow_with_the_data(tmp_path, way):
    """With three times the images, the process's peak memory stays the same."""
    from PIL import Image

    random = np.random.default_rng(0)
    for i in range(1800):
        (tmp_path / "all" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        small.resize((300, 300)).save(tmp_path / "all" / "ab"[i % 2] / f"{i:04d}.jpg")
    code = """
import sys, torch
from convscope.data import Preprocess, decoded, load_data
from convscope.data.batches import Batches
from convscope.data.decoded import Reading, decode_split
decoded.MOST_IN_MEMORY = decoded.SHARE_OF_MEMORY = 0
preprocess = Preprocess((3, 224, 224), (0.5,) * 3, (0.5,) * 3)
split = load_data(sys.argv[1]).split("all").take(range(int(sys.argv[3])))
part = decode_split(split, preprocess, Reading(sys.argv[2], workers=2))
for _ in Batches(part, preprocess, 16, 0, torch.device("cpu")).epoch(0):
    pass
print(next(line.split()[1] for line in open("/proc/self/status") if "VmHWM" in line))
"""
    cache = tmp_path / "cache" if way == "cache" else "off"

    def peak(images: int) -> int:
        words = [sys.executable, "-c", code, tmp_path / "all", cache, str(images)]
        # glibc then returns the memory of freed images at once: what is measured is what is held, not fragmentation.
        environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
        return int(subprocess.run(words, capture_output=True, check=True, env=environment).stdout)

    assert peak(1800) < peak(600) + 60_000  # kB; the images are 180 MB more
