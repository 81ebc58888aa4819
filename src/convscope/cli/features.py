"""`convscope features`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import printable
from .output import print_json

Option = typer.Option


def features_command(
    run: Annotated[str, typer.Argument(help="A run folder, a bundle (folder or zip), `last` or a bundled classifier.")],
    data: Annotated[str, typer.Argument(help="Any data that `convscope train` takes.")],
    layers: Annotated[
        str, Option(help="Layers whose features are joined, with commas (see `convscope summary`). Default: the last.")
    ] = "",
    split: Annotated[str, Option(help="train, val, test or all.")] = "all",
    output: Annotated[str, Option(help="The file to write: .npz or .csv.")] = "features.npz",
    data_dir: Annotated[str | None, Option(help="Where a named data set already lies.")] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda, mps.")] = "auto",
    strict: Annotated[bool, Option("--strict", help="Fail if any file had to be skipped.")] = False,
    json: Annotated[bool, Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Write what a network knows of images to a file: a vector an image, for other classifiers, clustering, search."""
    from ..evaluation.features import write_features

    found = write_features(
        run, data, output, layers=layers, split=split, data_dir=data_dir, device=device, strict=strict
    )
    count, width = found.values.shape
    if json:
        print_json({"run": run, "data": data, "output": output, "n": count, "width": width, "layers": layers})
    else:
        typer.echo(f"{count:,} images, {width:,} features each: {printable(output)}")
