"""The run folder: the names of the files that a training leaves, and how each of them is written and read.

    runs/train/NAME/
      recipe.yaml  env.json  labels.txt  split.csv    what was asked, with what versions, on what
      metrics.csv                                     one row per epoch
      checkpoints/last/  checkpoints/best/            all that is needed to go on; the best weights
      checkpoints/whole/                              those that learned from the validation images, too, if used
      checkpoints/snapshots/                          weights of single epochs, see `snapshots`
      classifier/                                     the bundle, see `bundle`
      warnings.json                                   what went wrong with the training, where something did
      predictions_val.csv                             one row per validation image; `_test` where nothing validates
      report.html
      tensorboard/                                    on request

`convscope evaluate` leaves a report and predictions in a folder of its own, by the same names.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from .errors import ModelFileError, printable
from .files import csv_text, free_folder, remove_leftovers, write_atomically

RUNS = Path("runs")
RECIPE, ENVIRONMENT, LABELS, SPLIT, METRICS = "recipe.yaml", "env.json", "labels.txt", "split.csv", "metrics.csv"
CLASSIFIER, REPORT, WARNINGS, BUNDLE = "classifier", "report.html", "warnings.json", "config.json"
# The column of metrics.csv that is 1 where the weights after an epoch are better than those kept before, else 0.
KEPT = "kept"
CHECKPOINTS = Path("checkpoints")
MAX_METRICS_BYTES = 16_000_000
# A training whose files have not changed for this long, and for three epochs, is taken to have stopped.
SILENT_SECONDS, SILENT_EPOCHS = 30, 3
# In the first epoch nobody knows how long an epoch takes; but a training saves at least every five minutes.
SILENT_FIRST_SECONDS = 330


@dataclass(frozen=True)
class RunFolder:
    """The files of one run. Readers ask only for what they need, and may do so while the training goes on."""

    path: Path

    @classmethod
    def create(cls, parent: Path, name: str) -> RunFolder:
        """Make the folder `parent/name`, with -2, -3 ... if that is taken; OutputError if it cannot be made."""
        return cls(free_folder(parent, name))

    @property
    def recipe(self) -> Path:
        """The recipe, YAML. Its presence makes a folder a run folder."""
        return self.path / RECIPE

    @property
    def metrics(self) -> Path:
        """The table with one row per epoch, CSV."""
        return self.path / METRICS

    @property
    def last(self) -> Path:
        """The checkpoint to go on from."""
        return self.path / CHECKPOINTS / "last"

    @property
    def best(self) -> Path:
        """The checkpoint with the best weights."""
        return self.path / CHECKPOINTS / "best"

    @property
    def whole(self) -> Path:
        """The weights that have learned from the validation images as well; only where they are used."""
        return self.path / CHECKPOINTS / "whole"

    @property
    def fitted(self) -> Path:
        """The weights with a last layer fitted to the validation images as well, until it is known what is kept."""
        return self.path / CHECKPOINTS / "fitted"

    @property
    def joining(self) -> Path:
        """The checkpoints of a stage that learns from the validation images as well; only while it runs."""
        return self.path / CHECKPOINTS / "joining"

    @property
    def snapshots(self) -> Path:
        """The weights of single epochs."""
        return self.path / CHECKPOINTS / "snapshots"

    @property
    def classifier(self) -> Path:
        """The bundle."""
        return self.path / CLASSIFIER

    @property
    def report(self) -> Path:
        """The report, HTML."""
        return self.path / REPORT

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's events."""
        return self.path / "tensorboard"

    def predictions(self, split: str = "val") -> Path:
        """The table of the predictions for a split, CSV."""
        return self.path / f"predictions_{split}.csv"

    def write_recipe(self, text: str) -> None:
        """Write the recipe."""
        write_atomically(self.recipe, text)

    def write_environment(self, environment: dict[str, Any]) -> None:
        """Write versions, processor and settings as JSON."""
        write_atomically(self.path / ENVIRONMENT, json.dumps(environment, indent=2) + "\n")

    def read_environment(self) -> dict[str, Any]:
        """Return what `write_environment` wrote, unchecked; nothing if it is missing or damaged."""
        try:
            values = json.loads((self.path / ENVIRONMENT).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return values if isinstance(values, dict) else {}

    def write_warnings(self, warnings: Sequence[tuple[str, str]]) -> None:
        """Write what went wrong with the training, each in English and in Chinese; no file where nothing did."""
        path = self.path / WARNINGS
        if warnings:
            write_atomically(path, json.dumps(warnings, indent=2, ensure_ascii=False) + "\n")
        else:
            path.unlink(missing_ok=True)

    def read_warnings(self) -> list[tuple[str, str]]:
        """Return what `write_warnings` wrote; nothing if it is missing or damaged."""
        try:
            return [(str(en), str(zh)) for en, zh in json.loads((self.path / WARNINGS).read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError, RecursionError):
            return []

    def write_labels(self, class_names: Sequence[str]) -> None:
        """Write the names of the classes."""
        write_atomically(self.path / LABELS, labels_text(class_names))

    def write_split(self, table: bytes) -> None:
        """Write which image belongs to which split, as `data.split.split_table` gives it."""
        write_atomically(self.path / SPLIT, table)

    def write_metrics(self, history: Sequence[dict[str, float]]) -> None:
        """Write the table of metrics, with the columns of all epochs; a cell is empty where an epoch has no figure."""
        columns = list(dict.fromkeys(column for row in history for column in row))
        rows = [[f"{row[column]:.8g}" if column in row else "" for column in columns] for row in history]
        write_atomically(self.metrics, csv_text([columns, *rows]))

    def read_recipe(self) -> dict[str, Any]:
        """Return the fields of the recipe, unchecked; none of them if it is missing or damaged."""
        import yaml

        try:
            values = yaml.safe_load(self.recipe.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError, yaml.YAMLError):
            return {}
        return values if isinstance(values, dict) else {}

    def read_split(self) -> bytes | None:
        """Return the split table, None if there is none."""
        table = self.path / SPLIT
        return table.read_bytes() if table.is_file() else None

    def read_metrics(self) -> list[dict[str, float | None]]:
        """Return the rows of the table of metrics that are there so far; None for what is no finite number."""
        return read_metrics(self.metrics)

    def read_predictions(self, split: str = "val") -> list[dict[str, str]]:
        """Return the rows `path, label, prediction, probability, loss`; none if the table is missing or damaged."""
        try:
            table = self.predictions(split).read_text(encoding="utf-8", errors="surrogateescape")
            return list(csv.DictReader(io.StringIO(table, newline="")))
        except (OSError, csv.Error):
            return []

    def is_finished(self) -> bool:
        """Whether the training has ended and left a classifier."""
        return self.classifier.exists()

    def is_running(self) -> bool:
        """Whether the training goes on, judged by its files: there is no classifier yet, and they have just changed."""
        if self.is_finished():
            return False
        silent = time.time() - self._changed_at()
        rows = self.read_metrics()
        if not rows:
            return silent < SILENT_FIRST_SECONDS
        seconds_per_epoch = (rows[-1].get("seconds") or 0.0) / max(rows[-1].get("epoch") or 1.0, 1.0)
        return silent < SILENT_SECONDS + SILENT_EPOCHS * seconds_per_epoch

    def has_results(self) -> bool:
        """Whether a training has begun to write into it: figures of an epoch, weights or its environment."""
        return any(path.exists() for path in (self.metrics, self.last, self.best, self.path / ENVIRONMENT))

    def remove_leftovers(self) -> None:
        """Delete what a process that was killed while writing left behind."""
        for folder in (self.path, self.last, self.best, self.fitted, self.whole, self.snapshots):
            remove_leftovers(folder)

    def _changed_at(self) -> float:
        newest = 0.0
        for path in (self.metrics, self.last, self.snapshots):
            with contextlib.suppress(OSError):
                newest = max(newest, path.stat().st_mtime)
        return newest


def newest_run(part: str = RECIPE) -> RunFolder:
    """Return the run below the current directory whose file `part` is the youngest: what `last` stands for.

    ModelFileError if no run has that file.
    """
    found = sorted(RUNS.glob(f"*/*/{part}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise ModelFileError("no run below the current directory: train one with `convscope train`, or name a folder")
    return RunFolder(found[-1].parents[len(PurePosixPath(part).parts) - 1])


def find_run(source: str | Path, bundled: Sequence[str] = ()) -> RunFolder:
    """Return the run or bundle at a path or, where there is none, the run that was made with `--name NAME`.

    A folder of images does not hide the run that is called after it. The run need not exist. ModelFileError if the name
    is that of two runs, or of a run and a `bundled` classifier.
    """
    folder, name = RunFolder(Path(source)), str(source)
    is_there = folder.path.is_file() or any((folder.path / part).exists() for part in (RECIPE, CLASSIFIER, BUNDLE))
    if is_there or not name or Path(name).name != name:
        return folder
    found = sorted(path for path in RUNS.glob("*/*") if path.name == name and (path / RECIPE).is_file())
    if not found:
        return folder
    others = [*map(printable, found), *(["a bundled classifier"] if name in bundled else [])]
    if len(others) > 1:
        raise ModelFileError(f"{printable(name)}: {' and '.join(others)} have this name: give the folder")
    return RunFolder(found[0])


def no_such_run(source: str, bundled: Sequence[str], networks: Sequence[str] | None) -> ModelFileError:
    """Return the error for a source that is no run and no bundle; it says what is possible instead.

    `networks` are the names of networks, None where torch is not installed, which knows them.
    """
    shown = printable(source)
    if source.partition(":")[0] in ("timm", "hf", "torchvision") or source in (networks or ()):
        return ModelFileError(
            f"{shown}: a network without a trained run: make one with `convscope train DATA --model {shown}`, or look "
            f"at its layers with `convscope summary {shown}`"
        )
    known = f", or a bundled one ({', '.join(bundled)})" if bundled else ""
    needs = "" if networks is not None else "; a network by its name needs torch, which is not installed"
    return ModelFileError(
        f"{shown}: no such run or bundle: give a folder that `convscope train` printed, the name of a run below "
        f"{RUNS}/, or `last`{known}{needs}"
    )


def run_of_bundle(bundle: Path) -> RunFolder | None:
    """Return the run folder that a bundle lies in, None if it lies elsewhere."""
    return RunFolder(bundle.parent) if bundle.is_dir() and bundle.name == CLASSIFIER else None


def read_metrics(table: Path) -> list[dict[str, float | None]]:
    """Return the rows of a table of metrics; none if it is missing, None for what is no finite number."""
    try:
        with table.open("rb") as file:
            text = file.read(MAX_METRICS_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    rows = csv.DictReader(io.StringIO(text))
    return [{name: _finite_number(value) for name, value in row.items() if name} for row in rows]


def labels_text(class_names: Sequence[str]) -> str:
    """Return the content of a labels.txt: one name per line, in the order of the classes."""
    return "".join(f"{printable(name)}\n" for name in class_names)


def _finite_number(text: Any) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None
