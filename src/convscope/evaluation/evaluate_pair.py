"""Evaluate two saved classifiers on the same images, and write on which they differ."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from ..bundle_config import find_bundle
from ..classifier import load
from ..devices import choose_device
from ..errors import UsageError, printable
from ..files import csv_text, folder_name, write_atomically
from ..problems import warn
from ..run_folder import RunFolder, run_of_bundle
from .evaluated_images import EvaluationOptions, choose_images, decode
from .metrics import Evaluation, evaluate
from .paired import compare

DIFFERING = "differing.csv"


def evaluate_pair(
    first: str, second: str, data: str | None = None, options: EvaluationOptions | None = None
) -> dict[str, Any]:
    """Compare two classifiers on a split of `data`, by default that of `first`; return what `--json` prints.

    Each sees the images as it was trained to. The images on which their answers differ are written to a new folder.
    Warns if one was trained on some of the images, which would make its figure too good.
    """
    options = options or EvaluationOptions()
    bundles = [find_bundle(source) for source in (first, second)]
    classifiers = [load(bundle, options.model) for bundle in bundles]
    if any(classifier.task.multi_label for classifier in classifiers):
        raise UsageError("two classifiers are compared where an image has one class; one of these gives several labels")
    dataset, split, reading = choose_images(bundles[0], data, options, classifiers[0].task)
    target = choose_device(options.device)
    evaluations = []
    for source, bundle, classifier in zip((first, second), bundles, classifiers, strict=True):
        decoded = decode(dataset, split, classifier, reading, options.strict)
        network = classifier.network.to(target)
        found = evaluate(network, decoded, classifier.preprocess, classifier.class_names, target)
        assert isinstance(found, Evaluation)
        _warn_if_trained_on(source, bundle, dataset.name, found.names)
        evaluations.append(found)
    compared = compare(*evaluations)
    names = "-".join(folder_name(classifier.architecture) for classifier in classifiers)
    folder = RunFolder.create(Path(options.output), f"{names}-{Path(dataset.name).name}-{split}")
    write_atomically(folder.path / DIFFERING, _table(compared["differing"], options.csv_safe))
    return {
        "runs": [str(first), str(second)],
        "data": dataset.name,
        "split": split,
        **compared,
        "table": printable(folder.path / DIFFERING),
    }


def _warn_if_trained_on(source: str, bundle: Path, data: str, names: list[str]) -> None:
    run = run_of_bundle(bundle)
    table = run.read_split() if run is not None else None
    own = str(run.read_recipe().get("data") or "") if run is not None else ""
    if table is None or not own or not (own == data or Path(own).resolve() == Path(data).resolve()):
        return
    rows = csv.DictReader(io.StringIO(table.decode("utf-8", "surrogateescape"), newline=""))
    trained = {row["path"] for row in rows if row["split"] == "train"}
    if seen := sum(name in trained for name in names):
        text = f"was trained on {seen:,} of these {len(names):,} images, so that its figure is too good"
        warn("trained-on", source, text)


def _table(rows: list[dict[str, Any]], safe: bool) -> str:
    header = ("path", "label", "first", "probability_first", "second", "probability_second")
    body = [
        (r["path"], r["label"], r["first"], f"{r['probabilities'][0]:.6f}", r["second"], f"{r['probabilities'][1]:.6f}")
        for r in rows
    ]
    return csv_text([header, *body], safe)
