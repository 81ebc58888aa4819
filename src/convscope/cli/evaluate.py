"""`convscope evaluate`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..errors import printable
from .output import print_json, print_table

Option = typer.Option


def evaluate_command(
    run: Annotated[str, typer.Argument(help="A run folder, a bundle (folder or zip), or `last`.")],
    data: Annotated[
        str | None, typer.Argument(help="Any data that `convscope train` takes. Default: what the run was trained on.")
    ] = None,
    split: Annotated[
        str | None, Option(help="train, val, test or all. Default: test; all for a folder that has no splits.")
    ] = None,
    data_dir: Annotated[str | None, Option(help="Where a named data set already lies.")] = None,
    tta: Annotated[
        str, Option(help="Also measure over several views: flip, shift, flip-shift, five-crop or ten-crop.")
    ] = "none",
    cache: Annotated[
        str | None, Option(help="Where decoded images are kept: auto (the user's cache folder), off or a folder.")
    ] = None,
    workers: Annotated[
        int | None, Option(min=1, help="Threads or processes that decode images. Default: one a core.")
    ] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda, mps.")] = "auto",
    output: Annotated[str, Option(help="Where the report's folder is made.")] = "runs/evaluate",
    strict: Annotated[bool, Option("--strict", help="Fail if any file had to be skipped.")] = False,
    json: Annotated[bool, Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Measure a classifier and write a report.

    Loss, top-1 and top-5 accuracy, precision, recall and F1 of each class, and the confusion matrix.
    """
    from ..evaluation.evaluate_run import evaluate_bundle

    result = evaluate_bundle(
        run, data, split=split, data_dir=data_dir, device=device, output=output, strict=strict, tta=tta,
        cache=cache, workers=workers,
    )  # fmt: skip
    if json:
        print_json(result)
    else:
        _tell(result)


def _tell(result: dict[str, Any]) -> None:
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
        typer.echo("\nconfusion matrix (rows: truth, columns: answer)")
        matrix = [(label, *row) for label, row in zip(result["labels"], result["confusion"], strict=True)]
        print_table([("", *result["labels"]), *matrix], numbers=range(1, len(result["labels"]) + 1))
    typer.echo(f"\nreport  {result['report']}")
