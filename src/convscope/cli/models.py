"""`convscope models`."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Annotated, Any

import typer

from ..errors import UsageError, printable
from ..messages.translate import phrase, translated
from ..suggest import did_you_mean
from .output import print_json, print_table, say
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
    pretrained: Annotated[
        bool,
        typer.Option(
            "--pretrained",
            help="List the public weights instead: source, licence, size, accuracy on ImageNet, and which suit "
            "--photos and --minutes on this machine.",
        ),
    ] = False,
    photos: Annotated[int, typer.Option(help="With --pretrained: number of photos.", min=1, metavar="N")] = 1000,
    minutes: Annotated[
        float, typer.Option(help="With --pretrained: minutes for the training.", min=0.01, metavar="M")
    ] = 5.0,
    json: Json = False,
) -> None:
    """List the networks with papers and errors, or the public weights."""
    if pretrained:
        _list_weights(pattern, photos, minutes, json)
    else:
        _list_networks(pattern, json)


def _list_networks(pattern: str, json: bool) -> None:
    """Print the table of networks and their timeline."""
    from ..insight.layer_table import shape_text
    from ..models import CATALOGUE, find_card, list_models, shapes_alone

    names = list_models(pattern)
    if not names:
        lists = (
            "`convscope models 'timm:*'` lists them" if pattern.startswith("timm:") else "`convscope models` lists them"
        )
        hint = did_you_mean(pattern.strip("*"), CATALOGUE, lists)
        raise UsageError(f"no network is called '{printable(pattern)}': {hint}")
    entries: list[dict[str, Any]] = []
    for card in map(find_card, names):
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
    print_table(rows, numbers=(4, 5, 6), head=header)
    say("\nTimeline")
    print_table(_timeline(entries))


def _list_weights(pattern: str, photos: int, minutes: float, json: bool) -> None:
    """Print the table of public weights, and the networks that suit the photos and the minutes on this machine."""
    from dataclasses import asdict

    from ..training.transfer.public_weights import choose_weights, list_public_weights

    entries = list_public_weights(pattern)
    if not entries:
        raise UsageError(
            f"no network with public weights is called '{printable(pattern)}': `convscope models --pretrained` lists "
            "those of torchvision, `convscope models --pretrained 'timm:*'` those of timm"
        )
    known = any(e.top1 and e.gmacs for e in entries)
    if not json:
        header = ("name", "source", "licence", "MB", "parameters", "input", "GMAC", "ImageNet top-1 %")
        rows = [
            (
                e.name, e.source, e.licence, _number(e.megabytes, 1), _number(e.parameters, 0), e.size,
                _number(e.gmacs, 2), _number(e.top1, 2),
            )
            for e in entries
        ]  # fmt: skip
        print_table(rows, numbers=(3, 4, 5, 6, 7), head=header)
        say("\nSize, GMAC and accuracy are those that the source publishes, at its own evaluation size.")
        say("The licences are those of the library or registry; ImageNet's own terms are for research.")
        if known:
            say("a few networks are tried on this machine ...", err=True)
        else:
            say("None is recommended: the source publishes neither work nor accuracy of these.")
    choices = choose_weights(entries, photos, minutes)
    if json:
        chosen = [asdict(choice) for choice in choices]
        print_json({"weights": [asdict(e) for e in entries], "photos": photos, "minutes": minutes, "choices": chosen})
        return
    for choice in choices:
        found = choice.name if choice.fits else f"none of these is quick enough, {choice.name} comes nearest"
        line = phrase(
            "{photos} photos in {minutes} minutes on this machine, {way}: {found} (passes take about {time} minutes)",
            photos=f"{photos:,}", minutes=f"{minutes:g}", way=translated(choice.way), found=translated(found),
            time=f"{choice.minutes:.1f}",
        )  # fmt: skip
        say(line)
        freeze = " --freeze" if choice.way == "--freeze" else ""
        say(f"  convscope train PHOTOS --model {choice.name} --pretrained{freeze} --time-budget {minutes:g}m")


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


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
