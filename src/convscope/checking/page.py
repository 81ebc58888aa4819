"""The page of a checked data set: each finding with its pictures side by side, and images to tick and leave out."""

from __future__ import annotations

import base64
import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..data.check.report import Report
from ..data.decoding.decoded_image import RawImage, read_content
from ..data.image_file import UnreadableImage, decode_pixels
from ..data.label_names import label_names
from ..errors import printable
from ..evaluation.label_errors import LabelCheck
from ..files import write_atomically
from ..html_page import render_page
from ..messages.translate import in_chinese
from ..png import png_url
from .exclusions import excluded_rows
from .words import KINDS, SEVERITIES

TEMPLATE, STYLE, SCRIPT = (Path(__file__).with_name(name) for name in ("check.html.j2", "check.css", "check.js"))
# Findings shown of each kind, pictures in each, pictures in all, and their longest side in pixels.
MOST_FINDINGS, MOST_PICTURES, MOST_IN_ALL, SIDE = 30, 8, 300, 112


def write_page(path: Path, report: Report, found: LabelCheck | None, command: str) -> None:
    """Write the page, atomically."""
    write_atomically(path, render(report, found, command))


def render(report: Report, found: LabelCheck | None, command: str) -> str:
    """Return the page as text, with all pictures inside."""
    excluded = dict(excluded_rows(report, found))
    pictures = Pictures(report, excluded)
    groups = _groups(report, found, pictures)
    hidden = [[name, reason] for name, reason in excluded.items() if name not in pictures.shown and _is_text(name)]
    return render_page(
        TEMPLATE,
        STYLE,
        title=report.name,
        report=report,
        summary=report.to_dict(),
        found=found,
        groups=groups,
        excluded=len(excluded),
        hidden=hidden,
        sheet=_sheet(report),
        command=command,
        script=SCRIPT.read_text(encoding="utf-8"),
    )


class Pictures:
    """Makes pictures of images by their names; `shown` are the names of those that it made, or tried to."""

    def __init__(self, report: Report, excluded: dict[str, str]):
        self.excluded, self.shown = excluded, set[str]()
        self.places: dict[str, tuple[RawImage, str, str]] = {}
        for split, part in report.data.splits.items() if report.data else ():
            labels = label_names(part.labels, report.data.class_names) if report.data else []
            for name, image, label in zip(part.names, part.images, labels, strict=True):
                self.places.setdefault(name, (image, split, label))
        self.left = MOST_IN_ALL

    def of(self, name: str) -> dict[str, Any]:
        """Return what the page shows of an image: its picture, split, label, and whether it is ticked."""
        image, split, label = self.places[name]
        url = self._url(image) if self.left > 0 else None
        self.left -= url is not None
        self.shown.add(name)
        reason = self.excluded.get(name)
        return {"url": url, "name": name, "split": split, "label": label, "reason": reason, "named": _is_text(name)}

    def _url(self, image: RawImage) -> str | None:
        try:
            pixels = image if isinstance(image, np.ndarray) else decode_pixels(read_content(image)[0], SIDE)
        except (UnreadableImage, MemoryError):
            return None
        picture = Image.fromarray(pixels)
        if max(picture.size) <= SIDE // 2:  # few pixels: every one of them
            return png_url(picture)
        picture.thumbnail((SIDE, SIDE))
        content = io.BytesIO()
        picture.save(content, "JPEG", quality=85)
        return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"


def _groups(report: Report, found: LabelCheck | None, pictures: Pictures) -> list[dict[str, Any]]:
    """Return the findings by kind, errors first: title and explanation in both languages, and rows of pictures."""
    rows: dict[str, list[dict[str, Any]]] = {}
    counts: Counter[str] = Counter()
    severity: dict[str, str] = {}

    def add(kind: str, level: str, text: str, names: tuple[str, ...]) -> None:
        counts[kind] += 1
        severity.setdefault(kind, level)
        if len(rows.setdefault(kind, [])) < MOST_FINDINGS:
            known = [name for name in names if name in pictures.places]
            shown = [pictures.of(name) for name in known[:MOST_PICTURES]]
            more = max(len(known) - MOST_PICTURES, 0)
            rows[kind].append({"text": text, "zh": in_chinese(text), "pictures": shown, "more": more})

    for doubt in found.doubts if found else ():
        text = f"{printable(doubt.label)} → {printable(doubt.suggested)} {doubt.probability:.0%}"
        add("label", "warning", text, (doubt.path,))
    for odd in found.outliers if found else ():
        add("outlier", "info", f"{odd.times:.1f} ×", (odd.path,))
    for problem in report.problems:
        add(problem.kind, problem.severity, problem.message, problem.images)
    ordered = sorted(rows, key=lambda kind: (SEVERITIES.index(severity[kind]), list(rows).index(kind)))
    return [
        {"kind": kind, "severity": severity[kind], "count": counts[kind], "rows": rows[kind], "words": KINDS.get(kind)}
        for kind in ordered
    ]


def _sheet(report: Report) -> list[dict[str, Any]]:
    """Return by class pairs of pictures: the file, and what the network would see of it."""
    counts = report.counts()
    return [
        {
            "label": label,
            "counts": counts[label],
            "pairs": [
                (png_url(image.original), png_url(image.thumbnail), f"{image.width} × {image.height}", split)
                for split, image in images
                if image.original is not None and image.thumbnail is not None
            ],
        }
        for label, images in report.shown.items()
    ]


def _is_text(name: str) -> bool:
    """Whether a name can stand in a page: one that is not valid UTF-8 would not be the file's any more."""
    return not any("\ud800" <= c <= "\udfff" for c in name)
