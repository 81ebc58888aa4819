"""`convscope evaluate`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..errors import printable
from ..training.options import checked
from .output import print_json, print_table
from .parameters import (
    Cache,
    CsvSafe,
    DataDir,
    Device,
    Encoding,
    Folders,
    Json,
    Kind,
    LabelColumn,
    LabelPattern,
    OwnModel,
    Run,
    Strict,
    Tta,
    Workers,
    interpretation_options,
)

Option = typer.Option
EvaluatedData = Annotated[
    str | None,
    typer.Argument(
        help="Images: a path or a name, as for `convscope train`. Default: the data that the run was trained on.",
        metavar="DATA",
    ),
]
EvaluatedSplit = Annotated[
    str | None,
    Option(
        help="Split to evaluate on. Default: test; all if the data has no splits of its own.",
        metavar="[train|val|test|all]",
    ),
]


def evaluate_command(
    run: Run,
    data: EvaluatedData = None,
    model: OwnModel = None,
    split: EvaluatedSplit = None,
    data_dir: DataDir = None,
    folders: Folders = "auto",
    label_pattern: LabelPattern = None,
    label_column: LabelColumn = None,
    encoding: Encoding = "auto",
    kind: Kind = "auto",
    tta: Tta = "none",
    cache: Cache = None,
    workers: Workers = None,
    device: Device = "auto",
    output: Annotated[
        str, Option(help="Folder in which the report's folder is made.", metavar="FOLDER")
    ] = "runs/evaluate",
    csv_safe: CsvSafe = False,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Evaluate a classifier on a data set and write a report.

    Loss, top-1 and top-5 accuracy, precision, recall and F1 score per class, and the confusion matrix. For several
    labels per image: mean average precision, micro and macro F1 score, and the share of images with all labels right.
    """
    from ..evaluation.evaluate_run import evaluate_bundle

    checked("workers", workers, "--workers")
    result = evaluate_bundle(
        run, data, model=model, split=split, data_dir=data_dir, device=device, output=output, strict=strict, tta=tta,
        cache=cache, workers=workers, csv_safe=csv_safe,
        interpretation=interpretation_options(
            folders, label_column, encoding=encoding, kind=kind, label_pattern=label_pattern
        ),
    )  # fmt: skip
    if json:
        print_json(result)
    else:
        _print_result(result)


def _print_result(result: dict[str, Any]) -> None:
    typer.echo(f"{printable(result['run'])} on {printable(result['data'])}, {result['split']}: {result['n']:,} images")
    typer.echo(f"{_figures(result)}  loss {result['loss']:.4f}")
    if "tta" in result:
        tta = result["tta"]
        typer.echo(f"with test-time augmentation ({tta['views']}): {_figures(tta)}  loss {tta['loss']:.4f}")
    typer.echo("")
    if "map" in result:
        _print_labels(result["per_class"])
    else:
        _print_classes(result)
    absent = sum(not row["support"] for row in result["per_class"])
    if absent:
        known, several = len(result["per_class"]), "map" in result
        what, means = ("labels", "; the means are over the others") if several else ("classes", "")
        typer.echo(f"\n-: {absent:,} of {known:,} {what} do not occur in these images{means}")
    typer.echo(f"\nreport  {result['report']}")


def _figures(result: dict[str, Any]) -> str:
    if "map" not in result:
        return f"top-1 {result['top1']:.2%}  top-5 {result['top5']:.2%}"
    return (
        f"mean average precision {result['map']:.2%}  micro F1 {result['micro_f1']:.4f}  "
        f"macro F1 {result['macro_f1']:.4f}  all labels right {result['subset_accuracy']:.2%}"
    )


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
    print_table([header, *rows], numbers=range(1, 7))


def _print_classes(result: dict[str, Any]) -> None:
    """Print the results per class and the confusion matrix, of one class per image."""
    rows = []
    for r in result["per_class"]:
        shares = ["-" if r[figure] is None else f"{r[figure]:.2%}" for figure in ("precision", "recall")]
        rows.append((r["label"], f"{r['support']:,}", *shares, _score(r["f1"])))
    print_table([("class", "images", "precision", "recall", "f1"), *rows], numbers=(1, 2, 3, 4))
    if len(result["labels"]) <= 20:
        typer.echo("\nconfusion matrix (rows: true class, columns: predicted class)")
        matrix = [(label, *row) for label, row in zip(result["labels"], result["confusion"], strict=True)]
        print_table([("", *result["labels"]), *matrix], numbers=range(1, len(result["labels"]) + 1))
