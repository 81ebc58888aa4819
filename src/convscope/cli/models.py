"""`convscope models`."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Annotated, Any

import typer

from .output import print_json, print_table
from .parameters import Json


def models_command(
    pattern: Annotated[
        str,
        typer.Argument(
            help="Names to list, such as 'resnet*'; 'timm:resnet*' lists networks of timm.",
            metavar="PATTERN",
            show_default=False,
        ),
    ] = "*",
    json: Json = False,
) -> None:
    """List the networks with their papers, sizes and published errors."""
    from ..insight.layer_table import shape_text
    from ..models import find_card, list_models, shapes_alone

    entries: list[dict[str, Any]] = []
    for card in map(find_card, list_models(pattern)):
        parameters = sum(p.numel() for p in shapes_alone(card).parameters())
        entries.append(
            {
                "name": card.name, "year": card.year, "family": card.family, "authors": card.authors,
                "paper": card.paper, "url": card.url, "input_size": card.input_size, "parameters": parameters,
                "benchmark": card.benchmark, "top1_error": card.top1_error, "top5_error": card.top5_error,
            }
        )  # fmt: skip
    if json:
        print_json(entries)
        return
    rows = [
        (
            e["name"], e["year"] or "", e["family"], shape_text(e["input_size"]), f"{e['parameters']:,}",
            _error(e["top1_error"]), _error(e["top5_error"]), e["benchmark"], e["paper"],
        )
        for e in entries
    ]  # fmt: skip
    header = ("name", "year", "family", "input", "parameters", "top-1 error %", "top-5 error %", "measured on", "paper")
    print_table([header, *rows], numbers=(4, 5, 6))
    typer.echo("\nTimeline")
    print_table(_timeline(entries))


def _error(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _timeline(entries: list[dict[str, Any]]) -> list[tuple[object, str, str]]:
    """Return one row per year and family with the names of its networks; the year stands only in its first row."""
    dated = sorted((entry for entry in entries if entry["year"]), key=itemgetter("year", "family"))
    rows: list[tuple[object, str, str]] = []
    for year, of_year in groupby(dated, itemgetter("year")):
        shown: object = year
        for family, group in groupby(of_year, itemgetter("family")):
            rows.append((shown, family, " ".join(entry["name"] for entry in group)))
            shown = ""
    return rows
