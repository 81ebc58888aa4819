"""The report in short, as Markdown, and what JSON says beyond the figures of an evaluation."""

from __future__ import annotations

from typing import Any

from ...errors import printable
from ..metrics import Evaluation
from ..multi_label import MultiLabelEvaluation
from .commands import next_commands
from .confidence import unknown_texts
from .diagnosis import diagnosis_of
from .mistakes import frequent_confusions, suspected_labels, weakest_class, worst_label_mistakes, worst_mistakes
from .report import Report

# Pairs of classes and mistakes in JSON, those shown in Markdown, and the number of images that is few.
MAX_CONFUSIONS, MAX_MISTAKES, MAX_SHOWN, FEW = 50, 24, 10, 100


def further_figures(report: Report) -> dict[str, Any]:
    """Return what a report adds to the figures of an evaluation, as plain values for JSON."""
    evaluation = report.evaluation
    return {
        "warnings": [en for en, _ in report.warnings],
        **(_of_one(report, evaluation) if isinstance(evaluation, Evaluation) else _of_several(report, evaluation)),
        "counts": report.counts,
        "best_epoch": report.metrics.get("best_epoch"),
        "learned_from_validation": report.metrics.get("learned_from_validation", False),
        **(report.look.to_dict() if report.look else {}),
        "exported": report.exported,
        "history": report.history,
        "commands": report.command.splitlines(),
    }  # fmt: skip


def _of_one(report: Report, evaluation: Evaluation) -> dict[str, Any]:
    suspected = sorted(suspected_labels(evaluation)) if report.split in ("val", "test") else []
    return {
        "diagnosis": [en for en, _ in diagnosis_of(report, report.trust["majority"]["top1"])],
        "weakest": weakest_class(evaluation),
        "confusions": frequent_confusions(evaluation)[:MAX_CONFUSIONS],
        "mistakes": _without_pictures(worst_mistakes(report, evaluation, MAX_MISTAKES, suspected)),
        "suspected_labels": [printable(evaluation.names[i]) for i in suspected],
    }


def _of_several(report: Report, evaluation: MultiLabelEvaluation) -> dict[str, Any]:
    mistakes = _without_pictures(worst_label_mistakes(report, evaluation, MAX_MISTAKES))
    return {"diagnosis": [], "mistakes": mistakes, "suspected_labels": []}


