"""The report: one self-contained HTML page about a classifier's accuracy, its mistakes and how to reproduce it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.decoding.pixels import Pixels
from ..errors import printable
from ..files import write_atomically
from ..html_page import render_page
from ..png import png_url
from .charts import curves
from .confidence_charts import coverage_chart, reliability_chart
from .diagnosis import diagnosis_of
from .metrics import Evaluation
from .multi_label import MultiLabelEvaluation
from .proportion import wilson_interval
from .scores import trust_figures

TEMPLATE, MULTI_LABEL_TEMPLATE, STYLE = (
    Path(__file__).with_name(name) for name in ("report.html.j2", "multi_label_report.html.j2", "report.css")
)
# A matrix of more classes does not fit on a screen; the list of the most confused classes shows more.
MAX_MATRIX_CLASSES = 40
MAX_CONFUSIONS, MAX_MISTAKES = 8, 24
# Pictures behind a cell of the confusion matrix, and behind all; their longest side.
MAX_WRONG_IN_CELL, MAX_RIGHT_IN_CELL, MAX_IN_CELLS, THUMBNAIL = 12, 6, 240, 64
SCRIPT = Path(__file__).with_name("report.js")


@dataclass
class Report:
    """What the page shows: the evaluation of one split, its pixels (uint8, N x C x H x W), and how it came about.

    `history` (one row per epoch) is empty when a finished classifier is evaluated later. `command` repeats it.
    `warnings` say what is wrong with the training, each in English and in Chinese. `published` has the loss and the
    accuracy in training and test by epoch, as somebody else has published them for the same network. `trust` are the
    `trust_figures` of the evaluation.
    """

    title: str
    split: str
    evaluation: Evaluation | MultiLabelEvaluation
    pixels: Pixels
    command: str
    metrics: dict[str, Any]
    environment: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    published: Sequence[tuple[float, ...]] = ()
    trust: dict[str, Any] = field(default_factory=dict)


def write_report(path: Path, report: Report) -> None:
    """Write the page, atomically."""
    write_atomically(path, render(report))


def render(report: Report) -> str:
    """Return the page as text, with style, pictures and curves inside."""
    evaluation = report.evaluation
    if isinstance(evaluation, MultiLabelEvaluation):
        return _render_multi_label(report, evaluation)
    figures = evaluation.figures()
    correct = round(figures["top1"] * figures["n"])
    report.trust = trust = report.trust or trust_figures(evaluation)
    return render_page(
        TEMPLATE,
        STYLE,
        title=report.title,
        report=report,
        figures=figures,
        correct=correct,
        interval=wilson_interval(correct, figures["n"]),
        per_class=evaluation.per_class(),
        confusion=evaluation.confusion() if len(evaluation.class_names) <= MAX_MATRIX_CLASSES else None,
        confusions=frequent_confusions(evaluation)[:MAX_CONFUSIONS],
        mistakes=worst_mistakes(report, evaluation, MAX_MISTAKES),
        charts=curves(report.history),
        weakest=weakest_class(evaluation),
        diagnosis=diagnosis_of(report, trust["majority"]["top1"]),
        confidence=_confidence(trust),
        cells=cell_pictures(report, evaluation) if len(evaluation.class_names) <= MAX_MATRIX_CLASSES else {},
        script=SCRIPT.read_text(encoding="utf-8"),
    )


def _render_multi_label(report: Report, evaluation: MultiLabelEvaluation) -> str:
    """Return the page about a classifier that gives several labels."""
    return render_page(
        MULTI_LABEL_TEMPLATE,
        STYLE,
        title=report.title,
        report=report,
        figures=evaluation.figures(),
        per_class=evaluation.per_class(),
        mistakes=worst_label_mistakes(report, evaluation, MAX_MISTAKES),
        charts=curves(report.history),
        script="",
    )


def weakest_class(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return the class with the lowest recall and its interval; None if all images are right."""
    rows = [row for row in evaluation.per_class() if row["support"] and row["recall"] < 1]
    if not rows:
        return None
    row = min(rows, key=lambda row: (row["recall"], -row["support"]))
    return {**row, "interval": wilson_interval(round(row["recall"] * row["support"]), row["support"])}


def _confidence(trust: dict[str, Any]) -> dict[str, Any]:
    """Return what the page shows about calibration and coverage."""
    before, after = trust["calibration"]["before"], trust["calibration"]["after"]
    return {
        "ece": before["ece"],
        "bins": len(before["reliability"]),
        "temperature": after and after["temperature"],
        "ece_after": after and after["ece"],
        "reliability": reliability_chart(before["reliability"], after and after["reliability"]),
        "coverage": coverage_chart(trust["coverage"]),
        "steps": trust["coverage"],
        "unknown": unknown_texts(trust["unknown"]) if trust.get("unknown") else None,
    }


