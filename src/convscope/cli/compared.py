"""Print the comparison of two classifiers, for `convscope evaluate RUN_A RUN_B`."""

from __future__ import annotations

from typing import Any

import typer

from ..errors import printable
from .output import print_table

MOST_SHOWN = 10
# From this p-value on a difference is called no chance.
SIGNIFICANT = 0.05


def print_comparison(result: dict[str, Any]) -> None:
    """Print the accuracies, McNemar's test in words, and the first images on which the answers differ."""
    first, second = map(printable, result["runs"])
    typer.echo(f"{first} and {second} on {printable(result['data'])}, {result['split']}: {result['n']:,} images")
    for name, top1, (low, high) in zip((first, second), result["top1"], result["intervals"], strict=True):
        typer.echo(f"top-1 {top1:.2%} (95 % interval {low:.2%} to {high:.2%})  {name}")
    typer.echo(
        f"both right {result['both_right']:,}  only the first {result['only_first']:,}  "
        f"only the second {result['only_second']:,}  both wrong {result['both_wrong']:,}"
    )
    p_value = result["p_value"]
    if p_value < SIGNIFICANT:
        better = first if result["only_first"] > result["only_second"] else second
        verdict = f"{better} is better; so large a difference would hardly be chance"
    else:
        verdict = "the difference may be chance: these images do not show which is better"
    typer.echo(f"McNemar's exact test: p = {p_value:.2g}: {verdict}")
    differing = result["differing"]
    if differing:
        typer.echo(f"\ndifferent answers on {len(differing):,} images")
        rows = [
            (
                r["path"],
                r["label"],
                *(f"{r[which]} {p:.1%}" for which, p in zip(("first", "second"), r["probabilities"], strict=True)),
            )
            for r in differing[:MOST_SHOWN]
        ]
        print_table([("path", "true", "first", "second"), *rows])
        if (more := len(differing) - MOST_SHOWN) > 0:
            typer.echo(f"... and {more:,} more in the table")
    typer.echo(f"\ntable  {result['table']}")
