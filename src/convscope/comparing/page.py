"""The page of a comparison: the verdict, the table, the charts, and how to repeat it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..files import write_atomically
from ..html_page import render_page
from .charts import colour_of, curves, prices
from .comparison import DOES_NOT, SHOWS, TOO_FEW, Comparison, Trial, decimals_of, is_share
from .plan import Plan
from .statistics import Spread

TEMPLATE, STYLE = (Path(__file__).with_name(name) for name in ("compare.html.j2", "compare.css"))
CHINESE = {SHOWS: "成立", DOES_NOT: "在这里不成立", TOO_FEW: "次数太少，不能下结论"}


def write_page(path: Path, plan: Plan, comparison: Comparison, trials: Sequence[Trial], command: str) -> None:
    """Write the page of a comparison, atomically."""
    share = is_share(comparison.figure)

    def written(value: Spread | None, signed: bool = False) -> str:
        return "" if value is None else shown(value, comparison.figure, signed)

    runs = [{**trial, "report": _beside(Path(trial["folder"]) / "report.html", path)} for trial in trials]
    text = render_page(
        TEMPLATE,
        STYLE,
        title=plan.name,
        plan=plan,
        comparison=comparison,
        runs=runs,
        written=written,
        colour=colour_of,
        chinese=CHINESE,
        curves=curves(plan, trials),
        prices=prices(plan, comparison, trials),
        command=command,
        share=share,
    )
    write_atomically(path, text)


def shown(value: Spread, figure: str, signed: bool = False) -> str:
    """Return `98.12 ± 0.11`, in per cent for shares, with a sign for differences."""
    scale, decimals = 100 if is_share(figure) else 1, decimals_of(figure)
    mean = f"{scale * value.mean:{'+' if signed else ''}.{decimals}f}"
    return mean if value.deviation is None else f"{mean} ± {scale * value.deviation:.{decimals}f}"


def _beside(file: Path, page: Path) -> str:
    """Return the link from the page to a file, which is a path and no address of a host."""
    return Path(os.path.relpath(file, page.parent)).as_posix()


def rows_of(comparison: Comparison) -> list[tuple[Any, ...]]:
    """Return the table for a terminal, its header first."""
    share = is_share(comparison.figure)
    head = comparison.figure + (" %" if share else "")
    first = comparison.rows[0].name
    rows: list[tuple[Any, ...]] = [
        ("run", head, "n", "s", "parameters", "MACs", f"minus {first}", "95 % interval", "p")
    ]
    scale, decimals = 100 if share else 1, decimals_of(comparison.figure)
    for row in comparison.rows:
        figure = shown(row.figure, comparison.figure)
        difference = "" if row.difference is None else shown(row.difference, comparison.figure, signed=True)
        between = "" if row.interval is None else " to ".join(f"{scale * end:+.{decimals}f}" for end in row.interval)
        rows.append(
            (
                row.name, figure, row.figure.n, f"{row.seconds.mean:.1f}", f"{row.parameters:,}",
                f"{row.macs:,}", difference, between,
                "" if row.p is None else f"{row.p:.3f}",
            )
        )  # fmt: skip
    return rows
