"""Print the comparison of two classifiers, for `convscope evaluate RUN_A RUN_B`."""

from __future__ import annotations

from typing import Any

from ..errors import printable
from ..messages.translate import phrase
from .output import print_table, say, split_name

MOST_SHOWN = 10
# From this p-value on a difference is called no chance.
SIGNIFICANT = 0.05


def print_comparison(result: dict[str, Any]) -> None:
    """Print the accuracies, McNemar's test in words, and the first images on which the answers differ."""
    first, second = map(printable, result["runs"])
    on = {"data": printable(result["data"]), "split": split_name(result["split"]), "n": f"{result['n']:,}"}
    say(phrase("{first} and {second} on {data}, {split}: {n} images", first=first, second=second, **on))
    for name, top1, (low, high) in zip((first, second), result["top1"], result["intervals"], strict=True):
        say(f"top-1 {top1:.2%} (95 % interval {low:.2%} to {high:.2%})  {name}")
    say(
        f"both right {result['both_right']:,}  only the first {result['only_first']:,}  "
        f"only the second {result['only_second']:,}  both wrong {result['both_wrong']:,}"
    )
    p_value = result["p_value"]
    if p_value < SIGNIFICANT:
        better = first if result["only_first"] > result["only_second"] else second
        verdict = f"{better} is better; so large a difference would hardly be chance"
    else:
        verdict = "the difference may be chance: these images do not show which is better"
    say(f"McNemar's exact test: p = {p_value:.2g}: {verdict}")
    differing = result["differing"]
    if differing:
        say(f"\ndifferent answers on {len(differing):,} images")
        rows = [
            (
                r["path"],
                r["label"],
                *(f"{r[which]} {p:.1%}" for which, p in zip(("first", "second"), r["probabilities"], strict=True)),
            )
            for r in differing[:MOST_SHOWN]
        ]
        print_table(rows, head=("path", "true", "first", "second"))
        if (more := len(differing) - MOST_SHOWN) > 0:
            say(f"... and {more:,} more in the table")
    say(f"\ntable  {result['table']}")
