"""Choose the images to leave out of a training, each with the reason."""

from __future__ import annotations

from ..data.check.report import Report
from ..errors import printable
from ..evaluation.label_errors import LabelCheck

# Of copies one stays: in the split that measures, rather than in the one that learns.
ORDER = ("test", "val", "train")


def excluded_rows(report: Report, found: LabelCheck | None) -> list[tuple[str, str]]:
    """Return name and reason of the images to leave out, each once.

    Doubtful labels; of an image in two splits the copies in training, so that it stays in what is measured; mirrored
    and cropped copies likewise; blank images; and files that cannot be read.
    """
    rows: dict[str, str] = {}
    digests: dict[bytes, tuple[str, str]] = {}
    splits = report.data.splits if report.data else {}
    where_is: dict[str, str] = {}
    for name in (name for name in ORDER if name in report.images):
        for path, image in zip(splits[name].names, report.images[name], strict=True):
            where_is[path] = name
            if isinstance(image, str):
                rows.setdefault(path, image)
                continue
            if image.blank:
                rows.setdefault(path, "blank")
            first, where = digests.setdefault(image.digest, (path, name))
            if first != path and where != name:
                rows.setdefault(path, f"the same image as {printable(first)} in {where}")
    for problem in report.problems:
        if problem.kind == "transformed":
            kept, left = sorted(problem.images, key=lambda path: ORDER.index(where_is[path]))
            rows.setdefault(left, f"mirrored or cropped copy of {printable(kept)} in {where_is[kept]}")
    for doubt in found.doubts if found else ():
        rows.setdefault(doubt.path, f"labelled {doubt.label}, looks like {doubt.suggested}")
    return list(rows.items())
