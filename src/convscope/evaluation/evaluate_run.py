"""Evaluate a saved classifier: choose the images, match their classes by name, and write a report."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..abstention import Refusal, inputs_kept
from ..bundle_config import find_bundle
from ..classifier import Classifier, load
from ..data.datasets import load_data
from ..data.decoded import Decoded, Reading, decode_split
from ..data.skipped import report_skipped
from ..data.sources.interpretation import INTERPRETATION_OPTIONS
from ..data.split import Data, Split
from ..devices import choose_device
from ..errors import DataError, ModelFileError, UsageError, printable
from ..files import folder_name, write_atomically
from ..run_folder import RunFolder, run_of_bundle
from ..task import Task
from .metrics import Evaluation, evaluate, relabel
from .multi_label import MultiLabelEvaluation, relabel_marks
from .report.page import write_report
from .report.report import Report
from .robustness import robustness
from .run_data import as_divided, source_of_run
from .scores import per_class_figures, refusals_of, trust_figures
from .tta import VIEWS, frame_for, views_of


def evaluate_bundle(
    source: str,
    data: str | None = None,
    *,
    model: str | None = None,
    split: str | None = None,
    data_dir: str | None = None,
    device: str = "auto",
    output: str = "runs/evaluate",
    strict: bool = False,
    tta: str = "none",
    cache: str | None = None,
    workers: int | None = None,
    csv_safe: bool = False,
    disturbed: bool = False,
    interpretation: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Evaluate the classifier `source` on a split of `data`, write a report, and return what `--json` prints.

    Without `data` it is what the run was trained on, divided as then; without `split` the test split, or all images of
    a folder without splits. Classes are matched by name. `tta` adds figures over several views of each image,
    `disturbed` the accuracy under blur, noise and the like.
    """
    if tta not in VIEWS:
        raise UsageError(f"--tta must be one of {', '.join(VIEWS)}, not '{printable(tta)}'")
    classifier, run = load(bundle := find_bundle(source), model), run_of_bundle(bundle)
    recipe = {} if run is None else run.read_recipe()
    if disturbed and classifier.task.multi_label:
        raise UsageError("--robustness is for one class per image; this classifier gives several labels")
    dataset, is_own = load_dataset(bundle, recipe, data, data_dir, classifier.task, interpretation or {})
    split = split or default_split(dataset, is_own)
    reading, target = Reading(cache or cache_of(recipe), workers), choose_device(device)
    decoded = decode(dataset, split, classifier, reading, strict)
    network, about = classifier.network.to(target), (classifier.preprocess, classifier.class_names, target)
    with inputs_kept(network, classifier.abstention.familiar) as features:
        result, further = evaluate(network, decoded, *about, task=classifier.task), {}
    if not result.logits.isfinite().all():
        raise ModelFileError(f"{printable(bundle)}: the network's output is not a finite number: train it again")
    if views := views_of(tta, classifier.preprocess):
        seen = _with_margin(dataset, split, classifier, reading, tta) or decoded
        further = {"tta": {"views": tta, **evaluate(network, seen, *about, views, classifier.task).figures()}}
    refusals = refusals_of(classifier.abstention, result, features)
    trust = trust_figures(result, classifier.abstention, refusals)
    if disturbed:
        trust["robustness"] = robustness(network, decoded, classifier.preprocess, target)
    parts = (trust, Path(dataset.name).name, split, result, decoded, _command(source, data, split, data_dir), csv_safe)
    report = _write(Path(output), classifier, *parts, refusals)
    document = document_of(split, classifier, result, decoded, trust | further)
    return {"run": str(source), "data": dataset.name, **document, "report": printable(report)}


def document_of(
    split: str,
    classifier: Classifier,
    result: Evaluation | MultiLabelEvaluation,
    decoded: Decoded,
    further: dict[str, Any],
) -> dict[str, Any]:
    """Return what `--json` prints about the evaluation of a split, without where it comes from and where it went."""
    return {
        "split": split,
        **result.figures(),
        **further,
        "labels": classifier.class_names,
        **({"confusion": result.confusion()} if isinstance(result, Evaluation) else {}),
        "per_class": per_class_figures(result),
        "skipped": [{"path": path, "reason": reason} for path, reason in decoded.skipped],
    }


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
    is_own = bool(own) and (source == own or Path(source).resolve() == Path(own).resolve())
    own_options = {name: recipe[name] for name in INTERPRETATION_OPTIONS if name in recipe} if is_own else {}
    # A table whose images happen to have one label each is one of several labels to a classifier of several.
    options = {**own_options, **interpretation, "label_type": "multi" if task.multi_label else "single"}
    dataset = load_data(source, data_dir or (recipe.get("data_dir") if is_own else None), **options, purpose="evaluate")
    return (as_divided(dataset, run) if is_own and run is not None else dataset), is_own


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
    if not len(decoded):
        raise DataError(f"{printable(dataset.name)}: no image of {split} can be used")
    return decoded


def _with_margin(dataset: Data, split: str, classifier: Classifier, reading: Reading, tta: str) -> Decoded | None:
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


def _write(
    parent: Path,
    classifier: Classifier,
    trust: dict[str, Any],
    data: str,
    split: str,
    result: Evaluation | MultiLabelEvaluation,
    decoded: Decoded,
    command: str,
    csv_safe: bool,
    refusals: list[Refusal | None] | None,
) -> Path:
    """Write report and predictions into a new folder below `parent`, and return the report's path."""
    folder = RunFolder.create(parent, f"{folder_name(classifier.architecture)}-{data}-{split}")
    title = f"{classifier.architecture} · {data} · {split}"
    metrics = {"parameters": sum(p.numel() for p in classifier.network.parameters())}
    write_report(folder.report, Report(title, split, result, decoded.pixels, command, metrics, trust=trust))
    write_atomically(
        folder.predictions(split),
        result.table(csv_safe, refusals) if isinstance(result, Evaluation) else result.table(csv_safe),
    )
    return folder.report


def _command(source: str, data: str | None, split: str, data_dir: str | None) -> str:
    words = ["convscope", "evaluate", source, *([data] if data else []), "--split", split]
    return shlex.join([*words, *(["--data-dir", data_dir] if data_dir else [])])
