"""Snapshots: a network's weights after single epochs, kept beside the checkpoints so that one can see it learn.

A folder of snapshots is a bundle with a weights file per epoch: `config.json` and `epoch-0000.safetensors` (the first,
random weights), `epoch-0001.safetensors` ... It can be read while the training goes on. A bundle may come with such
files, too, also in half precision, and with the `metrics.csv` of its training: those of the package do.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from safetensors.torch import save as save_tensors
from torch import nn

from .bundle import read_bundle
from .bundle_config import CONFIG, bundled_names, find_bundle, task_of
from .classifier import Classifier
from .data.preprocess import Preprocess
from .errors import ModelFileError, printable
from .files import UNFINISHED, remove_leftovers
from .models import Card
from .run_folder import find_run

MAX_FILES = 50
MAX_BYTES = 200_000_000
# The largest share of the time since the training began that writing them may take.
MAX_SHARE = 0.01


def snapshot_name(epoch: int) -> str:
    """Return the file name of an epoch's weights."""
    return f"epoch-{epoch:04d}.safetensors"


def snapshot_epochs(folder: Path) -> list[int]:
    """Return the epochs that a folder of snapshots holds, ascending; 0 stands for the first, random weights."""
    if not (folder / CONFIG).is_file():
        return []
    numbers = (path.stem.removeprefix("epoch-") for path in folder.glob("epoch-*.safetensors"))
    return sorted(int(number) for number in numbers if number.isascii() and number.isdigit())


def snapshots_of(source: str | Path) -> Path:
    """Return the folder with the snapshots of a run, or of a bundle that came with some, named as for `load`."""
    run = find_run(source, bundled_names())
    return run.snapshots if snapshot_epochs(run.snapshots) else find_bundle(source)


def load_snapshot(folder: Path, epoch: int | None, model: Card | None = None) -> Classifier:
    """Load the classifier as it was after an epoch, the newest if None; ModelFileError if it cannot be read.

    `model` is the card of a person's own network.
    """
    epochs = snapshot_epochs(folder)
    if not epochs:
        raise ModelFileError(f"{printable(folder)}: no epoch was saved here")
    name = snapshot_name(epochs[-1] if epoch is None else epoch)
    network, config = read_bundle(folder, name, model)
    preprocess = Preprocess.from_dict(config["preprocessing"])
    return Classifier(
        network,
        config["label_names"],
        preprocess,
        config["architecture"],
        config["model_args"],
        task=task_of(config),
    )


class SnapshotWriter:
    """Writes snapshots, and the `config` that reads them, into `folder`.

    There are at most `MAX_FILES` with `MAX_BYTES` in all: before they exceed that, every other one is deleted, so that
    the rest stay evenly spaced. They never hold up a training: epochs are left out where writing would take more than
    `MAX_SHARE` of the time, and after a full disk no more are written.
    """

    def __init__(self, folder: Path, config: dict[str, Any]):
        self.folder, self.config = folder, config
        self.seconds = 0.0
        self.disk_full = False

    def write(self, epoch: int, network: nn.Module, elapsed: float) -> None:
        """Write the weights after `epoch` (0: before the first), `elapsed` seconds after the training began."""
        weights = network.state_dict()
        room = min(MAX_FILES, MAX_BYTES // max(sum(t.nbytes for t in weights.values()), 1))
        step = spacing(epoch, room) if room > 1 else 0
        if self.disk_full or not step or epoch % step or (epoch and self.seconds > MAX_SHARE * elapsed):
            return
        started = time.perf_counter()
        content = save_tensors({name: t.detach().cpu().contiguous() for name, t in weights.items()}, {"format": "pt"})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not (self.folder / CONFIG).exists():
                self._replace(CONFIG, json.dumps(self.config, indent=2).encode())
            self._replace(snapshot_name(epoch), content)
            for other in snapshot_epochs(self.folder):
                if other % step:
                    (self.folder / snapshot_name(other)).unlink()
        except OSError:
            self.disk_full = True
            remove_leftovers(self.folder)
        self.seconds += time.perf_counter() - started

    def _replace(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all, but without waiting for the disk as `write_atomically` does."""
        temporary = self.folder / f"{UNFINISHED}{os.getpid()}-{name}"
        try:
            temporary.write_bytes(content)
            temporary.replace(self.folder / name)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


def spacing(epoch: int, room: int) -> int:
    """Return the smallest power of two such that epochs 0 to `epoch`, that many apart, are at most `room`."""
    step = 1
    while epoch // step + 1 > room:
        step *= 2
    return step
