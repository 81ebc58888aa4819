"""How many images were read or answered so far: a bar on a terminal, elsewhere a line from time to time."""

from __future__ import annotations

import sys
import time
from typing import Any

from ...messages.translate import phrase

# Seconds until the first line where there is no terminal, as in a notebook's or a container's log, and between two.
FIRST, BETWEEN = 2.0, 10.0


class ProgressBar:
    """Shows on stderr how many of `total` images were done, and how long the rest will take, if `show` is true.

    `doing` is a phrase in the user's language.
    """

    def __init__(self, show: bool, total: int, doing: str = ""):
        self.show, self.total, self.doing = show, total, doing or phrase("reading images")
        self.done, self.begun = 0, time.monotonic()
        self.next_line = self.begun + FIRST
        self.bar: Any = None
        if show and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn(self.doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self.bar = Progress(*columns, console=Console(file=sys.stderr), transient=True)
            self.task = self.bar.add_task("", total=total)

    def __enter__(self) -> ProgressBar:
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def advance(self, count: int) -> None:
        """Count `count` more images."""
        self.done += count
        if self.bar is not None:
            self.bar.advance(self.task, count)
        elif self.show and self.done < self.total and time.monotonic() >= self.next_line:
            self._write_line()

    def _write_line(self) -> None:
        now = time.monotonic()
        self.next_line = now + BETWEEN
        left = (now - self.begun) / self.done * (self.total - self.done)
        line = phrase(
            "{doing}: {done} of {total}, {left} s left",
            doing=self.doing, done=f"{self.done:,}", total=f"{self.total:,}", left=f"{left:.0f}",
        )  # fmt: skip
        print(line, file=sys.stderr, flush=True)
