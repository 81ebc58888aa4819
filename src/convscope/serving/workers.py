"""Several processes that answer on one address: started together, restarted alone, ended together.

Each has its own copy of the service and some of the cores; the operating system gives a connection to whichever accepts
it. The first process computes nothing: it passes on signals and replaces a worker that has ended. As long as one worker
can start, the service goes on.
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
# A worker that ends sooner after it was ready, or before, is replaced after a pause, which doubles each time.
SECONDS_TO_LIVE, FIRST_PAUSE, LONGEST_PAUSE = 5.0, 0.5, 30.0
# So many starts of each worker without success, while none answers, end the service.
STARTS_IN_VAIN = 5
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


@dataclass
class Place:
    """What one worker does, and the next one in its place."""

    number: int
    process: BaseProcess
    receiving: Connection | None  # where it says that it is ready, or why it is not; None once it has
    ready_at: float | None = None
    short_lives: int = 0  # in a row
    starts_in_vain: int = 0  # in a row
    starts_again: float | None = None  # once it has ended: when the next one starts

    def hear(self) -> list[str]:
        """Note whether it can answer, and return the classifiers; raise why not."""
        assert self.receiving is not None
        with self.receiving as receiving:
            self.receiving = None
            self.starts_in_vain += 1
            names = _names_from(receiving, self.process)
        self.ready_at, self.starts_in_vain = time.monotonic(), 0
        return names

    def plan_start(self) -> None:
        """Say that it has ended, and when another takes its place: at once unless it ended soon."""
        lived = time.monotonic() - self.ready_at if self.ready_at is not None else 0.0
        self.short_lives = self.short_lives + 1 if lived < SECONDS_TO_LIVE else 0
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self.short_lives - 1, 16)) if self.short_lives else 0.0
        self.ready_at, self.starts_again = None, time.monotonic() + pause
        if pause:
            log.warning(f"{self.process.name} {_end_of(self.process)}: it is started again in {pause:g} s")
        else:
            log.warning(f"{self.process.name} {_end_of(self.process)}: it is started again")


class Workers:
    """`count` processes, each with the service that `make` returns there, on one listening socket."""

    def __init__(self, count: int, make: Callable[[], Made], listening: socket.socket):
        self.count, self.make, self.listening = count, make, listening
        self.places: list[Place] = []
        self.stop_signal = 0
        self.wake, self.woken = socket.socketpair()

    def run(self, say: Callable[[Sequence[str]], None]) -> int:
        """Serve until a signal arrives, and return its exit code; `say` is told the classifiers once workers are ready.

        ConvScopeError if no worker can start, at the beginning or later.
        """
        with tempfile.TemporaryDirectory(prefix="convscope-metrics-") as folder:
            os.environ[SHARED_FOLDER] = folder
            self._handle_signals()
            try:
                names = self._start_all()
                if not self.stop_signal:
                    say(names)
                while not self.stop_signal:
                    self._watch()
            finally:
                self._end()
                del os.environ[SHARED_FOLDER]
        return EXIT_CODES.get(self.stop_signal, 1)

    def _start_all(self) -> list[str]:
        """Start all workers and return the classifiers; raise what the first raised if none can answer."""
        self.places = [Place(number, *self._start(number)) for number in range(self.count)]
        names: list[str] = []
        problems: list[ConvScopeError] = []
        while not self.stop_signal and any(place.receiving for place in self.places):
            ready = self._wait([place.receiving for place in self.places if place.receiving], 60)
            for place in self.places:
                if place.receiving in ready:
                    try:
                        names = place.hear()
                    except ConvScopeError as problem:
                        problems.append(problem)
        if problems and not names:
            raise problems[0]
        for why in problems:
            log.warning("%s", printable(why))
        return names

    def _start(self, number: int) -> tuple[BaseProcess, Connection]:
        context = get_context("spawn")
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(
            target=_work, args=(self.make, self.listening, number, self.count, sending), name=f"worker {number + 1}"
        )
        # Until it listens to SIGHUP, that would end it.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])
        sending.close()
        return process, receiving

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
        for place in self.places:
            if place.process.is_alive() and place.process.pid is not None:
                os.kill(place.process.pid, number)

    def _wait(self, readable: Sequence[Any], seconds: float) -> list[Any]:
        """Return what has become readable, once something has or a signal has arrived."""
        ready = wait([self.woken, *readable], seconds)
        if self.woken in ready:
            self.woken.recv(4096)
        return ready

    def _watch(self) -> None:
        """Wait until a signal arrives, or a worker is ready, has ended or is to be started again, and act on that."""
        due = [place.starts_again for place in self.places if place.starts_again is not None]
        ends = [place.process.sentinel for place in self.places if place.starts_again is None]
        heard = [place.receiving for place in self.places if place.receiving]
        ready = self._wait([*ends, *heard], max(0.0, min(due) - time.monotonic()) if due else 60)
        for place in self.places:
            if self.stop_signal:
                return
            if place.receiving in ready:
                self._hear(place)
            if place.starts_again is not None and time.monotonic() >= place.starts_again:
                place.process, place.receiving = self._start(place.number)
                place.starts_again = None
            elif place.starts_again is None and place.receiving is None and not place.process.is_alive():
                place.plan_start()
                _forget(place.process)

    def _hear(self, place: Place) -> None:
        """Note whether a worker can answer, or log why not; raise that if none could for several times."""
        try:
            place.hear()
        except ConvScopeError as problem:
            if all(other.starts_in_vain >= STARTS_IN_VAIN for other in self.places):
                raise
            log.warning("%s: %s", place.process.name, printable(problem))

    def _end(self) -> None:
        self.listening.close()
        self._pass_on(signal.SIGTERM)
        end = time.monotonic() + SECONDS_TO_END
        for place in self.places:
            place.process.join(max(end - time.monotonic(), 0.1))
            if place.process.is_alive():
                place.process.kill()
                place.process.join()


def _end_of(process: BaseProcess) -> str:
    """Return how a worker ended."""
    process.join()
    code = process.exitcode or 0
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _names_from(receiving: Connection, process: BaseProcess) -> list[str]:
    """Return the classifiers of a worker once it is ready; raise why it is not."""
    try:
        said = receiving.recv()
    except EOFError:
        raise ConvScopeError(f"{process.name} {_end_of(process)} before it was ready") from None
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
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])
    logging.basicConfig(format="warning: %(message)s")
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[number::count] or [cores[number % len(cores)]])
    try:
        made = make()
    except Exception as problem:
        known = problem if isinstance(problem, ConvScopeError) else ConvScopeError(f"a worker: {problem}")
        sending.send(known)
        sys.exit(known.exit_code)
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
