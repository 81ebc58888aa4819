"""Write the report of a finished run again: as the page, as Markdown, or as JSON."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Any

from ..abstention import inputs_kept
from ..bundle_config import find_bundle
from ..classifier import load
from ..devices import choose_device
from ..errors import UsageError, printable
from ..files import write_atomically
from ..finite_json import dump_json
from ..run_folder import run_of_bundle
from .evaluate_run import document_of
from .evaluated_images import EvaluationOptions, choose_images, decode
from .metrics import evaluate
from .report.markdown import markdown
from .report.page import render
from .report.report import Report
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
) -> Path:
    """Evaluate the run `source` on a split of `data` and write its report with the curves of the training.

    By default that is the test split of what it was trained on, and the file `report.html` (or .md, .json) of the run.
    Returns the file. UsageError for a classifier without a run folder, which `convscope evaluate` reports on.
    """
    if format not in SUFFIXES:
        raise UsageError(f"--format must be one of {', '.join(SUFFIXES)}, not '{printable(format)}'")
    classifier, run = load(bundle := find_bundle(source), model), run_of_bundle(bundle)
    if run is None:
        raise UsageError(
            f"{printable(source)} is no run but a saved classifier: `convscope evaluate` writes its report"
        )
    recipe, options = run.read_recipe(), EvaluationOptions(split=split, data_dir=data_dir)
    dataset, split, reading = choose_images(bundle, data, options, classifier.task)
    target = choose_device(device)
    decoded = decode(dataset, split, classifier, reading, strict=False)
    network, about = classifier.network.to(target), (classifier.preprocess, classifier.class_names, target)
    with inputs_kept(network, classifier.abstention.familiar) as features:
        result = evaluate(network, decoded, *about, task=classifier.task)
    trust = trust_figures(result, classifier.abstention, refusals_of(classifier.abstention, result, features))
    history = [{k: v for k, v in row.items() if v is not None and math.isfinite(v)} for row in run.read_metrics()]
    title = f"{classifier.architecture} · {Path(dataset.name).name}"
    command = shlex.join(["convscope", "report", source, *([data] if data else []), "--split", split])
    metrics = {"parameters": sum(p.numel() for p in network.parameters()), "best_epoch": _best_epoch(recipe, history)}
    report = Report(
        title, split, result, decoded.pixels, command, metrics, run.read_environment(), history, trust=trust
    )
    document = {"run": source, "data": dataset.name, **document_of(split, classifier, result, decoded, trust)}
    makers = {
        "html": lambda: render(report),
        "md": lambda: markdown(report, document),
        "json": lambda: dump_json({**document, "history": history}, indent=2) + "\n",
    }
    path = output or run.report.with_suffix(SUFFIXES[format])
    write_atomically(path, makers[format]())
    return path


def _best_epoch(recipe: dict[str, Any], history: list[dict[str, float]]) -> int | None:
    """Return the epoch whose weights the training kept, the first with the best monitored figure; None if not known."""
    monitor = str(recipe.get("monitor"))
    rows = [row for row in history if monitor in row and "epoch" in row]
    if not rows or recipe.get("validation") == "none":
        return None
    best = min if monitor == "val/loss" else max
    return round(best(rows, key=lambda row: row[monitor])["epoch"])
