"""Choose the images that a classifier is evaluated on, and decode them with its labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..classifier import Classifier
from ..data.datasets import load_data
from ..data.decoded import Decoded, Reading, decode_split
from ..data.skipped import report_skipped
from ..data.sources.interpretation import INTERPRETATION_OPTIONS
from ..data.split import Data, Split
from ..errors import DataError, UsageError, printable
from ..problems import listed, warn
from ..run_folder import run_of_bundle
from ..task import Task
from .metrics import relabel
from .multi_label import relabel_marks
from .run_data import (
    as_divided,
    compare_with_training,
    digests_of,
    refuse_gone,
    source_of_run,
    warn_about_other_content,
)
from .tta import frame_for


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """How images are found, decoded and evaluated, and where the findings go: what every evaluation can be told.

    Without `split` the test split is evaluated, or all images of a folder without splits. `model` is the code of a
    network of one's own, `interpretation` how labels and folders are read (see `load_data`), `cache` where decoded
    images are kept, by default as in the training. `strict` fails if a file has to be skipped. A new folder is made
    below `output`; with `csv_safe` its tables hold no cell that a spreadsheet runs as a formula.
    """

    model: Any = None
    split: str | None = None
    data_dir: str | None = None
    interpretation: Mapping[str, Any] = field(default_factory=dict)
    cache: str | None = None
    workers: int | None = None
    device: str = "auto"
    strict: bool = False
    output: str = "runs/evaluate"
    csv_safe: bool = False


def choose_images(bundle: Path, data: str | None, options: EvaluationOptions, task: Task) -> tuple[Data, str, Reading]:
    """Return the data set, by default the one that the run was trained on, the split, and how images are decoded."""
    run = run_of_bundle(bundle)
    recipe = {} if run is None else run.read_recipe()
    dataset, is_own = load_dataset(bundle, recipe, data, options.data_dir, task, options.interpretation)
    reading = Reading(options.cache or cache_of(recipe), options.workers)
    split = options.split or default_split(dataset, is_own)
    if is_own and run is not None and split in (*dataset.splits, "all"):
        compare_with_training(dataset, run, split, options.split is not None)
        dataset.digests = digests_of(run)
    if split == "val" and is_own and run is not None and run.whole.exists():
        n = f"{len(dataset.split(split)):,}"
        warn("trained-on", bundle, f"was trained on {n} of these {n} images, so that its figure is too good")
    return dataset, split, reading


def load_dataset(
    bundle: Path,
    recipe: dict[str, Any],
    data: str | None,
    data_dir: str | None,
    task: Task,
    interpretation: Mapping[str, Any],
) -> tuple[Data, bool]:
    """Return the data set, and whether it is the one that the run was trained on."""
    run = run_of_bundle(bundle)
    own = source_of_run(run) if run is not None else ""
    source = own if data is None else data
    if not source:
        raise UsageError(f"{printable(bundle)} does not say what it was trained on: name a data set or a folder")
    if data is None:
        refuse_gone(source)
    is_own = bool(own) and (source == own or Path(source).resolve() == Path(own).resolve())
    own_options = {name: recipe[name] for name in INTERPRETATION_OPTIONS if name in recipe} if is_own else {}
    # A table whose images happen to have one label each is one of several labels to a classifier of several.
    options = {**own_options, **interpretation, "label_type": "multi" if task.multi_label else "single"}
    dataset = load_data(source, data_dir or (recipe.get("data_dir") if is_own else None), **options, purpose="evaluate")
    if not is_own or run is None:
        return dataset, is_own
    divided = as_divided(dataset, run)
    if added := sorted({*dataset.split("all").names} - {*divided.split("all").names}):
        text = f"{len(added):,} images were added since the training and are not used: {listed(added)}"
        warn("changed-images", dataset.name, text)
    return divided, is_own


def cache_of(recipe: dict[str, Any]) -> str:
    """Return where decoded images are kept; a run may come from somebody else: of its own cache only `off` counts."""
    return "off" if recipe.get("cache") == "off" else "auto"


def default_split(dataset: Data, is_own: bool) -> str:
    """Return the split that is evaluated if none is named."""
    if dataset.divided and not is_own:
        return "all"
    return next((split for split in ("test", "val") if split in dataset.splits), "all")


def decode(dataset: Data, split: str, classifier: Classifier, reading: Reading, strict: bool) -> Decoded:
    """Return the decoded images of a split with the classifier's labels; DataError if none can be used."""
    if split not in ("train", "val", "test", "all"):
        raise UsageError(f"--split must be train, val, test or all, not '{printable(split)}'")
    decoded = decode_split(_labelled(dataset, split, classifier), classifier.preprocess, reading)
    report_skipped(decoded.skipped, strict)
    warn_about_other_content(dataset, decoded)
    if not len(decoded):
        raise DataError(f"{printable(dataset.name)}: no image of {split} can be used")
    return decoded


def decode_with_margin(dataset: Data, split: str, classifier: Classifier, reading: Reading, tta: str) -> Decoded | None:
    """Return the images of a split with what lies around the network's input; None if the views need only that."""
    frame = frame_for(tta, classifier.preprocess)
    return decode_split(_labelled(dataset, split, classifier), frame, reading) if frame else None


def _labelled(dataset: Data, split: str, classifier: Classifier) -> Split:
    """Return the images of a split with the classifier's labels; DataError if its labels are others."""
    images = dataset.split(split)
    if dataset.multi_label != classifier.task.multi_label:
        have, gives = ("several labels", "one class") if dataset.multi_label else ("one class", "several labels")
        raise DataError(f"{printable(dataset.name)} has {have} per image, and the classifier gives {gives}")
    match = relabel_marks if dataset.multi_label else relabel
    return match(images, dataset.class_names, classifier.class_names)
