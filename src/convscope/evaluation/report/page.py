"""Render the report: one self-contained HTML page about accuracy, mistakes and how to reproduce them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...files import write_atomically
from ...html_page import render_page
from ..multi_label import MultiLabelEvaluation
from ..proportion import wilson_interval
from ..scores import trust_figures
from .commands import next_commands, robustness_command
from .confidence import confidence_of, unknown_texts
from .counts import count_rows
from .diagnosis import diagnosis_of
from .download import mistakes_table
from .inside import inside_rows
from .mistakes import (
    cell_pictures,
    frequent_confusions,
    right_pictures,
    suspected_labels,
    weakest_class,
    worst_label_mistakes,
    worst_mistakes,
)
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
    values = _about_any(report)
    if isinstance(evaluation, MultiLabelEvaluation):
        trust = report.trust or trust_figures(evaluation)
        return render_page(
            MULTI_LABEL_TEMPLATE,
            STYLE,
            mistakes=worst_label_mistakes(report, evaluation, MAX_MISTAKES),
            ranking=ranking_of(trust["curves"]),
            unknown=unknown_texts(trust["unknown"]) if trust.get("unknown") else None,
            **values,
        )
    figures = values["figures"]
    correct = round(figures["top1"] * figures["n"])
    report.trust = trust = report.trust or trust_figures(evaluation)
    small = len(evaluation.class_names) <= MAX_MATRIX_CLASSES
    suspected = suspected_labels(evaluation) if report.split in ("val", "test") else set()
    return render_page(
        TEMPLATE,
        STYLE,
        correct=correct,
        interval=wilson_interval(correct, figures["n"]),
        confusion=evaluation.confusion() if small else None,
        confusions=frequent_confusions(evaluation)[:MAX_CONFUSIONS],
        mistakes=worst_mistakes(report, evaluation, MAX_MISTAKES, suspected),
        suspected=len(suspected),
        weakest=weakest_class(evaluation),
        diagnosis=diagnosis_of(report, trust["majority"]["top1"]),
        confidence=confidence_of(trust),
        ranking=ranking_of(trust["curves"]),
        cells=cell_pictures(report, evaluation) if small else {},
        **values,
    )


def _about_any(report: Report) -> dict[str, Any]:
    """Return what the templates about one class and about several labels have in common."""
    evaluation, look = report.evaluation, report.look
    several = isinstance(evaluation, MultiLabelEvaluation)
    split_en, split_zh = SPLITS[report.split]
    return {
        "title": report.title,
        "report": report,
        "look": look,
        "multi_label": several,
        "split_en": split_en,
        "split_zh": split_zh,
        "figures": evaluation.figures(),
        "per_class": evaluation.per_class(),
        "counted": count_rows(report.counts, evaluation.class_names) if report.counts else None,
        "charts": curves(report.history, report.metrics.get("best_epoch")),
        "inside": inside_rows(look.distributions) if look else None,
        "rights": right_pictures(report),
        "table": mistakes_table(evaluation),
        "commands": next_commands(report.run),
        "robustness_command": robustness_command(report.run, several),
        "script": SCRIPT.read_text(encoding="utf-8"),
    }