def _without_pictures(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    plain = ({key: value for key, value in row.items() if key not in ("picture", "heat", "name")} for row in rows)
    return [{"path": printable(row["name"]), **values} for row, values in zip(rows, plain, strict=True)]


def markdown(report: Report, document: dict[str, Any]) -> str:
    """Return the report as Markdown: the verdict, what the curves say, the classes, the confidence."""
    lines = [f"# {_cell(report.title)}", ""]
    if isinstance(report.evaluation, Evaluation):
        low, high = document["top1_interval"]
        most, weakest = document["majority"], document["weakest"]
        lines += [
            f"**{document['top1']:.2%}** of {document['n']:,} {report.split} images are classified correctly "
            f"(95 % interval {low:.2%} to {high:.2%}).",
            "",
            f"- Always answering “{_cell(most['label'])}” would be right for {most['top1']:.2%}.",
        ]
        if weakest:
            low, high = weakest["interval"]
            lines.append(
                f"- The weakest class is “{_cell(weakest['label'])}”: {weakest['recall']:.2%} of its "
                f"{weakest['support']:,} images are found (95 % interval {low:.2%} to {high:.2%})."
            )
        if document["n"] < FEW:
            lines.append(f"- {document['n']:,} images are few: every figure here is uncertain, as its interval shows.")
        lines += [f"- {en}" for en in (*document["warnings"], *document["diagnosis"])]
        for name, row in document["calibration"].items():
            if row:
                lines.append(
                    f"- Calibration {name} temperature: log loss {row['log_loss']:.4f}, Brier {row['brier']:.4f}, "
                    f"error {row['ece']:.2%} ({len(row['reliability'])} bins of equally many images)."
                )
    else:
        lines.append(f"Mean average precision **{document['map']:.2%}** on {document['n']:,} {report.split} images.")
        lines += ["", *(f"- {en}" for en in document["warnings"])] if document["warnings"] else []
    if unknown := document.get("unknown"):
        lines += ["", unknown_texts(unknown)[0]]
    lines += ["", "| class | images | precision | recall | F1 |", "|---|---:|---:|---:|---:|"]
    for row in document["per_class"]:
        shares = ["–" if row[figure] is None else f"{row[figure]:.2%}" for figure in ("precision", "recall", "f1")]
        lines.append(f"| {_cell(row['label'])} | {row['support']:,} | {' | '.join(shares)} |")
    go_on = [command for command, _, _ in next_commands(report.run)]
    commands = ["", "To repeat it, and to go on:", "", *(f"    {line}" for line in (*document["commands"], *go_on)), ""]
    return "\n".join([*lines, *_mistakes(document), *_about_network(document), *commands])


def _mistakes(document: dict[str, Any]) -> list[str]:
    """Return the lines about the most confused classes and the worst mistakes."""
    lines: list[str] = []
    if pairs := document.get("confusions"):
        lines += ["", "| class | taken for | images | share of the class |", "|---|---|---:|---:|"]
        lines += [
            f"| {_cell(p['true'])} | {_cell(p['predicted'])} | {p['count']:,} | {p['share']:.2%} |"
            for p in pairs[:MAX_SHOWN]
        ]
    if worst := document["mistakes"][:MAX_SHOWN]:
        lines += ["", f"The worst {len(worst)} mistakes:", ""]
    for row in worst:
        if "true" in row:
            answer = f"{_cell(row['predicted'])} {row['probability']:.1%}"
            said = f"{answer}, true: {_cell(row['true'])} {row['true_probability']:.1%}"
            said += " (its label may be wrong)" if row["suspected"] else ""
        else:
            kinds = ((word, row[word]) for word in ("wrong", "missing") if row[word])
            said = "; ".join(
                f"{word} {', '.join(f'{_cell(name)} {share:.1%}' for name, share in found)}" for word, found in kinds
            )
        lines.append(f"- {_cell(row['path'])}: {said}")
    return lines


def _about_network(document: dict[str, Any]) -> list[str]:
    """Return the lines about the data and the network: counts, layers, values inside, speed, robustness."""
    lines: list[str] = []
    if counts := document["counts"]:
        lines += ["", "| images | " + " | ".join(counts) + " |", "|---|" + "---:|" * len(counts)]
        lines.append("| all classes | " + " | ".join(f"{sum(numbers):,}" for numbers in counts.values()) + " |")
    if names := document["suspected_labels"]:
        lines += ["", f"Suspected label errors ({len(names):,}): {', '.join(_cell(name) for name in names[:20])}"]
    if table := document.get("summary"):
        lines += ["", "| layer | type | output | parameters | MACs |", "|---|---|---|---:|---:|"]
        for row in table["layers"]:
            shape, parameters = " × ".join(map(str, row["output_shape"])), row["parameters"] + row["frozen_parameters"]
            lines.append(
                f"| {_cell(row['name'])} | {_cell(row['type'])} | {shape} | {parameters:,} | {row['macs']:,} |"
            )
    if layers := document.get("inside", {}).get("layers"):
        head = f"Values and gradients over {document['inside']['n']} images:"
        lines += ["", head, "", "| layer | 1 % | median | 99 % | zeros | dead | gradient |", "|---|" + "---:|" * 6]
        for row in layers:
            low, middle, high = (f"{row['values'][i]:.3g}" for i in (1, 3, 5))
            size = "–" if row["gradient_size"] is None else f"{row['gradient_size']:.2e}"
            dead = f"{row['dead']} / {row['channels']}"
            lines.append(f"| {_cell(row['name'])} | {low} | {middle} | {high} | {row['zeros']:.1%} | {dead} | {size} |")
    if speed := document.get("speed"):
        lines += [
            "",
            f"One image takes {speed['median_ms']:.3g} ms here (quartiles {speed['low_ms']:.3g} and "
            f"{speed['high_ms']:.3g}, {speed['n']} times, {speed['device']}, threads: {speed['threads']}).",
        ]
    if missing := document.get("missing"):
        lines += ["", "Not in this report, which this network does not allow:", ""]
        lines += [f"- {what}: {_cell(reason)}" for what, reason in missing.items()]
    if graph := document.get("exported"):
        lines += [
            "",
            f"The exported graph gives the same answer for {graph['same_answer']} of {graph['n']} images (largest "
            f"difference of a probability {graph['difference']:.1e}) and takes {graph['median_ms']:.3g} ms for one.",
        ]
    if found := document.get("robustness"):
        lines += ["", f"Accuracy with disturbances, {found['n']:,} images, undisturbed {found['top1']:.1%}:", ""]
        lines += [f"- {row['name']} {row['strength']:g}: {row['top1']:.1%}" for row in found["disturbances"]]
    return lines


def _cell(text: str) -> str:
    """Return a name as Markdown takes it literally, also in a table."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|!" else c for c in printable(text))
