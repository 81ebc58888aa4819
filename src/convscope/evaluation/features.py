"""Features: the activations of chosen layers as one vector per image, for other classifiers, clustering or search."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..data.batches import in_order
from ..data.datasets import load_data
from ..data.decoded import Decoded, decode_split
from ..data.label_names import label_names
from ..data.preprocess import Preprocess
from ..data.skipped import report_skipped
from ..devices import choose_device
from ..errors import DataError, OutputError, UsageError, printable
from ..files import csv_text, write_atomically
from ..models.tools.head import find_head
from ..models.tools.layer_features import PENULTIMATE, LayerFeatures
from ..opening import open_target
from ..target import Target

SUFFIXES = (".npz", ".csv")


@dataclass(frozen=True)
class Features:
    """Feature vectors `values`, N x width (float32), with the name, class name and split of each image."""

    values: Tensor
    names: list[str]
    labels: list[str]
    splits: list[str]

    def write(self, path: Path, csv_safe: bool = False) -> None:
        """Write .npz (arrays `features`, `path`, `label`, `split`, no pickle) or .csv; UsageError otherwise.

        With `csv_safe`, no spreadsheet takes a name in the .csv for a formula.
        """
        _check_suffix(path)
        write_atomically(path, self._packed() if path.suffix.lower() == ".npz" else self._table(csv_safe))

    def _packed(self) -> bytes:
        content = io.BytesIO()
        path, label, split = (np.array([printable(text) for text in c]) for c in (self.names, self.labels, self.splits))
        np.savez_compressed(content, features=self.values.numpy(), path=path, label=label, split=split)
        return content.getvalue()

    def _table(self, safe: bool) -> bytes:
        header = ("path", "label", "split", *(f"f{i}" for i in range(self.values.shape[1])))
        rows = zip(self.names, self.labels, self.splits, self.values.tolist(), strict=True)
        body = [(name, label, split, *(f"{value:.8g}" for value in row)) for name, label, split, row in rows]
        return csv_text([header, *body], safe).encode("utf-8", "surrogateescape")


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--output {printable(path)}: features are written as {' or '.join(SUFFIXES)} files")


@torch.no_grad()
def features_of(
    network: nn.Module, depths: Sequence[str], decoded: Decoded, preprocess: Preprocess, device: torch.device
) -> Tensor:
    """Return the features N x width, on the CPU, of all images at the layers `depths`, concatenated.

    Without `depths` they are the inputs of the last layer. Feature maps are averaged over their positions. UsageError
    for a layer that does not exist.
    """
    network.eval()
    last = find_head(network, torch.zeros(2, *preprocess.input_size, device=device))
    try:
        extract = LayerFeatures(network, depths or [PENULTIMATE], last)
    except ValueError as problem:
        raise UsageError(str(problem)) from problem
    return torch.cat([extract(images).cpu() for images, _ in in_order(decoded, preprocess, device)])


def layer_names(text: str) -> list[str]:
    """Split a comma-separated list of layer names."""
    return [name.strip() for name in text.split(",") if name.strip()]


def write_features(
    source: str | Target,
    data: str,
    output: str | Path,
    *,
    layers: str = "",
    split: str = "all",
    data_dir: str | None = None,
    device: str = "auto",
    strict: bool = False,
    csv_safe: bool = False,
    interpretation: Mapping[str, Any] | None = None,
) -> Features:
    """Write the classifier's features of the images of `data` (one split, or `all`) to the file `output`.

    Files that cannot be used are skipped, each with a warning that says why.
    """
    path = Path(output)
    _check_suffix(path)
    if path.exists():
        raise OutputError(f"--output {printable(path)} already exists: choose another name, or remove it")
    classifier, target = open_target(source).classifier, choose_device(device)
    dataset = load_data(data, data_dir, **(interpretation or {}), purpose="features")
    chosen = list(dataset.splits) if split == "all" else [split]
    network = classifier.network.to(target)
    # A classical head (an SVM, for instance) takes the features; it does not make them.
    network = getattr(network, "body", network) if "head" in classifier.model_args else network
    values, names, labels, splits = [], [], [], []
    for name in chosen:
        decoded = decode_split(dataset.split(name), classifier.preprocess)
        report_skipped(decoded.skipped, strict)
        if len(decoded):
            values.append(features_of(network, layer_names(layers), decoded, classifier.preprocess, target))
            names += decoded.names
            labels += label_names(decoded.labels.numpy(), dataset.class_names)
            splits += [name] * len(decoded)
    if not values:
        raise DataError(f"{printable(dataset.name)}: no image of {split} can be used")
    features = Features(torch.cat(values), names, labels, splits)
    features.write(path, csv_safe)
    return features
