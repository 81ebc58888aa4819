"""Render the report: one self-contained HTML page about accuracy, mistakes and how to reproduce them."""

from __future__ import annotations

from pathlib import Path

from ...files import write_atomically
from ...html_page import render_page
from ..multi_label import MultiLabelEvaluation
from ..proportion import wilson_interval
from ..scores import trust_figures
from .confidence import confidence_of
from .diagnosis import diagnosis_of
from .mistakes import cell_pictures, frequent_confusions, weakest_class, worst_label_mistakes, worst_mistakes
from .ranking_charts import ranking_of
from .report import Report
from .training_curves import curves

TEMPLATE, MULTI_LABEL_TEMPLATE, STYLE, SCRIPT = (
    Path(__file__).with_name(name) for name in ("report.html.j2", "multi_label.html.j2", "report.css", "report.js")
)
# A matrix of more classes does not fit on a screen; the list of the most confused classes shows more.
MAX_MATRIX_CLASSES = 40
MAX_CONFUSIONS, MAX_MISTAKES = 8, 24
# The splits as the page calls them before "images", in both languages.
SPLITS = {"test": ("test ", "测试"), "val": ("validation ", "验证"), "train": ("training ", "训练"), "all": ("", "")}


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
        split_en=SPLITS[report.split][0],
        split_zh=SPLITS[report.split][1],
        multi_label=False,
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
        confidence=confidence_of(trust),
        ranking=ranking_of(trust["curves"]),
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
        split_en=SPLITS[report.split][0],
        split_zh=SPLITS[report.split][1],
        multi_label=True,
        figures=evaluation.figures(),
        per_class=evaluation.per_class(),
        mistakes=worst_label_mistakes(report, evaluation, MAX_MISTAKES),
        ranking=ranking_of((report.trust or trust_figures(evaluation))["curves"]),
        charts=curves(report.history),
        script="",
    )
