"""`convscope evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import UsageError, printable
from ..messages.translate import phrase
from ..training.recipe.options import checked
from .compared import print_comparison
from .data_options import with_data_options
from .output import print_json, print_table, say, split_name
from .parameters import (
    Cache,
    CsvSafe,
    DataDir,
    Device,
    Json,
    OwnModel,
    Run,
    SetCoverage,
    Strict,
    Tta,
    Workers,
)

Option = typer.Option
EvaluatedData = Annotated[
    str | None,
    typer.Argument(
        help="Images: a path or a name, as for `convscope train`. Default: the data that the run was trained on. Or a "
        "second RUN, which is compared with the first on the same images.",
        metavar="DATA|RUN_B",
    ),
]
ComparedOn = Annotated[
    str | None,
    typer.Argument(help="The images, if two are compared. Default: the first one's data.", metavar="DATA"),
]
EvaluatedSplit = Annotated[
    str | None,
    Option(
        help="Split to evaluate on. Default: test; all if the data has no splits of its own.",
        metavar="[train|val|test|all]",
    ),
]
ReportParent = Annotated[str, Option(help="Folder in which the report's folder is made.", metavar="FOLDER")]
Robustness = Annotated[
    bool, Option("--robustness", help="Also measure under blur, noise, darkness, low contrast, rotation and JPEG.")
]


@with_data_options("label_type", "group_by")
def evaluate_command(
    run: Run,
    data: EvaluatedData = None,
    compared_on: ComparedOn = None,
    model: OwnModel = None,
    split: EvaluatedSplit = None,
    data_dir: DataDir = None,
    *,
    interpretation: dict[str, Any],
    tta: Tta = "none",
    robustness: Robustness = False,
    set_coverage: SetCoverage = None,
    cache: Cache = None,
    workers: Workers = None,
    device: Device = "auto",
    output: ReportParent = "runs/evaluate",
    csv_safe: CsvSafe = False,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Evaluate a classifier, or compare two, and write a report.

    `evaluate RUN_A RUN_B [DATA]` compares two on the same images: McNemar's test and where their answers differ.
    Accuracy with its 95 % interval, figures per class, confusion matrix, ROC and precision-recall areas, calibration.
    For several labels per image: mean average precision, micro and macro F1, and the share of images all right.
    """
    from ..evaluation.evaluate_pair import evaluate_pair
    from ..evaluation.evaluate_run import evaluate_bundle
    from ..evaluation.evaluated_images import EvaluationOptions

    checked("workers", workers, "--workers")
    options = EvaluationOptions(
        model=model, split=split, data_dir=data_dir, device=device, output=output, strict=strict, cache=cache,
        workers=workers, csv_safe=csv_safe, interpretation=interpretation,
    )  # fmt: skip
    if data is None or (compared_on is None and not _is_run(data)):
        further: dict[str, Any] = {"tta": tta, "disturbed": robustness, "set_coverage": set_coverage}
        result, show = evaluate_bundle(run, data, options, **further), _print_result
    elif tta != "none" or robustness or set_coverage is not None:
        raise UsageError("--tta, --robustness and --set-coverage are for one classifier: leave them out to compare two")
    else:
        result, show = evaluate_pair(run, data, compared_on, options), print_comparison
    (print_json if json else show)(result)


def _is_run(data: str) -> bool:
    """Whether the second word is a run; the images at that path come before a run that is called after them."""
    from ..bundle_config import find_bundle, is_bundle

    if not is_bundle(data):
        return False
    path = Path(data)
    return not path.is_dir() or find_bundle(data).resolve().is_relative_to(path.resolve())


def _print_result(result: dict[str, Any]) -> None:
    run, data = printable(result["run"]), printable(result["data"])
    n = f"{result['n']:,}"
    say(phrase("{run} on {data}, {split}: {n} images", run=run, data=data, split=split_name(result["split"]), n=n))
    classes = len(result["per_class"])
    say(f"{_main_figures(result, classes)}  loss {result['loss']:.4f}")
    for line in _trust(result):
        say(line)
    if "tta" in result:
        tta = result["tta"]
        say(f"with test-time augmentation ({tta['views']}): {_main_figures(tta, classes)}  loss {tta['loss']:.4f}")
    say()
    if "map" in result:
        _print_labels(result["per_class"])
    else:
        _print_classes(result)
    absent = sum(not row["support"] for row in result["per_class"])
    if absent:
        known, several = len(result["per_class"]), "map" in result
        what, means = ("labels", "; the means are over the others") if several else ("classes", "")
        say(f"\n-: {absent:,} of {known:,} {what} do not occur in these images{means}")
    say(f"\nreport  {result['report']}")


def _main_figures(result: dict[str, Any], classes: int) -> str:
    if "map" not in result:
        top1 = f"top-1 {result['top1']:.2%}"
        return f"{top1}  top-5 {result['top5']:.2%}" if classes > 5 else top1  # of five classes each is among them
    return (
        f"mean average precision {result['map']:.2%}  micro F1 {result['micro_f1']:.4f}  "
        f"macro F1 {result['macro_f1']:.4f}  all labels right {result['subset_accuracy']:.2%}"
    )


