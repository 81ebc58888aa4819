"""`convscope features`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..errors import printable
from .data_options import with_data_options
from .output import print_json, say
from .parameters import (
    CsvSafe,
    Data,
    DataDir,
    Device,
    Json,
    Strict,
)
from .target_options import Target, with_target_options

Option = typer.Option


@with_target_options
@with_data_options("group_by")
def features_command(
    target: Target,
    data: Data,
    layers: Annotated[
        str,
        Option(
            help="Layers whose features are joined, separated by commas (`convscope summary` lists them). Default: the "
            "input of the last layer.",
            metavar="LAYERS",
            show_default=False,
        ),
    ] = "",
    split: Annotated[str, Option(help="Split to use.", metavar="[train|val|test|all]")] = "all",
    output: Annotated[str, Option(help="File to write, .npz or .csv.", metavar="FILE")] = "features.npz",
    data_dir: DataDir = None,
    *,
    interpretation: dict[str, Any],
    csv_safe: CsvSafe = False,
    device: Device = "auto",
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Write the features that a network computes to a file.

    One vector per image, for other classifiers, clustering or search. Feature maps are averaged over their positions.
    """
    from ..evaluation.features import write_features

    features = write_features(
        target, data, output, layers=layers, split=split, data_dir=data_dir, device=device, strict=strict,
        csv_safe=csv_safe, interpretation=interpretation,
    )  # fmt: skip
    count, width = features.values.shape
    if json:
        print_json({"run": target.source, "data": data, "output": output, "n": count, "width": width, "layers": layers})
    else:
        say(f"{count:,} images with {width:,} features each: {printable(output)}")
