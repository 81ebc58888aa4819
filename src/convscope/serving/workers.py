"""Several processes that answer on one address: started together, restarted alone, ended together.

Each has its own copy of the service and some of the cores; the operating system gives a connection to whichever accepts
it. The first process computes nothing: it passes on signals and replaces a worker that has ended.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

from ..errors import ConvScopeError, printable
from .api.hosting import Hosting
from .api.metrics import SHARED_FOLDER
from .http_server import EXIT_CODES, HttpServer

log = logging.getLogger("convscope")
# A worker that ends so soon after its start so often would go on ending.
SECONDS_TO_LIVE, SHORT_LIVES = 5.0, 3
SECONDS_TO_END = 15.0


@dataclass
class Made:
    """A service that is ready to listen."""

    hosting: Hosting
    server: HttpServer

    @property
    def names(self) -> list[str]:
        """The ids of the classifiers."""
        return list(self.hosting.by_id)

    def run(self, listening: socket.socket) -> int:
        """Serve until a signal arrives, finish open requests, and return the signal's exit code."""
        gc.collect()
        gc.freeze()  # what is there for good: to look through it again and again would hold up requests
        try:
            self.server.run(sockets=[listening])
        finally:
            has_ended = self.hosting.close()
        if not has_ended:  # it is still in the network; ending the interpreter under it would crash
            sys.stdout.flush()
            os._exit(self.server.exit_code)
        return self.server.exit_code


class Workers:
    """`count` processes, each with the service that `make` returns there, on one listening socket."""

    def __init__(self, count: int, make: Callable[[], Made], listening: socket.socket):
        self.count, self.make, self.listening = count, make, listening
        self.processes: dict[int, BaseProcess] = {}
        self.born: dict[int, float] = {}
        # Of those that replace others: where each says that it is ready, or why it is not.
        self.starting: dict[int, Connection] = {}
        self.short_lives = 0
        self.stop_signal = 0
        self.wake, self.woken = socket.socketpair()

    def run(self, say: Callable[[Sequence[str]], None]) -> int:
        """Serve until a signal arrives, and return its exit code; `say` is told the classifiers once all are ready.

        ConvScopeError if a worker cannot start, or ends as soon as it has.
        """
        with tempfile.TemporaryDirectory(prefix="convscope-metrics-") as folder:
            os.environ[SHARED_FOLDER] = folder
            self._handle_signals()
            try:
                names = [_names_from(receiving) for receiving in [self._start(n) for n in range(self.count)]]
                say(names[0])
                while not self.stop_signal:
                    self._watch()
            finally:
                self._end()
                del os.environ[SHARED_FOLDER]
        return EXIT_CODES.get(self.stop_signal, 1)

    def _start(self, number: int) -> Connection:
        context = get_context("spawn")
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(
            target=_work, args=(self.make, self.listening, number, self.count, sending), name=f"worker {number + 1}"
        )
        process.start()
        sending.close()
        self.processes[number], self.born[number] = process, time.monotonic()
        return receiving

    def _handle_signals(self) -> None:
        self.wake.setblocking(False)
        signal.set_wakeup_fd(self.wake.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, lambda number, frame: self._pass_on(signal.SIGHUP))

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.stop_signal:  # asked twice
            self._pass_on(signal.SIGKILL)
        self.stop_signal = number

    def _pass_on(self, number: int) -> None:
        for process in self.processes.values():
            if process.is_alive() and process.pid is not None:
                os.kill(process.pid, number)

    def _watch(self) -> None:
        """Wait until a signal arrives or a worker has ended, and replace it."""
        sentinels = [process.sentinel for process in self.processes.values()]
        ready = wait([self.woken, *sentinels, *self.starting.values()], 60)
        if self.woken in ready:
            self.woken.recv(4096)
        for number, receiving in list(self.starting.items()):
            if receiving in ready:
                self._hear(number)
        for number, process in list(self.processes.items()):
            if self.stop_signal or process.is_alive():
                continue
            is_short = time.monotonic() - self.born[number] < SECONDS_TO_LIVE
            self.short_lives = self.short_lives + 1 if is_short else 0
            if self.short_lives > SHORT_LIVES:
                raise ConvScopeError(f"{process.name} ends again and again, with exit code {process.exitcode}")
            log.warning("%s ended with exit code %s: it is started again", process.name, process.exitcode)
            _forget(process)
            self.starting[number] = self._start(number)

    def _hear(self, number: int) -> None:
        """Log why a worker is not ready that should replace another."""
        with self.starting.pop(number) as receiving:
            try:
                _names_from(receiving)
            except ConvScopeError as problem:
                log.warning("%s: %s", self.processes[number].name, printable(problem))

    def _end(self) -> None:
        self.listening.close()
        self._pass_on(signal.SIGTERM)
        end = time.monotonic() + SECONDS_TO_END
        for process in self.processes.values():
            process.join(max(end - time.monotonic(), 0.1))
            if process.is_alive():
                process.kill()
                process.join()


def _names_from(receiving: Connection) -> list[str]:
    """Return the classifiers of a worker once it is ready; raise why it is not."""
    try:
        said = receiving.recv()
    except EOFError:
        raise ConvScopeError("a worker ended before it was ready") from None
    if isinstance(said, Exception):
        raise said
    return list(said)


def _forget(process: BaseProcess) -> None:
    """Take what an ended worker last measured, such as its queue, out of the figures."""
    from prometheus_client.multiprocess import mark_process_dead

    if process.pid is not None:
        mark_process_dead(process.pid)


def _work(make: Callable[[], Made], listening: socket.socket, number: int, count: int, sending: Connection) -> None:
    """Be a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the first process says what to do
    hung_up: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, frame: hung_up.append(number))
    logging.basicConfig(format="warning: %(message)s")
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[number::count] or [cores[number % len(cores)]])
    try:
        made = make()
    except Exception as problem:
        sending.send(problem if isinstance(problem, ConvScopeError) else ConvScopeError(f"a worker: {problem}"))
        return
    parent = os.getppid()

    async def ask_all() -> dict[str, str]:
        os.kill(parent, signal.SIGHUP)
        return dict.fromkeys(made.names, "being reloaded by all workers")

    made.hosting.ask_reload = ask_all
    made.server.hung_up |= bool(hung_up)
    threading.Thread(target=_end_with_parent, args=(made.server,), daemon=True).start()
    sending.send(made.names)
    sending.close()
    made.run(listening)


def _end_with_parent(server: Any) -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        server.should_exit = True
