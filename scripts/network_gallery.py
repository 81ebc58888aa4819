"""The networks as a page of Markdown, made from their cards: year, paper, size and published error."""

from __future__ import annotations

from functools import cache
from itertools import groupby

import torch

from convscope.models import Card, create_model, find_card, list_models

HEADS = {
    "zh": (
        "网络一览",
        "本页由代码生成。参数个数是现数的（一千类，或论文的类别数）；错误率是论文发表的（top-1 / top-5），"
        "测法写在旁边，不同测法不宜直接比较。",
        ("网络", "输入", "参数", "错误率（%）", "测于"),
    ),
    "en": (
        "Networks",
        "Made from the code. Parameters are counted (for a thousand classes, or those of the paper). "
        "Errors (top-1 / top-5) are those of the papers. How they were measured stands beside them; different ways "
        "cannot be compared.",
        ("network", "input", "parameters", "error (%)", "measured on"),
    ),
}
FAMILIES = {
    "perceptron": ("感知机", "Perceptrons"),
    "depth": ("往深里堆：LeNet、AlexNet、VGG", "Depth: LeNet, AlexNet, VGG"),
    "Inception": ("往宽里拼：NIN、GoogLeNet、Inception", "Width: NIN, GoogLeNet, Inception"),
    "residual": ("走捷径：ResNet、EfficientNet", "Shortcuts: ResNet, EfficientNet"),
    "dense": ("拼接：DenseNet", "Concatenation: DenseNet"),
}


def network_gallery(language: str, counted: bool = True) -> str:
    """Return the page; without `counted` no network is built and parameters are left out, which takes no time."""
    title, note, head = HEADS[language]
    lines = [f"# {title}", "", note, ""]
    order = list(FAMILIES)
    cards = sorted(map(find_card, list_models()), key=lambda card: order.index(card.family))
    for family, members in groupby(cards, lambda card: card.family):
        lines += [f"## {FAMILIES[family][language == 'en']}", ""]
        for _, same in groupby(members, lambda card: (card.year, card.paper, card.authors)):
            lines += _paper(list(same), head, counted)
    return "\n".join(lines)


def _paper(cards: list[Card], head: tuple[str, ...], counted: bool) -> list[str]:
    """Return the networks of one paper: its heading and their table."""
    first = cards[0]
    heading = f"{first.paper} ({first.year})" if first.year else first.paper
    lines = [f"### {heading}", "", f"[{first.authors}]({first.url})" if first.url else first.authors, ""]
    lines += [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for card in cards:
        errors = " / ".join("–" if value is None else f"{value:g}" for value in (card.top1_error, card.top5_error))
        counts = f"{_parameters(card.name):,}" if counted else ""
        cells = (f"`{card.name}`", " × ".join(map(str, card.input_size)), counts, errors, card.benchmark)
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


@cache
def _parameters(name: str) -> int:
    with torch.device("meta"):  # shapes alone, without memory for weights
        return sum(parameter.numel() for parameter in create_model(name).parameters())