def unknown_texts(unknown: dict[str, Any]) -> tuple[str, str]:
    """Return in both languages when the classifier answers "unknown", as its bundle stores it."""
    en, zh = [], []
    if unknown["risk"] is not None:
        answered, n, risk = f"{unknown['answered']:.1%}", f"{unknown['n']:,}", f"{unknown['risk']:.2%}"
        en.append(
            f"It says “unknown” where its confidence is too low: of {n} validation images that chose nothing "
            f"{answered} are answered, and with 95 % confidence at most {risk} of such answers are wrong."
        )
        zh.append(
            f"置信度过低时它回答“未知”：{n} 张未用于挑选的验证图像中有 {answered} 得到作答，"
            f"有 95% 的把握其中至多 {risk} 有误。"
        )
    if unknown["kept"] is not None:
        en.append(
            "Pictures whose features are far from those of all training images are “close to no class”: "
            f"{unknown['kept']:.1%} of its own are near enough."
        )
        zh.append(
            f"特征远离所有训练图像的图片被判为“不接近任何类别”；自身类别的图像有 {unknown['kept']:.1%} 足够接近。"
        )
    if here := unknown["here"]:
        share, right = f"{here['answered']:.1%}", "–" if here["top1"] is None else f"{here['top1']:.1%}"
        en.append(f"Of the images above {share} are answered, {right} of them rightly.")
        zh.append(f"上述图像中有 {share} 得到作答，其中 {right} 正确。")
    if unknown["note"]:
        en.append(f"Not found out: {unknown['note']}.")
        zh.append(f"未能确定：{unknown['note']}。")
    return " ".join(en), "".join(zh)


def cell_pictures(report: Report, evaluation: Evaluation) -> dict[str, list[list[Any]]]:
    """Return by cell of the confusion matrix, "row,column", a few pictures: address, name, probability of the answer.

    Wrong cells have more than right ones, and all together have at most a limited number and size.
    """
    chosen: dict[str, list[int]] = {}
    wrong_first = (evaluation.predictions == evaluation.labels).int().argsort(stable=True)
    total = 0
    for i in wrong_first.tolist():
        true, answer = int(evaluation.labels[i]), int(evaluation.predictions[i])
        cell = chosen.setdefault(f"{true},{answer}", [])
        if len(cell) < (MAX_WRONG_IN_CELL if true != answer else MAX_RIGHT_IN_CELL) and total < MAX_IN_CELLS:
            cell.append(i)
            total += 1
    return {
        key: [
            [
                pixels_url(shrunk(report.pixels[i])),
                printable(evaluation.names[i]),
                float(evaluation.probabilities[i].max()),
            ]
            for i in cell
        ]
        for key, cell in chosen.items()
        if cell
    }


def shrunk(pixels: Tensor) -> Tensor:
    """Return uint8 pixels C x H x W with a longest side of at most 64."""
    scale = THUMBNAIL / max(pixels.shape[1:])
    if scale >= 1:
        return pixels
    size = [max(round(side * scale), 1) for side in pixels.shape[1:]]
    return F.interpolate(pixels[None].float(), size, mode="area")[0].round().to(torch.uint8)


def frequent_confusions(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return the pairs of a true and a wrongly predicted class, the most frequent first."""
    names = evaluation.class_names
    pairs = [
        {"true": names[i], "predicted": names[j], "count": count, "share": count / max(sum(row), 1)}
        for i, row in enumerate(evaluation.confusion())
        for j, count in enumerate(row)
        if i != j and count
    ]
    return sorted(pairs, key=lambda pair: -pair["count"])


def worst_mistakes(report: Report, evaluation: Evaluation, count: int) -> list[dict[str, Any]]:
    """Return picture, name, classes and probabilities of the wrongly classified images with the highest loss."""
    names, probabilities = evaluation.class_names, evaluation.probabilities
    mistakes = []
    for i in evaluation.worst(count):
        true, predicted = int(evaluation.labels[i]), int(evaluation.predictions[i])
        mistakes.append(
            {
                "picture": pixels_url(report.pixels[i]),
                "name": evaluation.names[i],
                "true": names[true],
                "predicted": names[predicted],
                "probability": float(probabilities[i, predicted]),
                "true_probability": float(probabilities[i, true]),
            }
        )
    return mistakes


def worst_label_mistakes(report: Report, evaluation: MultiLabelEvaluation, count: int) -> list[dict[str, Any]]:
    """Return picture, name and labels of the images with wrong or missing labels and the highest loss.

    `wrong` are labels that were predicted and are not there, `missing` those that are there and were not predicted, and
    `right` the others that were predicted: pairs of name and probability.
    """
    predicted, true, probabilities = evaluation.predictions, evaluation.labels.bool(), evaluation.probabilities

    def labels(i: int, chosen: Tensor) -> list[tuple[str, float]]:
        return [(evaluation.class_names[k], float(probabilities[i, k])) for k in chosen.nonzero().flatten().tolist()]

    return [
        {
            "picture": pixels_url(report.pixels[i]),
            "name": evaluation.names[i],
            "wrong": labels(i, predicted[i] & ~true[i]),
            "missing": labels(i, true[i] & ~predicted[i]),
            "right": labels(i, true[i] & predicted[i]),
        }
        for i in evaluation.worst(count)
    ]


def pixels_url(pixels: Tensor) -> str:
    """Return uint8 pixels C x H x W as a PNG in a `data:` URL."""
    return png_url(pixels.permute(1, 2, 0).numpy())
