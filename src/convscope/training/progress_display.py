"""The display of a running training: a progress bar on a terminal, one plain line per epoch elsewhere."""

from __future__ import annotations

import math
import time
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ..evaluation import Evaluation, MultiLabelEvaluation
from ..messages.translate import phrase, translated
from .checkpoint import Progress
from .recipe.recipe import Recipe


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
        """Write a line in the user's language, above the progress bar if there is one."""
        line = translated(line, self.stream)
        if self.live:
            self.live.update(Text(""), refresh=True)
            self.live.console.print(line, highlight=False, markup=False, soft_wrap=True)
        elif self.stream is not None:
            print(line, file=self.stream, flush=True)

    def show_epoch(self, row: dict[str, float]) -> None:
        """Write one line about a finished epoch, from its row of metrics.csv."""
        name = self._epoch(f"{row['epoch']:>3.0f}") if row["epoch"] else phrase("last layer fitted")
        line = phrase("{epoch}  train loss {loss}", epoch=name, loss=f"{row['train/loss']:.4f}")
        line += _accuracy(row["train/top1"]) if "train/top1" in row else ""
        for split in ("val", "test"):
            if f"{split}/loss" in row:
                loss, top1 = f"{row[f'{split}/loss']:.4f}", row.get(f"{split}/top1")
                known = phrase("val loss {loss}", loss=loss), phrase("test loss {loss}", loss=loss)
                line += "  " + known[split == "test"]
                line += f" mAP {row[f'{split}/map']:.2%}" if top1 is None else _accuracy(top1)
        line += "  " + phrase("{speed} images/s", speed=f"{row['images_per_second']:,.0f}")
        self.show_line(line)

    def show_first(self, share: float, evaluation: Evaluation | MultiLabelEvaluation) -> None:
        """Write a line with the validation figures after this share of the first epoch."""
        line = phrase("after {share} of the first epoch", share=f"{share:.0%}")
        line += "  " + phrase("val loss {loss}", loss=f"{evaluation.loss:.4f}")
        figures = evaluation.figures()
        line += f" mAP {figures['map']:.2%}" if "map" in figures else _accuracy(figures["top1"])
        self.show_line(line)

    def _bar(self, done: Progress, steps: int, elapsed: float) -> str:
        share = (done.epoch + done.step / steps) / self.epochs
        if self.time_budget:
            share = max(share, elapsed / self.time_budget)
        bar = "━" * round(12 * min(share, 1))
        left = elapsed / share * (1 - share) if share > 0 else 0
        name = self._epoch(f"{done.epoch + 1:>3}")
        figures = phrase(
            "loss {loss}  acc {share}  {speed} images/s  ETA {left}",
            loss=f"{done.loss_sum / done.seen:.4f}",
            share=f"{done.correct / done.seen:.2%}",
            speed=f"{done.images / done.seconds:,.0f}",
            left=_as_time(left),
        )
        return f"{name} {bar:<12} {figures}"

    def _epoch(self, number: str) -> str:
        of = f"/{self.epochs:.0f}" if math.isfinite(self.epochs) else ""
        return phrase("epoch {number}{of}", number=number, of=of)


def _accuracy(share: float) -> str:
    return " " + phrase("acc {share}", share=f"{share:.2%}")


def _as_time(seconds: float) -> str:
    """75 -> `1:15`."""
    whole = round(max(seconds, 0))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
