"""`convscope shard`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import DataError, UsageError, printable
from .data_options import with_data_options
from .output import print_json, say
from .parameters import (
    Data,
    DataDir,
    Json,
    Strict,
)


@with_data_options()
def shard_command(
    data: Data,
    output: Annotated[Path, typer.Option(help="New or empty folder for the shards.", metavar="FOLDER")],
    shard_size: Annotated[
        float, typer.Option(help="Size of a shard in megabytes.", min=0.001, max=1e6, metavar="MB")
    ] = 500.0,
    data_dir: DataDir = None,
    *,
    interpretation: dict[str, Any],
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Write a data set as tar shards, for disks with slow small files.

    The layout is that of WebDataset. Splits stay as they are; a data set without any is divided as for training.
    `convscope train FOLDER` reads the shards, and says if one is missing or cut.
    """
    from ..data.datasets import load_data
    from ..data.write_shards import write_shards

    if Path(data).is_dir() and output.resolve().is_relative_to(Path(data).resolve()):
        raise UsageError(f"--output {printable(output)} lies in the data set, where nothing is written: choose another")
    loaded = load_data(data, data_dir, **interpretation)
    written = write_shards(loaded, output, round(shard_size * 1e6))
    if json:
        print_json(
            {"output": str(output), "images": written.images, "shards": written.shards, "skipped": written.skipped}
        )
    else:
        count = len(written.shards)
        size = sum(shard["bytes"] for shard in written.shards) / 1e6
        shards = "1 tar shard" if count == 1 else f"{count:,} tar shards"
        say(f"{written.images:,} images in {shards}, {size:,.1f} MB: {printable(output)}")
        say(f"try next    convscope train {printable(output)}")
    if strict and written.skipped:
        raise DataError(
            f"{len(written.skipped)} files could not be used, and --strict was given: repair or remove them"
        )
