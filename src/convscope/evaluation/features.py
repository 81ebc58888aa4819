"""What a trained network knows of images, as vectors: for other classifiers, for clustering, for search."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..bundle import find_bundle
from ..classifier import load
from ..data.batches import in_order
from ..data.datasets import load_data
from ..data.decoded import Decoded, decode_split, report_skipped
from ..data.preprocess import Preprocess
from ..devices import choose_device
from ..errors import DataError, OutputError, UsageError, printable
from ..files import csv_text, write_atomically
from ..models.tools.head import find_head
from ..models.tools.layer_features import PENULTIMATE, Depths

ENDINGS = (".npz", ".csv")


@dataclass(frozen=True)
class Features:
    """`values` N x width (float32), and for every image its name, the name of its class and of its split."""

    values: Tensor
    names: list[str]
    labels: list[str]
    splits: list[str]

    def write(self, path: Path) -> None:
        """As .npz (arrays `features`, `path`, `label`, `split`; no pickle) or .csv; UsageError for another ending."""
        if path.suffix.lower() not in ENDINGS:
            raise UsageError(f"{printable(path)}: features are written as {' or '.join(ENDINGS)}: change the ending")
        write_atomically(path, self._packed() if path.suffix.lower() == ".npz" else self._table())

    def _packed(self) -> bytes:
        content = io.BytesIO()
        path, label, split = (np.array([printable(text) for text in c]) for c in (self.names, self.labels, self.splits))
        np.savez_compressed(content, features=self.values.numpy(), path=path, label=label, split=split)
        return content.getvalue()

    def _table(self) -> bytes:
        header = ("path", "label", "split", *(f"f{i}" for i in range(self.values.shape[1])))
        rows = zip(self.names, self.labels, self.splits, self.values.tolist(), strict=True)
        body = [(name, label, split, *(f"{value:.8g}" for value in row)) for name, label, split, row in rows]
        return csv_text([header, *body]).encode("utf-8", "surrogateescape")


@torch.no_grad()
def features_of(
    network: nn.Module, depths: Sequence[str], decoded: Decoded, preprocess: Preprocess, device: torch.device
) -> Tensor:
    """The features of all images at `depths` (none named: what goes into the last layer): N x width, on the CPU.

    Maps are averaged over their places; several depths are joined. UsageError for a layer that is not there.
    """
    network.eval()
    last = find_head(network, torch.zeros(2, *preprocess.input_size, device=device))
    try:
        look = Depths(network, depths or [PENULTIMATE], last)
    except ValueError as problem:
        raise UsageError(str(problem)) from problem
    return torch.cat([look(images).cpu() for images, _ in in_order(decoded, preprocess, device)])


def layer_names(text: str) -> list[str]:
    """Names with commas between them, as a list."""
    return [name.strip() for name in text.split(",") if name.strip()]


def write_features(
    source: str,
    data: str,
    output: str | Path,
    *,
    layers: str = "",
    split: str = "all",
    data_dir: str | None = None,
    device: str = "auto",
    strict: bool = False,
) -> Features:
    """Write the features that the classifier `source` has of the images of `data` (one split, or `all`) to `output`.

    Files that cannot be used are skipped, each named with its reason.
    """
    path = Path(output)
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{printable(path)}: features are written as {' or '.join(ENDINGS)}: change the ending")
    if path.exists():
        raise OutputError(f"{printable(path)} exists: choose another name or remove it")
    classifier, place = load(find_bundle(source)), choose_device(device)
    loaded = load_data(data, data_dir)
    chosen = list(loaded.splits) if split == "all" else [split]
    network = classifier.network.to(place)
    # A classical head is behind the features, not one of them.
    network = getattr(network, "body", network) if "head" in classifier.model_args else network
    values, names, labels, splits = [], [], [], []
    for name in chosen:
        decoded = decode_split(loaded.split(name), classifier.preprocess)
        report_skipped(decoded.skipped, strict)
        if len(decoded):
            values.append(features_of(network, layer_names(layers), decoded, classifier.preprocess, place))
            names += decoded.names
            labels += [loaded.class_names[i] for i in decoded.labels.tolist()]
            splits += [name] * len(decoded)
    if not values:
        raise DataError(f"{printable(loaded.name)}: no image of {split} can be used")
    features = Features(torch.cat(values), names, labels, splits)
    features.write(path)
    return features
