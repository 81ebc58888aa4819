"""The epochs of a run that were kept, and its table of figures as it grows."""

from __future__ import annotations

import csv
import io
import math
import time
from pathlib import Path
from typing import Any

from ..bundle import SNAPSHOT_FOLDER, read_bundle, snapshot_epochs, snapshot_name
from ..classifier import Classifier
from ..data.preprocess import Preprocess
from ..errors import ModelFileError, printable

MAX_TABLE_BYTES = 16_000_000


class Snapshots:
    """What a run folder says of its epochs. Reads only what it needs, and can be asked while the run goes on."""

    def __init__(self, run: Path):
        self.run, self.place = run, run / SNAPSHOT_FOLDER

    def epochs(self) -> list[int]:
        """The epochs whose weights are there, 0 for the first random ones."""
        return snapshot_epochs(self.place)

    def rows(self) -> list[dict[str, float | None]]:
        """The rows of metrics.csv, as far as they are written."""
        try:
            with (self.run / "metrics.csv").open("rb") as file:
                text = file.read(MAX_TABLE_BYTES).decode("utf-8", "replace")
        except OSError:
            return []
        return [
            {name: _number(value) for name, value in row.items() if name} for row in csv.DictReader(io.StringIO(text))
        ]

    def finished(self) -> bool:
        """Whether the training has come to its end and left a classifier."""
        return (self.run / "classifier").exists()

    def running(self) -> bool:
        """Whether the training still goes on, as far as its files tell: it is not finished, and they are young."""
        if self.finished():
            return False
        rows = self.rows()
        last = rows[-1] if rows else {}
        an_epoch = (last.get("seconds") or 0.0) / max(last.get("epoch") or 1.0, 1.0)
        return time.time() - self._changed() < 30 + 3 * an_epoch

    def _changed(self) -> float:
        newest = 0.0
        for path in (self.run / "metrics.csv", self.run / "checkpoints" / "last", self.place):
            try:
                newest = max(newest, path.stat().st_mtime)
            except OSError:
                continue
        return newest


def load_snapshot(folder: Path, epoch: int | None) -> Classifier:
    """The classifier as it was after an epoch, the newest if None; ModelFileError if it cannot be read."""
    epochs = snapshot_epochs(folder)
    if not epochs:
        raise ModelFileError(f"{printable(folder)}: no epoch was saved here")
    network, config = read_bundle(folder, snapshot_name(epochs[-1] if epoch is None else epoch))
    preprocess = Preprocess.from_dict(config["preprocessing"])
    return Classifier(network, config["label_names"], preprocess, config["architecture"], config["model_args"])


def _number(text: Any) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None
