"""The heartbeat: each process says every second that it runs, and ends when another one no longer does.

A process that is killed closes its connections, which the others notice at once; one that hangs (stopped, swapped out,
cut off) does not, and torch would wait for it for minutes. The signs of life lie in the key-value store through which
the processes have found each other.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass

from torch.distributed import Store

from ..errors import DeviceError
from ..messages.translate import translated
from ..this_machine import is_running, own_host

BEAT_SECONDS, SILENT_SECONDS = 1.0, 15.0
# One that has left this machine is missed sooner; those that all end by the same error need a moment for it.
GONE_SECONDS = 5.0
ENDED = "ended"


@dataclass
class _Peer:
    """The last sign of life of a process, and when this one read it."""

    read_at: float
    sign: str = ""

    def read(self, sign: str) -> None:
        """Take note of a sign of life."""
        if sign != self.sign:
            self.sign, self.read_at = sign, time.monotonic()

    def is_silent(self) -> bool:
        """Return whether the process has shown no sign of life for too long, and has not said that it ends."""
        silence = time.monotonic() - self.read_at
        if self.sign == ENDED or silence <= GONE_SECONDS:
            return False
        number = self._number_here()
        return silence > SILENT_SECONDS or (number is not None and not is_running(number))

    def kill(self) -> None:
        """End the process if it is one of this machine."""
        if (number := self._number_here()) is not None:
            with contextlib.suppress(OSError):
                os.kill(number, signal.SIGKILL)

    def _number_here(self) -> int | None:
        """Return the number of the process if it is one of this machine."""
        host, number = [*self.sign.split(" "), "", ""][:2]
        return int(number) if host == own_host() and number.isdigit() else None


class Heartbeat:
    """Writes this process's signs of life to `store` and reads those of the others, in a thread of its own.

    A second thread watches: the first one may itself wait for a store whose process is silent.
    """

    def __init__(self, store: Store, rank: int, count: int):
        self.store, self.rank = store, rank
        self.peers = {other: _Peer(read_at=time.monotonic()) for other in range(count) if other != rank}
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self._beat, self._watch)]
        for thread in self.threads:
            thread.start()
        atexit.register(self._stop)  # a thread that uses the store while Python shuts down would abort the process

    def end(self) -> None:
        """Say that this process ends on purpose."""
        self._stop()
        with contextlib.suppress(RuntimeError):  # the store has ended before
            self.store.set(_key(self.rank), ENDED)

    def _stop(self) -> None:
        self.ending.set()
        for thread in self.threads:
            thread.join(SILENT_SECONDS)

    def missing(self, wait: float = SILENT_SECONDS + 2 * BEAT_SECONDS) -> list[str]:
        """Return a sentence for each process that has ended or does not answer; wait for the first such one."""
        deadline = time.monotonic() + wait
        while not (found := self._silent()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return [f"process {rank} of this training has ended or does not answer" for rank in found]

    def _silent(self) -> list[int]:
        return [rank for rank, peer in self.peers.items() if peer.is_silent()]

    def _beat(self) -> None:
        number = 0
        try:
            while not self.ending.wait(BEAT_SECONDS):
                number += 1
                self.store.set(_key(self.rank), f"{own_host()} {os.getpid()} {number}")
                for rank, peer in self.peers.items():
                    if self.store.check([_key(rank)]):
                        peer.read(self.store.get(_key(rank)).decode())
        except RuntimeError:  # the store is gone, and with it the process that keeps it
            if not self.ending.is_set():
                _exit("the process that started this training has ended")

    def _watch(self) -> None:
        while not self.ending.wait(BEAT_SECONDS):
            if silent := self._silent():
                self._end_all(silent)

    def _end_all(self, silent: list[int]) -> None:
        """End this process, and those of this machine that do not answer: they would keep the others waiting."""
        for rank in silent:
            self.peers[rank].kill()
        _exit(f"process {silent[0]} of this training has ended or does not answer")


def _key(rank: int) -> str:
    return f"convscope/beat/{rank}"


def _exit(reason: str) -> None:
    """End the process from this thread: the main thread may wait for the silent process for ever."""
    print(
        translated(f"error: {reason}: start it again; what was saved is kept, see --resume"),
        file=sys.stderr,
        flush=True,
    )
    os._exit(DeviceError.exit_code)
