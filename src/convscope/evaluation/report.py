"""The report: one self-contained HTML page about a classifier's accuracy, its mistakes and how to reproduce it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ..data.decoding.pixels import Pixels
from ..files import write_atomically
from ..html_page import render_page
from ..png import png_url
from .charts import curves
from .metrics import Evaluation
from .multi_label import MultiLabelEvaluation
from .proportion import wilson_interval

TEMPLATE, MULTI_LABEL_TEMPLATE, STYLE = (
    Path(__file__).with_name(name) for name in ("report.html.j2", "multi_label_report.html.j2", "report.css")
)
# A matrix of more classes does not fit on a screen; the list of the most confused classes shows more.
MAX_MATRIX_CLASSES = 40
MAX_CONFUSIONS, MAX_MISTAKES = 8, 24


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
    )


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
