"""The weights of epochs, kept beside the checkpoints for whoever wants to see a network learn."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from safetensors.torch import save as save_tensors
from torch import nn

from .bundle import CONFIG, SNAPSHOT_FOLDER, snapshot_epochs, snapshot_name
from .files import UNFINISHED, remove_leftovers

MAX_FILES = 50
MAX_BYTES = 200_000_000
# Of the time since the training began.
MAX_SHARE = 0.01


class Snapshots:
    """A file an epoch in `run/checkpoints/snapshots`, and `config`, with which they can be read before the run ends.

    At most `MAX_FILES` and `MAX_BYTES` of them: when they grow too many, every other one goes, so that those that stay
    are evenly spaced. No training waits for them or fails by them: epochs are left out where saving would take more
    than a hundredth of the time, and a disk that is full ends it.
    """

    def __init__(self, run: Path, config: dict[str, Any]):
        self.folder, self.config = run / SNAPSHOT_FOLDER, config
        self.spent = 0.0
        self.full = False
        remove_leftovers(self.folder)

    def keep(self, epoch: int, network: nn.Module, elapsed: float) -> None:
        """Save the weights after `epoch` (0: before the first), `elapsed` seconds after the training began."""
        weights = network.state_dict()
        room = min(MAX_FILES, MAX_BYTES // max(sum(t.nbytes for t in weights.values()), 1))
        step = spacing(epoch, room) if room > 1 else 0
        if self.full or not step or epoch % step or (epoch and self.spent > MAX_SHARE * elapsed):
            return
        started = time.perf_counter()
        content = save_tensors({name: t.detach().cpu().contiguous() for name, t in weights.items()}, {"format": "pt"})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not (self.folder / CONFIG).exists():
                self._write(CONFIG, json.dumps(self.config, indent=2).encode())
            self._write(snapshot_name(epoch), content)
            for other in snapshot_epochs(self.folder):
                if other % step:
                    (self.folder / snapshot_name(other)).unlink()
        except OSError:
            self.full = True
            remove_leftovers(self.folder)
        self.spent += time.perf_counter() - started

    def _write(self, name: str, content: bytes) -> None:
        """Whole or not at all, also if the process is killed; not forced to the disk, since nothing depends on it."""
        temporary = self.folder / f"{UNFINISHED}{os.getpid()}-{name}"
        try:
            temporary.write_bytes(content)
            temporary.replace(self.folder / name)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


def spacing(epoch: int, room: int) -> int:
    """How many epochs apart snapshots are by `epoch`, that there be no more than `room` of them: a power of two."""
    step = 1
    while epoch // step + 1 > room:
        step *= 2
    return step
