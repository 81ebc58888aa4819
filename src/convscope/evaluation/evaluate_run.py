"""Evaluate a saved classifier: choose the images, match their classes by name, and write a report."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from ..abstention import Refusal, inputs_kept
from ..bundle_config import find_bundle
from ..classifier import Classifier, load
from ..data.decoded import Decoded
from ..devices import choose_device
from ..errors import ModelFileError, UsageError, printable
from ..files import folder_name, write_atomically
from ..graph_network import GraphNetwork
from ..run_folder import RunFolder
from .evaluated_images import EvaluationOptions, choose_images, decode, decode_with_margin
from .metrics import Evaluation, evaluate
from .multi_label import MultiLabelEvaluation
from .report.look import look_inside
from .report.page import write_report
from .report.report import Report
from .robustness import robustness
from .scores import per_class_figures, refusals_of, trust_figures
from .set_figures import set_figures
from .tta import VIEWS, views_of


def evaluate_bundle(
    source: str,
    data: str | None = None,
    options: EvaluationOptions | None = None,
    *,
    tta: str = "none",
    disturbed: bool = False,
    set_coverage: float | None = None,
) -> dict[str, Any]:
    """Evaluate the classifier `source` on a split of `data`, write a report, and return what `--json` prints.

    Without `data` it is what the run was trained on, divided as then. Classes are matched by name. `tta` adds figures
    over several views of each image, `disturbed` the accuracy under blur, noise and the like, `set_coverage` what sets
    of classes with that coverage do.
    """
    if tta not in VIEWS:
        raise UsageError(f"--tta must be one of {', '.join(VIEWS)}, not '{printable(tta)}'")
    options = options or EvaluationOptions()
    classifier = load(bundle := find_bundle(source), options.model)
    if disturbed and classifier.task.multi_label:
        raise UsageError("--robustness is for one class per image; this classifier gives several labels")
    classifier.least_of_sets(set_coverage)  # before anything is read
    dataset, split, reading = choose_images(bundle, data, options, classifier.task)
    target = choose_device(options.device)
    decoded = decode(dataset, split, classifier, reading, options.strict)
    network, about = classifier.network.to(target), (classifier.preprocess, classifier.class_names, target)
    with inputs_kept(network, classifier.abstention.familiar) as features:
        result, further = evaluate(network, decoded, *about, task=classifier.task), {}
    if not result.logits.isfinite().all():
        raise ModelFileError(f"{printable(bundle)}: the network's output is not a finite number: train it again")
    if views := views_of(tta, classifier.preprocess):
        seen = decode_with_margin(dataset, split, classifier, reading, tta) or decoded
        further = {"tta": {"views": tta, **evaluate(network, seen, *about, views, classifier.task).figures()}}
    refusals = refusals_of(classifier.abstention, result, features)
    trust = trust_figures(result, classifier.abstention, refusals)
    if disturbed:
        trust["robustness"] = robustness(network, decoded, classifier.preprocess, target)
    if set_coverage is not None and isinstance(result, Evaluation):
        trust["sets"] = set_figures(result, classifier.abstention, set_coverage)
    command = _command(source, data, split, options.data_dir)
    parts = (trust, Path(dataset.name).name, split, result, decoded, command, options.csv_safe)
    report = _write(Path(options.output), classifier, *parts, refusals)
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
    counted = not isinstance(classifier.network, GraphNetwork)
    metrics = {"parameters": sum(p.numel() for p in classifier.network.parameters())} if counted else {}
    look = look_inside(classifier, decoded.pixels, result) if counted else None
    write_report(folder.report, Report(title, split, result, decoded.pixels, command, metrics, trust=trust, look=look))
    write_atomically(
        folder.predictions(split),
        result.table(csv_safe, refusals) if isinstance(result, Evaluation) else result.table(csv_safe),
    )
    return folder.report


def _command(source: str, data: str | None, split: str, data_dir: str | None) -> str:
    words = ["convscope", "evaluate", source, *([data] if data else []), "--split", split]
    return shlex.join([*words, *(["--data-dir", data_dir] if data_dir else [])])
