"""Write the report of a finished run again: as the page, as Markdown, or as JSON."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Any

import torch

from ..abstention import inputs_kept
from ..bundle_config import find_bundle
from ..classifier import Classifier, load
from ..data.augment import frame_side, parse_augment
from ..data.decoded import decode_split
from ..data.default_augment import augmentation_for
from ..data.split import Data
from ..devices import choose_device
from ..errors import UsageError, printable
from ..files import write_atomically
from ..finite_json import dump_json
from ..run_folder import KEPT, RunFolder, run_of_bundle
from .evaluate_run import document_of
from .evaluated_images import EvaluationOptions, choose_images, decode
from .metrics import evaluate
from .report.exported import export_parity
from .report.look import look_inside
from .report.markdown import further_figures, markdown
from .report.page import render
from .report.report import Report
from .report.seen import chosen_images, seen_images
from .robustness import robustness
from .scores import refusals_of, trust_figures

SUFFIXES = {"html": ".html", "md": ".md", "json": ".json"}


def write_run_report(
    source: str,
    data: str | None = None,
    *,
    format: str = "html",
    model: str | None = None,
    split: str | None = None,
    data_dir: str | None = None,
    device: str = "auto",
    output: Path | None = None,
    disturbed: bool = False,
) -> Path:
    """Evaluate the run `source` on a split of `data` and write its report with the curves of the training.

    By default that is the test split of what it was trained on, and the file `report.html` (or .md, .json) of the run.
    `disturbed` adds the accuracy under blur, noise and the like. Returns the file. UsageError for a classifier without
    a run folder, which `convscope evaluate` reports on.
    """
    if format not in SUFFIXES:
        raise UsageError(f"--format must be one of {', '.join(SUFFIXES)}, not '{printable(format)}'")
    classifier, run = _opened(bundle := find_bundle(source), model, source, disturbed)
    recipe, options = run.read_recipe(), EvaluationOptions(split=split, data_dir=data_dir)
    dataset, split, reading = choose_images(bundle, data, options, classifier.task)
    target = choose_device(device)
    decoded = decode(dataset, split, classifier, reading, strict=False)
    network, about = classifier.network.to(target), (classifier.preprocess, classifier.class_names, target)
    with inputs_kept(network, classifier.abstention.familiar) as features:
        result = evaluate(network, decoded, *about, task=classifier.task)
    trust = trust_figures(result, classifier.abstention, refusals_of(classifier.abstention, result, features))
    if disturbed:
        trust["robustness"] = robustness(network, decoded, classifier.preprocess, target)
    report = Report(
        title=f"{classifier.architecture} · {Path(dataset.name).name}",
        split=split,
        evaluation=result,
        pixels=decoded.pixels,
        trust=trust,
        run=source,
        counts=dataset.counts() if dataset.class_names == classifier.class_names else {},
        seen=_seen(dataset, classifier, recipe) if data is None else [],
        look=look_inside(classifier, decoded.pixels, result),
        exported=export_parity(bundle, decoded.pixels, result),
        **_about_run(run, source, data, split),
    )
    report.metrics["parameters"] = sum(p.numel() for p in network.parameters())
    path = output or run.report.with_suffix(SUFFIXES[format])
    figures = document_of(split, classifier, result, decoded, trust)
    write_atomically(path, _made(format, report, {"run": source, "data": dataset.name, **figures}))
    return path


def _opened(bundle: Path, model: str | None, source: str, disturbed: bool) -> tuple[Classifier, RunFolder]:
    """Return the classifier of a run, and the run; UsageError for what cannot be reported on like that."""
    classifier, run = load(bundle, model), run_of_bundle(bundle)
    if run is None:
        raise UsageError(
            f"{printable(source)} is no run but a saved classifier: `convscope evaluate` writes its report"
        )
    if disturbed and classifier.task.multi_label:
        raise UsageError("--robustness is for one class per image; this classifier gives several labels")
    return classifier, run


def _about_run(run: RunFolder, source: str, data: str | None, split: str) -> dict[str, Any]:
    """Return what the run folder says for the report: the commands that repeat it, curves, best epoch, environment."""
    history = [{k: v for k, v in row.items() if v is not None and math.isfinite(v)} for row in run.read_metrics()]
    commands = (
        ["convscope", "train", "--recipe", str(run.recipe)],
        ["convscope", "report", source, *([data] if data else []), "--split", split],
    )
    return {
        "command": "\n".join(map(shlex.join, commands)),
        "metrics": {
            "best_epoch": _best_epoch(history),
            "learned_from_validation": run.whole.exists(),
            **_time(history),
        },
        "environment": run.read_environment(),
        "history": history,
        "warnings": run.read_warnings(),
    }


def _time(history: list[dict[str, float]]) -> dict[str, float]:
    """Return how long the training was, as its last epoch says; nothing without."""
    last = history[-1] if history else {}
    known = {"seconds", "images_per_second"} <= last.keys()
    return {"train_seconds": last["seconds"], "images_per_second": last["images_per_second"]} if known else {}


def _made(format: str, report: Report, figures: dict[str, Any]) -> str:
    """Return the report as HTML, Markdown or JSON."""
    if format == "html":
        return render(report)
    document = figures | further_figures(report)
    return markdown(report, document) if format == "md" else dump_json(document, indent=2) + "\n"


def _seen(dataset: Data, classifier: Classifier, recipe: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a few training images as the network saw them; none where the recipe does not say how."""
    training = dataset.splits.get("train")
    if training is None:
        return []
    preprocess, changes = classifier.preprocess, str(recipe.get("augment", "auto"))
    try:
        augment = parse_augment(augmentation_for(changes, dataset))
        frame = preprocess.frame if frame_side(changes) else None
    except UsageError:  # a recipe of somebody else, edited
        return []
    few = training.take(chosen_images(torch.from_numpy(training.labels)))
    decoded = decode_split(few, frame or preprocess)
    seed = recipe.get("seed")
    return seen_images(decoded, preprocess, dataset.class_names, augment, seed if isinstance(seed, int) else 0)


def _best_epoch(history: list[dict[str, float]]) -> int | None:
    """Return the epoch whose weights the training kept at last; None if its table does not say so."""
    kept = [row["epoch"] for row in history if row.get(KEPT) and "epoch" in row]
    return round(kept[-1]) if kept else None
