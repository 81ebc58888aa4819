"""Evaluating a saved classifier: which images, in which classes, and the report beside the figures."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import yaml

from ..bundle import find_bundle
from ..classifier import load
from ..data.datasets import load_data
from ..data.decoded import Reading, decode_split, report_skipped
from ..data.split import Data, redivide
from ..devices import choose_device
from ..errors import DataError, UsageError, printable
from ..files import free_folder, write_atomically
from .metrics import evaluate, relabel
from .report import Report, write_report
from .tta import VIEWS


def evaluate_bundle(
    source: str,
    data: str | None = None,
    *,
    split: str | None = None,
    data_dir: str | None = None,
    device: str = "auto",
    output: str = "runs/evaluate",
    strict: bool = False,
    tta: str = "none",
    cache: str | None = None,
    workers: int | None = None,
) -> dict[str, Any]:
    """Evaluate the classifier `source` on a split of `data` and write a report; the result is what `--json` prints.

    Without `data` it is what the run was trained on, divided as it was then. Without `split` it is the test split, or
    all images of a folder that has no splits and that the run was not trained on. Classes are matched by name. With
    `tta` the figures over several views of each image stand apart, as `tta`. Decoded images are kept in `cache` and
    made by so many `workers`, as in training; without `cache` in the usual place, unless the run was trained with none.
    """
    if tta not in VIEWS:
        raise UsageError(f"--tta must be one of {', '.join(VIEWS)}, not '{printable(tta)}'")
    bundle = find_bundle(source)
    classifier = load(bundle)
    trained_on = _trained_on(bundle)
    loaded, own = _find_data(bundle, trained_on, data, data_dir)
    chosen = split or ("all" if loaded.divided and not own else "test" if "test" in loaded.splits else "val")
    if chosen not in ("train", "val", "test", "all"):
        raise UsageError(f"--split must be train, val, test or all, not '{printable(chosen)}'")
    # A run's own wish to keep nothing is respected; another place is not, for the run may come from somebody else.
    reading = Reading(cache or ("off" if trained_on.get("cache") == "off" else "auto"), workers)
    images = relabel(loaded.split(chosen), loaded.class_names, classifier.class_names)
    decoded = decode_split(images, classifier.preprocess, reading)
    report_skipped(decoded.skipped, strict)
    if not len(decoded):
        raise DataError(f"{printable(loaded.name)}: no image of {chosen} can be used")
    place = choose_device(device)
    classifier.network.to(place)
    result = evaluate(classifier.network, decoded, classifier.preprocess, classifier.class_names, place)
    folder = free_folder(Path(output), f"{classifier.architecture.replace(':', '-')}-{Path(loaded.name).name}-{chosen}")
    words = ["convscope", "evaluate", source, *([data] if data else []), "--split", chosen]
    views = VIEWS[tta]
    apart = {}
    if views is not None:
        several = evaluate(classifier.network, decoded, classifier.preprocess, classifier.class_names, place, views)
        apart = {"tta": {"views": tta, **several.figures()}}
    metrics = {"parameters": sum(p.numel() for p in classifier.network.parameters())}
    title = f"{classifier.architecture} · {Path(loaded.name).name} · {chosen}"
    page = folder / "report.html"
    write_report(page, Report(title, chosen, result, decoded.pixels, shlex.join(words), metrics))
    write_atomically(folder / f"predictions_{chosen}.csv", result.table())
    return {
        "run": str(source),
        "data": loaded.name,
        "split": chosen,
        **result.figures(),
        **apart,
        "labels": classifier.class_names,
        "confusion": result.confusion(),
        "per_class": result.per_class(),
        "skipped": [{"path": path, "reason": reason} for path, reason in decoded.skipped],
        "report": printable(page),
    }


def _trained_on(bundle: Path) -> dict[str, Any]:
    """The recipe of the run that a bundle belongs to; empty if it stands alone."""
    recipe = bundle.parent / "recipe.yaml"
    return (yaml.safe_load(recipe.read_text(encoding="utf-8")) or {}) if recipe.is_file() else {}


def _find_data(bundle: Path, trained_on: dict[str, Any], data: str | None, data_dir: str | None) -> tuple[Data, bool]:
    """The data set, and whether it is the one that the run was trained on."""
    if data is None and not trained_on.get("data"):
        raise UsageError(f"{printable(bundle)} does not say what it was trained on: name a data set or a folder")
    source = data if data is not None else trained_on["data"]
    own = source == trained_on.get("data") or Path(source).resolve() == Path(str(trained_on.get("data"))).resolve()
    loaded = load_data(source, data_dir or (trained_on.get("data_dir") if own else None))
    table = bundle.parent / "split.csv"
    if own and (loaded.divided or loaded.held_out) and table.is_file():
        loaded = redivide(loaded, table.read_bytes())
    return loaded, own
