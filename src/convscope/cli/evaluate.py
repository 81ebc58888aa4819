"""`convscope evaluate`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..errors import printable
from ..training.options import checked
from .output import print_json, print_table
from .parameters import Cache, DataDir, Device, Json, Run, Strict, Tta, Workers

Option = typer.Option


def evaluate_command(
    run: Run,
    data: Annotated[
        str | None,
        typer.Argument(
            help="Images: a path or a name, as for `convscope train`. Default: the data that the run was trained on.",
            metavar="DATA",
        ),
    ] = None,
    split: Annotated[
        str | None,
        Option(
            help="Split to evaluate on. Default: test; all if the data has no splits of its own.",
            metavar="[train|val|test|all]",
        ),
    ] = None,
    data_dir: DataDir = None,
    tta: Tta = "none",
    cache: Cache = None,
    workers: Workers = None,
    device: Device = "auto",
    output: Annotated[
        str, Option(help="Folder in which the report's folder is made.", metavar="FOLDER")
    ] = "runs/evaluate",
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Evaluate a classifier on a data set and write a report.

    Loss, top-1 and top-5 accuracy, precision, recall and F1 score per class, and the confusion matrix.
    """
    from ..evaluation.evaluate_run import evaluate_bundle

    checked("workers", workers, "--workers")
    result = evaluate_bundle(
        run, data, split=split, data_dir=data_dir, device=device, output=output, strict=strict, tta=tta,
        cache=cache, workers=workers,
    )  # fmt: skip
    if json:
        print_json(result)
    else:
        _print_result(result)


def _print_result(result: dict[str, Any]) -> None:
    typer.echo(f"{printable(result['run'])} on {printable(result['data'])}, {result['split']}: {result['n']:,} images")
    typer.echo(f"top-1 {result['top1']:.2%}  top-5 {result['top5']:.2%}  loss {result['loss']:.4f}")
    if "tta" in result:
        tta = result["tta"]
        typer.echo(f"with test-time augmentation ({tta['views']}): top-1 {tta['top1']:.2%}  loss {tta['loss']:.4f}")
    typer.echo("")
    rows = [
        (r["label"], f"{r['support']:,}", f"{r['precision']:.2%}", f"{r['recall']:.2%}", f"{r['f1']:.4f}")
        for r in result["per_class"]
    ]
    print_table([("class", "images", "precision", "recall", "f1"), *rows], numbers=(1, 2, 3, 4))
    if len(result["labels"]) <= 20:
        typer.echo("\nconfusion matrix (rows: true class, columns: predicted class)")
        matrix = [(label, *row) for label, row in zip(result["labels"], result["confusion"], strict=True)]
        print_table([("", *result["labels"]), *matrix], numbers=range(1, len(result["labels"]) + 1))
    typer.echo(f"\nreport  {result['report']}")
