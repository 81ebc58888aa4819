"""The display of a running training: a progress bar on a terminal, one plain line per epoch elsewhere."""

from __future__ import annotations

import math
import time
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from .checkpoint import Progress
from .recipe import Recipe


class ProgressDisplay:
    """Writes lines about a training to `stream`; nothing if it is None. Inside its `with` the progress bar is shown."""

    def __init__(self, stream: TextIO | None, recipe: Recipe):
        self.stream, self.epochs, self.time_budget = stream, recipe.total_epochs, recipe.time_budget
        self.console = Console(file=stream) if stream is not None else None
        self.live = Live(console=self.console, auto_refresh=False, transient=True) if self.on_terminal else None
        self.drawn = 0.0

    @property
    def on_terminal(self) -> bool:
        """Whether there is a terminal for the progress bar."""
        return self.console is not None and self.console.is_terminal

    def __enter__(self) -> ProgressDisplay:
        if self.live:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.stop()

    def show_step(self, done: Progress, steps: int, elapsed: float) -> None:
        """Redraw the progress bar, at most ten times a second. `steps` is the number of steps per epoch."""
        if not self.live or not done.seconds or not done.seen or time.perf_counter() - self.drawn < 0.1:
            return
        self.drawn = time.perf_counter()
        self.live.update(Text(self._bar(done, steps, elapsed), no_wrap=True, overflow="ellipsis"), refresh=True)

    def show_line(self, line: str) -> None:
        """Write a line, above the progress bar if there is one."""
        if self.live:
            self.live.update(Text(""), refresh=True)
            self.live.console.print(line, highlight=False, markup=False, soft_wrap=True)
        elif self.stream is not None:
            print(line, file=self.stream, flush=True)

    def show_epoch(self, row: dict[str, float]) -> None:
        """Write one line about a finished epoch, from its row of metrics.csv."""
        of = f"/{self.epochs:.0f}" if math.isfinite(self.epochs) else ""
        name = f"epoch {row['epoch']:>3.0f}{of}" if row["epoch"] else "last layer fitted"
        line = f"{name}  train loss {row['train/loss']:.4f}"
        line += f" acc {row['train/top1']:.2%}" if "train/top1" in row else ""
        for split in ("val", "test"):
            if f"{split}/loss" in row:
                line += f"  {split} loss {row[f'{split}/loss']:.4f} "
                top1 = row.get(f"{split}/top1")
                line += f"acc {top1:.2%}" if top1 is not None else f"mAP {row[f'{split}/map']:.2%}"
        line += f"  {row['images_per_second']:,.0f} images/s"
        self.show_line(line)

    def _bar(self, done: Progress, steps: int, elapsed: float) -> str:
        share = (done.epoch + done.step / steps) / self.epochs
        if self.time_budget:
            share = max(share, elapsed / self.time_budget)
        bar = "━" * round(12 * min(share, 1))
        left = elapsed / share * (1 - share) if share > 0 else 0
        of = f"/{self.epochs:.0f}" if math.isfinite(self.epochs) else ""
        return (
            f"epoch {done.epoch + 1:>3}{of} {bar:<12} loss {done.loss_sum / done.seen:.4f}  "
            f"acc {done.correct / done.seen:.2%}  {done.images / done.seconds:,.0f} images/s  "
            f"ETA {_as_time(left)}"
        )


def _as_time(seconds: float) -> str:
    """75 -> `1:15`."""
    whole = round(max(seconds, 0))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
