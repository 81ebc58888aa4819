"""The networks as a page of Markdown: errors by year, timeline, and each paper's table, diagram and what checks it."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from convscope.models import Card, find_card, list_models, shapes_alone

DOCS = Path(__file__).parents[1] / "docs"
# Where the diagrams of the site lie, from the folder of both languages.
DIAGRAMS = "diagrams"
FAMILIES = {
    "perceptron": ("感知机", "Perceptrons"),
    "depth": ("往深里堆：LeNet、AlexNet、VGG", "Depth: LeNet, AlexNet, VGG"),
    "Inception": ("往宽里拼：NIN、GoogLeNet、Inception", "Width: NIN, GoogLeNet, Inception"),
    "residual": ("走捷径：ResNet、EfficientNet", "Shortcuts: ResNet, EfficientNet"),
    "dense": ("拼接：DenseNet", "Concatenation: DenseNet"),
}


def network_gallery(language: str) -> str:
    """Return the page; its diagrams are those of `write_diagrams`."""
    texts, counts = (yaml.safe_load((DOCS / f"{n}.yaml").read_text(encoding="utf-8")) for n in ("networks", "papers"))
    words = texts["page"][language]
    lines = [f"# {words['title']}", "", words["note"], "", *_errors(words, texts["ilsvrc"]), *_timeline(words)]
    for family, papers in groupby(papers_of_networks(), lambda cards: cards[0].family):
        lines += [f"## {FAMILIES[family][language == 'en']}", ""]
        for cards in papers:
            lines += _paper(cards, words, texts["remember"][cards[0].name][language], counts)
    return "\n".join(lines)


def papers_of_networks() -> list[list[Card]]:
    """Return the networks by paper, and these by family, in the order of the page."""
    order = list(FAMILIES)
    cards = sorted(map(find_card, list_models()), key=lambda card: order.index(card.family))
    return [list(same) for _, same in groupby(cards, lambda card: (card.family, card.year, card.paper, card.authors))]


def _paper(cards: list[Card], words: dict[str, Any], remember: str, counts: dict[str, Any]) -> list[str]:
    """Return the networks of one paper: heading, what to remember, table and diagram."""
    first, head = cards[0], words["head"]
    heading = f"{first.paper} ({first.year})" if first.year else first.paper
    lines = [f"### {heading}", "", f"[{first.authors}]({first.url})" if first.url else first.authors, ""]
    lines += [f"**{words['remember']}** {remember}", ""]
    lines += [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for card in cards:
        entry = counts[card.name]
        errors = " / ".join("–" if value is None else f"{value:g}" for value in (card.top1_error, card.top5_error))
        cells = (
            f"`{card.name}`", " × ".join(map(str, card.input_size)), f"{entry['ours']['parameters']:,}",
            f"{entry['ours']['macs'] / 1e6:,.1f}", errors, card.benchmark, _checked(entry, words),
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    alternative = words["diagram"].format(first.name)
    source = f"../../{DIAGRAMS}/{first.name}.svg"
    picture = [f'<img class="diagram" loading="lazy" alt="{alternative}" src="{source}">', ""]
    return [*lines, "", *(picture if is_drawn(first.name) else [])]


def is_drawn(name: str) -> bool:
    """Whether a network has a diagram: variants look like their originals, and each diagram costs 50 kB."""
    return not name.startswith(("googlenet_", "alexnet_227"))


def _checked(entry: dict[str, Any], words: dict[str, Any]) -> str:
    """Return with whose code a network is compared, and the name of the test."""
    kinds = {"counts and structure of the paper": words["counts"]}
    kinds["fixed numbers of an independent definition"] = words["golden"]
    path, test = entry["check"].split("::")
    return f'<span title="{path}::{test}">{kinds.get(entry["same_as"], entry["same_as"])}</span>'


def _errors(words: dict[str, Any], errors: list[Any]) -> list[str]:
    """Return the table of errors by year, each with a bar."""
    rows = [
        f'| {year} | <meter min="0" max="30" value="{error}"></meter> {error:g} % | {whose.format(words["none"])} |'
        for year, error, whose in errors
    ]
    head = [f"| {' | '.join(words['columns'])} |", "|---|---|---|"]
    return [f"## {words['errors']}", "", words["errors_note"], "", *head, *rows, ""]


def _timeline(words: dict[str, Any]) -> list[str]:
    """Return the networks by year, after what came before them."""
    by_year: dict[int, list[str]] = {year: [text] for year, text in words["before"].items()}
    for cards in papers_of_networks():
        if cards[0].year:
            by_year.setdefault(cards[0].year, []).append(f"{', '.join(f'`{card.name}`' for card in cards)}")
    lines = [f"- **{year}**　{'; '.join(by_year[year])}" for year in sorted(by_year)]
    return [f"## {words['timeline']}", "", *lines, ""]


def write_diagrams(place: Path) -> None:
    """Draw the first network of every paper."""
    from convscope.insight.diagram import structure_svg
    from convscope.insight.tracing.trace import trace_shapes

    place.mkdir(parents=True)
    for cards in papers_of_networks():
        name = cards[0].name
        if not is_drawn(name):
            continue
        svg = structure_svg(trace_shapes(shapes_alone(name), cards[0].input_size))
        (place / f"{name}.svg").write_text(svg, encoding="utf-8")
