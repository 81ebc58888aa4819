"""Say on the terminal what a long command is doing, while nothing else is written: one line that is replaced.

`doing("evaluating")` says from anywhere what is being done; it shows only inside `showing(sys.stderr)`, on a terminal,
and only where nothing else was written for a while. Whatever is written takes the line away first.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from .messages.translate import translated

# Seconds without another line after which the activity is shown, and those between two looks.
PATIENCE, PERIOD = 0.8, 0.25
CLEAR = "\r\x1b[K"


class _Line:
    """The line on a terminal, in the place of `sys.stderr`: what is written to that takes it away."""

    def __init__(self, stream: TextIO):
        self.stream, self.text, self.begun = stream, "", time.monotonic()
        self.written = -PATIENCE
        self.is_drawn, self.is_over = False, threading.Event()
        self.lock = threading.RLock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write text of others, without the line before it."""
        with self.lock:
            self.clear()
            self.written = time.monotonic()
            return self.stream.write(text)

    def clear(self) -> None:
        """Take the line away."""
        with self.lock:
            if self.is_drawn:
                self.stream.write(CLEAR)
                self.is_drawn = False

    def draw(self) -> None:
        """Show what is being done, and for how long, if nothing else was written of late."""
        with self.lock:
            now = time.monotonic()
            if self.text and now - self.written >= PATIENCE:
                self.stream.write(f"{CLEAR}{self.text} ... {now - self.begun:.0f} s")
                self.stream.flush()
                self.is_drawn = True

    def run(self) -> None:
        """Draw the line again and again until it is over."""
        while not self.is_over.wait(PERIOD):
            self.draw()


_line: _Line | None = None


def doing(what: str) -> None:
    """Say what is being done from now on; nothing for an empty text."""
    if _line is not None:
        with _line.lock:
            _line.clear()
            _line.text, _line.begun = translated(what, _line.stream), time.monotonic()


@contextmanager
def showing(stream: TextIO) -> Iterator[None]:
    """Show inside the `with` what is being done, if the stream, which is that of errors, is a terminal."""
    global _line
    if not stream.isatty() or _line is not None:
        yield
        return
    _line, before = _Line(stream), sys.stderr
    line = _line
    sys.stderr = line
    thread = threading.Thread(target=line.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        line.is_over.set()
        thread.join()
        line.clear()
        sys.stderr, _line = before, None
