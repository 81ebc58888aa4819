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
    """Judge the labels of a data set that was checked, by the features of `run` or of a network's public weights."""
    from ..bundle_config import is_bundle
    from ..classifier import load
    from ..evaluation.label_errors import check_labels
    from ..opening import open_target
    from ..target import Target

    assert report.data is not None
    pairs = ((report.data.splits[name].names, images) for name, images in report.images.items())
    looks = (pair for names, images in pairs for pair in zip(names, images, strict=True))
    blank = {path for path, image in looks if not isinstance(image, str) and image.blank}
    name = run or (OF_DIGITS if report.data.kind == "digits" else None)
    if not name:
        return check_labels(report.data, blank=blank)
    known = is_bundle(name) or name == OF_DIGITS
    classifier = load(name) if known else open_target(Target(name, pretrained=True)).classifier
    return check_labels(report.data, classifier, name, blank, _learned(name) if known else ())


def _learned(name: str) -> set[str]:
    """Return the names of the images that a run was trained on; none for a classifier without a run folder."""
    import csv
    import io

    from ..bundle_config import find_bundle
    from ..run_folder import run_of_bundle

    run = run_of_bundle(find_bundle(name))
    table = run.read_split() if run else None
    rows = csv.DictReader(io.StringIO((table or b"").decode("utf-8", "surrogateescape"), newline=""))
    return {row["path"] for row in rows if row.get("split") == "train" and row.get("path")}


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
    if found.weak:
        say("pixels judge photos badly: most of these doubts are wrong. Train, then judge by its features: --run last")
    if found.outliers:
        say(f"\noutliers: {len(found.outliers):,} images are unlike all others")
        far = [(odd.path, odd.split, f"{odd.times:.1f} x") for odd in found.outliers[:MOST_SHOWN]]
        print_table(far, head=("path", "split", "distance"))
