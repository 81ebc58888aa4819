"""Labels that are probably wrong and lists of images to leave out, for `convscope check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import printable
from .output import print_table, say

if TYPE_CHECKING:
    from ..data.check.report import Report
    from ..evaluation.label_errors import LabelCheck

MOST_SHOWN = 20
# The bundled classifier whose features judge the labels of digits.
OF_DIGITS = "mnist-relu"


def label_findings(report: Report, run: str | None) -> LabelCheck:
    """Judge the labels of a data set that was checked, by the features of `run`."""
    from ..classifier import load
    from ..evaluation.label_errors import check_labels

    assert report.data is not None
    name = run or (OF_DIGITS if report.data.kind == "digits" else None)
    return check_labels(report.data, load(name) if name else None, name or "")


def excluded_rows(report: Report, found: LabelCheck | None) -> list[tuple[str, str]]:
    """Return name and reason of the images to leave out, each once.

    Doubtful labels; of an image in two splits the copies in training, so that it stays in what is measured; and files
    that cannot be read.
    """
    rows: dict[str, str] = {}
    digests: dict[bytes, tuple[str, str]] = {}
    splits = report.data.splits if report.data else {}
    for name in ("test", "val", "train"):
        for path, image in zip(splits[name].names, report.images[name], strict=True) if name in report.images else ():
            if isinstance(image, str):
                rows.setdefault(path, image)
            else:
                first, where = digests.setdefault(image.digest, (path, name))
                if first != path and where != name:
                    rows.setdefault(path, f"the same image as {printable(first)} in {where}")
    for doubt in found.doubts if found else ():
        rows.setdefault(doubt.path, f"labelled {doubt.label}, looks like {doubt.suggested}")
    return list(rows.items())


def print_labels(found: LabelCheck | None) -> None:
    """Print the doubtful labels, the most doubtful first."""
    if found is None:
        return
    say(
        f"\nlabels: {len(found.doubts):,} of {found.images:,} are probably wrong. Judged by "
        f"{printable(found.features)} with a logistic regression that had not seen them, which agrees "
        f"with {found.accuracy:.1%} of all labels"
    )
    rows = [
        (doubt.path, doubt.split, doubt.label, f"{doubt.suggested} {doubt.probability:.0%}")
        for doubt in found.doubts[:MOST_SHOWN]
    ]
    if rows:
        print_table(rows, head=("path", "split", "label", "looks like"))
    if (more := len(found.doubts) - MOST_SHOWN) > 0:
        say(f"... and {more:,} more (--json lists all)")
