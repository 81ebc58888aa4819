"""Ctrl-C and SIGTERM: finish the step, save, say how to continue. A second signal ends the process at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from ...distributed import Processes
from ...errors import Interrupted
from ..time_budget import Clock

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


class StopRequest:
    """Inside its `with`, the two signals only set `requested`. Outside the main thread it does nothing."""

    def __init__(self) -> None:
        self.requested: int | None = None
        self.before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self.before = {number: signal.signal(number, self._request) for number in EXIT_CODES}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def raise_if_requested(self, message: str, processes: Processes) -> None:
        """Raise Interrupted with the signal's exit code, if there was a signal.

        The other processes are told: one that still writes must not take this one for lost, and end.
        """
        if self.requested is not None:
            processes.end()
            raise Interrupted(message, EXIT_CODES[signal.Signals(self.requested)])

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = number
        # From here on the signals do what they did before: a second one ends the process.
        self._restore()

    def _restore(self) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
        self.before = {}


def agree(processes: Processes, clock: Clock, stop: StopRequest, is_due: bool = False) -> tuple[bool, bool, bool]:
    """Return whether to stop, to save, and to end for lack of time: the same in all processes of a training.

    A signal counts whichever process it reached; what is due and the clock are those of the main process.
    """
    by_time = [float(is_due), float(clock.out_of_time())] if processes.is_main else [0.0, 0.0]
    number, due, over = processes.largest([float(stop.requested or 0), *by_time])
    if number:  # a signal may have come meanwhile, which must not be forgotten
        stop.requested = int(number)
    return bool(number), bool(due), bool(over)
