"""One self-contained HTML file about a classifier: the verdict, the figures, the mistakes, the way to repeat it."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from ..data.decoding.pixels import Pixels
from ..errors import printable
from ..files import write_atomically
from .charts import curves
from .metrics import Evaluation

# Beyond this many classes the matrix is no longer read but scrolled; the list of confusions says more.
MATRIX_CLASSES = 40


@dataclass
class Report:
    """What the page shows: the evaluation of one split, its pixels (uint8, N x C x H x W), and how it came about.

    `history` (a row an epoch) is empty when a finished classifier is evaluated later. `command` makes it again.
    """

    title: str
    split: str
    evaluation: Evaluation
    pixels: Pixels
    command: str
    metrics: dict[str, Any]
    environment: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)


def write_report(path: Path, report: Report) -> None:
    """Write the page, atomically."""
    write_atomically(path, render(report))


def render(report: Report) -> str:
    """The page as text. It asks for nothing from anywhere: style, pictures and curves are inside."""
    from jinja2 import Environment, StrictUndefined

    place = files(__package__)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["shown"] = printable
    template = environment.from_string((place / "report.html.j2").read_text(encoding="utf-8"))
    evaluation = report.evaluation
    figures = evaluation.figures()
    right = round(figures["top1"] * figures["n"])
    return template.render(
        report=report,
        style=(place / "report.css").read_text(encoding="utf-8"),
        figures=figures,
        right=right,
        interval=wilson_interval(right, figures["n"]),
        per_class=evaluation.per_class(),
        confusion=evaluation.confusion() if len(evaluation.class_names) <= MATRIX_CLASSES else None,
        confusions=frequent_confusions(evaluation)[:8],
        mistakes=mistakes(report, 24),
        charts=curves(report.history),
    )


def wilson_interval(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share, after Wilson 1927: where the accuracy on all such images probably lies."""
    if n == 0:
        return 0.0, 1.0
    share = right / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def frequent_confusions(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Pairs of classes by how often the first was taken for the second."""
    names = evaluation.class_names
    pairs = [
        {"truth": names[i], "answer": names[j], "count": count, "share": count / max(sum(row), 1)}
        for i, row in enumerate(evaluation.confusion())
        for j, count in enumerate(row)
        if i != j and count
    ]
    return sorted(pairs, key=lambda pair: -pair["count"])


def mistakes(report: Report, count: int) -> list[dict[str, Any]]:
    """The most confident mistakes: picture, name, truth, answer and probabilities."""
    evaluation = report.evaluation
    names, probabilities = evaluation.class_names, evaluation.probabilities
    found = []
    for i in evaluation.worst(count):
        truth, answer = int(evaluation.labels[i]), int(evaluation.predictions[i])
        found.append(
            {
                "picture": picture(report.pixels[i]),
                "name": evaluation.names[i],
                "truth": names[truth],
                "answer": names[answer],
                "probability": float(probabilities[i, answer]),
                "truth_probability": float(probabilities[i, truth]),
            }
        )
    return found


def picture(pixels: Tensor) -> str:
    """uint8 C x H x W -> a PNG as a data address."""
    array = pixels.permute(1, 2, 0).numpy()
    content = io.BytesIO()
    Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array).save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
