"""The networks as a page of Markdown, made from their cards: year, paper, size and published error."""

from __future__ import annotations

from itertools import groupby

import torch

from convscope.models import create_model, find_card, list_models

HEADS = {
    "zh": (
        "网络一览",
        "本页由代码生成。参数个数是现数的（一千类，或论文的类别数）；错误率是论文发表的，测法写在旁边，不同测法不宜直接比较。",
        ("网络", "年", "输入", "参数", "top-1 / top-5 错误率（%）", "测于", "论文"),
    ),
    "en": (
        "Networks",
        "Made from the code. Parameters are counted (for a thousand classes, or those of the paper). Errors are those "
        "of the papers; how they were measured stands beside them, and different ways are not to be compared.",
        ("network", "year", "input", "parameters", "top-1 / top-5 error (%)", "measured on", "paper"),
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
        name = FAMILIES[family][language == "en"]
        lines += [f"## {name}", "", f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
        for card in members:
            errors = " / ".join("–" if value is None else f"{value:g}" for value in (card.top1_error, card.top5_error))
            paper = f"[{card.paper}]({card.url})" if card.url else card.paper
            cells = (
                f"`{card.name}`", card.year or "", " × ".join(map(str, card.input_size)),
                f"{_parameters(card.name):,}" if counted else "", errors, card.benchmark, f"{card.authors}: {paper}",
            )  # fmt: skip
            lines.append(f"| {' | '.join(map(str, cells))} |")
        lines.append("")
    return "\n".join(lines)


def _parameters(name: str) -> int:
    with torch.device("meta"):  # shapes alone, without memory for weights
        return sum(parameter.numel() for parameter in create_model(name).parameters())
