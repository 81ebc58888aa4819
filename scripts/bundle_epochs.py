"""Train the bundled classifiers once more and keep some of the epochs beside them, for the page's slider.

    python -m scripts.bundle_epochs [DATA_DIR]

runs the command that each bundle's README names, on one thread and the CPU, and writes to src/convscope/bundled/NAME/:
`epoch-0000.safetensors` (the first, random weights) and some of those after an epoch, in half precision, 123 KB each,
and `metrics.csv` with all epochs. It says whether the training has ended in the weights of the bundle: mnist-lenet5's
does, to the last bit. mnist-relu was trained by an earlier version of the code, so its epochs are those of a second
training, which ends nearby (99.49 instead of 99.47 % of the test images).
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from safetensors.torch import load_file, save

import convscope as cs
from convscope import snapshots
from convscope.bundle_config import BUNDLED, WEIGHTS
from convscope.data.preprocess import Preprocess
from convscope.files import csv_text
from convscope.run_folder import RunFolder, read_metrics
from convscope.snapshots import snapshot_name

NETWORKS = {"mnist-relu": "lenet_relu", "mnist-lenet5": "lenet5"}
# Close together where much changes: nine files, 1.1 MB per network.
KEPT = (0, 1, 2, 3, 4, 6, 9, 14, 20)
MACHINE = ("seconds", "images_per_second")  # columns that tell of the machine, not of the network


def train_again(name: str, folder: Path, data_dir: str | None) -> RunFolder:
    """Train a bundled classifier as its README says; the run, with all its epochs."""
    known = cs.load(name).preprocess
    real = Preprocess.scaled_by

    def scaled_by(self: Preprocess, statistics: Any) -> Preprocess:
        # The sum over all pixels was once taken in another order, so the mean may differ in its last digit.
        return replace(real(self, statistics), mean=known.mean, std=known.std)

    with patch.object(Preprocess, "scaled_by", scaled_by), patch.object(snapshots, "MAX_SHARE", 1.0):
        run = cs.train(
            "mnist", NETWORKS[name], epochs=20, precision="float32", device="cpu", data_dir=data_dir, output=folder
        )
    return RunFolder(run.folder)


def is_same(run: RunFolder, bundle: Path) -> bool:
    """Whether a training has made the weights of a bundle."""
    ours, theirs = load_file(run.classifier / WEIGHTS), load_file(bundle / WEIGHTS)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def keep_epochs(run: RunFolder, bundle: Path) -> None:
    """Write the epochs of `KEPT`, and the table of all, to a bundle."""
    for epoch in KEPT:
        weights = load_file(run.snapshots / snapshot_name(epoch))
        halves = {key: weight.half() if weight.is_floating_point() else weight for key, weight in weights.items()}
        (bundle / snapshot_name(epoch)).write_bytes(save(halves, {"format": "pt"}))
    rows = [{key: value for key, value in row.items() if key not in MACHINE} for row in read_metrics(run.metrics)]
    text = csv_text([list(rows[0]), *([f"{value:.8g}" for value in row.values()] for row in rows)])
    (bundle / run.metrics.name).write_text(text, encoding="utf-8")


def main(data_dir: str | None) -> None:
    """Train both, and keep their epochs."""
    torch.set_num_threads(1)
    for name in NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            run = train_again(name, Path(folder), data_dir)
            same = is_same(run, BUNDLED / name)
            print(f"{name}: the weights in the end are {'those' if same else 'not those'} of the bundle")
            keep_epochs(run, BUNDLED / name)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
