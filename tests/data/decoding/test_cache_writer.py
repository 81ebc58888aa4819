"""Writing to the cache: full disks, kills and other processes neither stop training nor leave anything behind."""

from __future__ import annotations

import logging
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from convscope.data import decoded
from convscope.data.decoding.pixel_file import PixelFileWriter

from .photos import decode_folder, files, make_photos, same, sums


def start_fork(work: Callable[[], Any]) -> Any:
    """Run `work` in a fork of this process; `result` waits for what it returns and for the warnings."""
    queue: Any = get_context("fork").SimpleQueue()

    def run() -> None:
        warnings: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: warnings.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("convscope").addHandler(handler)
        queue.put((work(), warnings))

    process: Any = get_context("fork").Process(target=run)
    process.queue = queue
    process.start()
    return process


def result(process: Any) -> tuple[Any, list[str]]:
    result = process.queue.get()
    process.join()
    return result


@pytest.mark.parametrize("room", [0, 10**9])
def test_a_disk_that_fills_up_does_not_stop_training(folder, tmp_path, monkeypatch, room):
    """For a process that may not write files of more than 3 kB, the disk is full."""
    cache, expected = tmp_path / "cache", sums(decode_folder(folder, "off"))
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", room)

    def work() -> Any:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
        return sums(decode_folder(folder, cache))

    found, warnings = result(start_fork(work))
    assert found == [("Tensor" if room else "StreamedPixels", total) for _, total in expected]
    assert sum("decoded images cannot be kept in" in line and "File too large" in line for line in warnings) == 1
    assert files(cache) == []


def test_a_cache_that_cannot_be_created_does_not_stop_training(folder, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    assert same(decode_folder(folder, tmp_path / "file" / "cache"), decode_folder(folder, "off"))
    assert sum("cannot be kept" in line for line in caplog.messages) == 1


def test_several_processes_at_the_same_time(folder, tmp_path, monkeypatch):
    cache, expected = tmp_path / "cache", sums(decode_folder(folder, "off"))
    monkeypatch.setattr(decoded, "SHARE_OF_MEMORY", 0)
    processes = [start_fork(lambda: sums(decode_folder(folder, cache))) for _ in range(3)]
    for process in processes:
        assert result(process)[0] == [("CachedPixels", total) for _, total in expected]
    assert len(files(cache)) == 3 and all(name.endswith(".pixels") for name in files(cache))


@pytest.mark.parametrize("moment", ["add", "finish", "replace"])
def test_a_killed_writer_leaves_nothing_behind(folder, tmp_path, monkeypatch, moment):
    cache = tmp_path / "cache"
    owner = Path if moment == "replace" else PixelFileWriter
    real, calls = getattr(owner, moment), []

    def killed(self, *given):
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(owner, moment, killed)
        process = start_fork(lambda: decode_folder(folder, cache))
        process.join()
    assert process.exitcode == -signal.SIGKILL
    assert sum("unfinished" in name for name in files(cache)) == 1
    assert same(decode_folder(folder, cache), decode_folder(folder, "off"))
    assert not [name for name in files(cache) if "unfinished" in name]


def test_a_file_that_another_process_is_writing_is_not_deleted(folder, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    name = f".unfinished-{os.uname().nodename}-{other.pid}-00000000"
    (cache / name).write_bytes(b"half")
    (cache / ".unfinished-elsewhere-1-00000000").write_bytes(b"another machine's")
    os.utime(cache / ".unfinished-elsewhere-1-00000000", (0, 0))
    decode_folder(folder, cache)
    assert [entry for entry in files(cache) if "unfinished" in entry] == [name]
    other.kill()
    other.wait()
    decode_folder(make_photos(tmp_path / "more", seed=5), cache)
    assert not [entry for entry in files(cache) if "unfinished" in entry]
