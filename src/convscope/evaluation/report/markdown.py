"""The report in short, as Markdown."""

from __future__ import annotations

from typing import Any

from ...errors import printable
from ..metrics import Evaluation
from .diagnosis import diagnosis_of
from .mistakes import weakest_class
from .report import Report


def markdown(report: Report, document: dict[str, Any]) -> str:
    """Return the report as Markdown: the verdict, what the curves say, the classes, the confidence."""
    lines = [f"# {_cell(report.title)}", ""]
    if isinstance(report.evaluation, Evaluation):
        low, high = document["top1_interval"]
        most, weakest = document["majority"], weakest_class(report.evaluation)
        lines += [
            f"**{document['top1']:.2%}** of {document['n']:,} {report.split} images are classified correctly "
            f"(95 % interval {low:.2%} to {high:.2%}).",
            "",
            f"- Always answering “{_cell(most['label'])}” would be right for {most['top1']:.2%}.",
        ]
        if weakest:
            lines.append(
                f"- The weakest class is “{_cell(weakest['label'])}”: {weakest['recall']:.2%} of its "
                f"{weakest['support']:,} images are found."
            )
        lines += [f"- {en}" for en, _ in diagnosis_of(report, most["top1"])]
        for name, row in document["calibration"].items():
            if row:
                lines.append(
                    f"- Calibration {name} temperature: log loss {row['log_loss']:.4f}, Brier {row['brier']:.4f}, "
                    f"error {row['ece']:.2%} ({len(row['reliability'])} bins of equally many images)."
                )
    else:
        lines.append(f"Mean average precision **{document['map']:.2%}** on {document['n']:,} {report.split} images.")
    lines += ["", "| class | images | precision | recall | F1 |", "|---|---:|---:|---:|---:|"]
    for row in document["per_class"]:
        shares = ["–" if row[figure] is None else f"{row[figure]:.2%}" for figure in ("precision", "recall", "f1")]
        lines.append(f"| {_cell(row['label'])} | {row['support']:,} | {' | '.join(shares)} |")
    return "\n".join([*lines, "", f"`{report.command}`", ""])


def _cell(text: str) -> str:
    """Return a name as Markdown takes it literally, also in a table."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|!" else c for c in printable(text))
