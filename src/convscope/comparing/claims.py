"""Who trains which run, where several processes or machines work on one comparison through a shared folder.

A claim is a small file that only one process can create, `claims/NAME.1`. Its owner rewrites it every few seconds. One
that has not changed for long, by the reader's own clock, or whose process has ended, is stale: whoever creates the file
of the next number has taken the run over. So no claim is ever removed by anyone but the newest owner, and two processes
that find the same stale claim cannot both get it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from pathlib import Path

from ..errors import DeviceError
from ..files import write_atomically
from ..this_machine import is_running, own_host

BEAT_SECONDS, STALE_SECONDS = 5.0, 60.0


class Claims:
    """The claims in `folder`, and a thread that keeps alive those of this process. To be used as a context."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.host = own_host()
        self.held: dict[str, Path] = {}
        # For each claim of another process: what it said when, by our own clock.
        self.seen: dict[Path, tuple[str, float]] = {}
        self.ending, self.lock = threading.Event(), threading.Lock()

    def __enter__(self) -> Claims:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.thread = threading.Thread(target=self._beat, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.ending.set()
        self.thread.join()
        for name in list(self.held):
            self.release(name)

    def take(self, name: str) -> bool:
        """Claim a run; return whether this process has it now."""
        newest = self._newest(name)
        if newest and not self._is_stale(self.folder / f"{name}.{newest}"):
            return False
        path = self.folder / f"{name}.{newest + 1}"
        try:
            with path.open("x", encoding="utf-8") as file:  # fails if another process was quicker, also on NFS
                file.write(self._sign(0))
        except FileExistsError:
            return False
        with self.lock:
            self.held[name] = path
        return True

    def release(self, name: str) -> None:
        """Give a run up, or say that it is finished."""
        with self.lock:
            own = self.held.pop(name, None)
        if own is None:
            return
        for number in range(1, _number(own) + 1):
            with contextlib.suppress(FileNotFoundError):
                (self.folder / f"{name}.{number}").unlink()

    def _newest(self, name: str) -> int:
        return max((_number(path) for path in self.folder.glob(f"{_escaped(name)}.*")), default=0)

    def _is_stale(self, path: Path) -> bool:
        try:
            sign = path.read_text(encoding="utf-8")
        except FileNotFoundError:  # given up meanwhile: whoever asks again will get it
            return False
        host, _, rest = sign.rpartition(" | ")[0].rpartition(" ")
        if host == self.host and rest.isdigit() and not is_running(int(rest)):
            return True
        before, since = self.seen.get(path, ("", 0.0))
        if sign != before or path not in self.seen:
            self.seen[path] = (sign, time.monotonic())
            return False
        return time.monotonic() - since > STALE_SECONDS

    def _sign(self, number: int) -> str:
        return f"{self.host} {os.getpid()} | {number}"

    def _beat(self) -> None:
        number = 0
        while not self.ending.wait(BEAT_SECONDS):
            number += 1
            with self.lock:
                held = dict(self.held)
            for name, path in held.items():
                with self.lock:
                    if self.held.get(name) != path:  # given up meanwhile
                        continue
                    if self._newest(name) > _number(path) or not path.exists():
                        _exit(name)
                    write_atomically(path, self._sign(number))


def _number(path: Path) -> int:
    number = path.name.rpartition(".")[2]
    return int(number) if number.isdigit() else 0


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "[*?" else letter for letter in name)


def _exit(name: str) -> None:
    """End the process from the thread: another one writes into the same run folder."""
    print(
        f"error: {name}: another process has taken the run over, since this one had stood still for a minute: start "
        "the command again to help with the rest",
        file=sys.stderr, flush=True,
    )  # fmt: skip
    os._exit(DeviceError.exit_code)
