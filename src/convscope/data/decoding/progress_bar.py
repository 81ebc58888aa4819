"""A progress bar on stderr while images are read or answered."""

from __future__ import annotations

import sys
from typing import Any


class ProgressBar:
    """Shows how many of `total` images were done, if `show` is true and stderr is a terminal."""

    def __init__(self, show: bool, total: int, doing: str = "reading images"):
        self.progress: Any = None
        if show and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self.progress = Progress(*columns, console=Console(file=sys.stderr), transient=True)
            self.task = self.progress.add_task("", total=total)

    def __enter__(self) -> ProgressBar:
        if self.progress is not None:
            self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.progress is not None:
            self.progress.stop()

    def advance(self, count: int) -> None:
        """Count `count` more images."""
        if self.progress is not None:
            self.progress.advance(self.task, count)