def _trust(result: dict[str, Any]) -> list[str]:
    """Return the lines about how far the figures can be trusted."""
    if "map" in result:
        low, high = result["subset_accuracy_interval"]
        return [
            f"all labels right: 95 % interval {low:.2%} to {high:.2%}",
            f"ROC AUC {_score(result['roc_auc'])} (label means)",
            _calibration({**result["calibration"]["before"], **result}),
            *(_unknown(result["unknown"]) if result["unknown"] else []),
        ]
    low, high = result["top1_interval"]
    low5, high5 = result["top5_interval"]
    most = result["majority"]
    interval = f"95 % interval: top-1 {low:.2%} to {high:.2%}"
    if len(result["per_class"]) > 5:
        interval = f"95 % interval: top-1 {low:.2%} to {high:.2%}  top-5 {low5:.2%} to {high5:.2%}"
    lines = [
        interval,
        f"always answering '{printable(most['label'])}' would give {most['top1']:.2%}",
        f"balanced accuracy {result['balanced_accuracy']:.2%}  macro F1 {result['macro']['f1']:.4f}  "
        f"ROC AUC {_score(result['roc_auc'])}  average precision {_score(result['average_precision'])} (class means)",
        _calibration(result["calibration"]["before"]),
    ]
    if after := result["calibration"]["after"]:
        lines.append(f"with temperature {after['temperature']:.3f}: {_calibration(after)}")
    if unknown := result["unknown"]:
        lines += _unknown(unknown)
    if "sets" in result:
        lines += _sets(result["sets"])
    if "robustness" in result:
        lines += _robustness(result["robustness"])
    return lines


def _calibration(row: dict[str, Any]) -> str:
    bins, chance = len(row["reliability"]), f"{row['smooth_ece_by_chance']:.2%}"
    return (
        f"log loss {row['log_loss']:.4f}  Brier {row['brier']:.4f}  "
        f"smooth calibration error {row['smooth_ece']:.2%} (by chance alone up to {chance}), "
        f"by bins of equally many images {row['ece']:.2%} (bins: {bins})"
    )


def _unknown(unknown: dict[str, Any]) -> list[str]:
    """Return the lines about what the classifier would not answer."""
    lines = [f"unknown: {printable(unknown['note'])}"] if unknown["note"] else []
    if here := unknown["here"]:
        right = "" if here["top1"] is None else f"; of the answered ones {here['top1']:.2%} are right"
        lines.append(
            f"answered {here['answered']:.2%} (close to no class {here['foreign']:.2%}, "
            f"between two {here['unsure']:.2%}){right}"
        )
    return lines


def _sets(sets: dict[str, Any]) -> list[str]:
    """Return the lines about sets of classes: what was asked, what came of it here, and for which class least."""
    low, high = sets["interval"]
    lines = [
        f"sets of classes with a coverage of {sets['coverage']:g}, from {sets['held_out']:,} held-out images: "
        f"{sets['covered']:.2%} hold the true class (95 % interval {low:.2%} to {high:.2%})",
        f"  on average {sets['mean_size']:.2f} classes, {sets['single']:.1%} have one, the largest {sets['largest']:,}",
    ]
    if least := sets["least_covered"]:
        label = printable(least["label"])
        lines.append(f"  least often '{label}': {least['covered']:.1%} of {least['support']:,}")
    return lines


def _robustness(found: dict[str, Any]) -> list[str]:
    """Return a line per disturbance with the accuracy at each strength."""
    rows: dict[str, list[str]] = {}
    for row in found["disturbances"]:
        rows.setdefault(row["name"], []).append(f"{row['strength']:g}: {row['top1']:.1%}")
    head = f"robustness on {found['n']:,} images, undisturbed {found['top1']:.1%}; strength: top-1"
    return [head, *(f"  {name:<10}{'   '.join(cells)}" for name, cells in rows.items())]


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _print_labels(per_class: list[dict[str, Any]]) -> None:
    """Print the results per label, of several labels per image; undefined figures as a dash."""
    rows = []
    for r in per_class:
        scores = [r["average_precision"], r["precision"], r["recall"]]
        shares = ["-" if score is None else f"{score:.2%}" for score in scores]
        rows.append((r["label"], f"{r['support']:,}", f"{r['threshold']:.3f}", *shares, _score(r["f1"])))
    header = ("label", "images", "threshold", "average precision", "precision", "recall", "f1")
    print_table(rows, numbers=range(1, 7), head=header)


def _print_classes(result: dict[str, Any]) -> None:
    """Print the results per class and the confusion matrix, of one class per image."""
    rows = []
    for r in result["per_class"]:
        shares = ["-" if r[figure] is None else f"{r[figure]:.2%}" for figure in ("precision", "recall")]
        rows.append((r["label"], f"{r['support']:,}", *shares, _score(r["f1"])))
    print_table(rows, numbers=(1, 2, 3, 4), head=("class", "images", "precision", "recall", "f1"))
    if len(result["labels"]) <= 20:
        say("\nconfusion matrix (rows: true class, columns: predicted class)")
        matrix = [(label, *row) for label, row in zip(result["labels"], result["confusion"], strict=True)]
        print_table([("", *result["labels"]), *matrix], numbers=range(1, len(result["labels"]) + 1))
