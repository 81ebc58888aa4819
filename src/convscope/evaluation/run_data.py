"""Find the images of a run again: where they were when it was trained, or where they lie now beside the run."""

from __future__ import annotations

import csv
import io
import os

from ..data.cache_folder import cache_folder
from ..data.datasets import BUNDLED, HUB, NAMES, load_data
from ..data.decoded import Decoded
from ..data.sources.interpretation import INTERPRETATION_OPTIONS
from ..data.sources.remote import is_remote
from ..data.split import Data, redivide
from ..errors import DataError, printable
from ..problems import listed, warn
from ..run_folder import RunFolder


def source_of_run(run: RunFolder) -> str:
    """Return the name or path of what a run was trained on, "" if it does not say; see `is_gone`.

    A relative path leads on from where the training was started, which the run remembers; of a run that was moved along
    with its images, from the folder that has its `runs/train/NAME`; at last, from the current directory.
    """
    recorded = str(run.read_recipe().get("data") or "")
    if not recorded or is_name(recorded):
        return recorded
    remembered = run.read_environment().get("data_path")
    beside = run.path.absolute().parents[2:3]
    before = [remembered] if isinstance(remembered, str) else []
    places = [*before, *(os.path.join(at, recorded) for at in beside), recorded]  # noqa: PTH118
    return next((place for place in places if os.path.lexists(place)), [*before, recorded][0])


def is_name(source: str) -> bool:
    """Whether a source is no path but the name of a data set."""
    return source.startswith(HUB) or source in NAMES


def is_gone(source: str) -> bool:
    """Whether what a run was trained on is a path at which nothing is any more."""
    known = source.lower().replace("_", "-")
    return not (is_name(known) or is_remote(source) or os.path.lexists(source))


def refuse_gone(source: str) -> None:
    """Raise DataError if the images of a run are not where they were."""
    if is_gone(source):
        raise DataError(
            f"the images of the training were at {printable(source)} and are not there any more: move them back, or "
            "name the place where they are now"
        )


def load_run_data(run: RunFolder) -> Data:
    """Load the images of a run, divided as they were then; nothing is downloaded. DataError if they are not here."""
    source, recipe = source_of_run(run), run.read_recipe()
    name, folder = source.lower().replace("_", "-"), recipe.get("data_dir")
    if not source:
        raise DataError(f"{printable(run.path)} does not say what it was trained on")
    refuse_gone(source)
    if source.startswith(HUB):
        raise DataError(f"{printable(source)} is loaded from the hub")
    if folder is None and name in NAMES and name not in BUNDLED and not os.path.lexists(source):
        folder = cache_folder() / "torchvision"
    options = {option: recipe[option] for option in INTERPRETATION_OPTIONS if option in recipe}
    return as_divided(load_data(source, folder, **options, purpose="evaluate"), run)


def compare_with_training(dataset: Data, run: RunFolder, split: str, named: bool) -> None:
    """Warn about images of a split that the training had and that are gone, and about those that it had not.

    DataError if all its test images are gone and nobody has `named` the split that is then evaluated instead.
    """
    rows = _rows(run)
    tests = sum(row["split"] == "test" for row in rows)
    if not named and tests and split != "test":
        raise DataError(
            f"{printable(dataset.name)}: the {tests:,} test images of the training are not there any more: bring them "
            f"back, or say what to evaluate with --split {split}"
        )
    before = {row["path"] for row in rows if split in ("all", row["split"])}
    now = set(dataset.split(split).names)
    if before and (gone := sorted(before - now)):
        text = f"{len(gone):,} of {len(before):,} images of {split} that the training had are not there any more"
        warn("changed-images", dataset.name, f"{text}: {listed(gone)}")
    if before and (new := sorted(now - before)):
        warn("changed-images", dataset.name, f"{len(new):,} images of {split} the training did not have: {listed(new)}")


def digests_of(run: RunFolder) -> dict[str, str]:
    """Return the digest (hexadecimal) of each image file in the training; empty where the run does not have them."""
    return {row["path"]: digest for row in _rows(run) if (digest := row.get("digest"))}


def warn_about_other_content(dataset: Data, decoded: Decoded) -> None:
    """Warn, once, about image files whose content is another one than in the training: the figures may differ."""
    now = zip(decoded.names, decoded.digests, strict=False)  # arrays have no digests
    other = sorted(name for name, digest in now if dataset.digests.get(name, digest.hex()) != digest.hex())
    dataset.digests = {}
    if other:
        text = f"{len(other):,} images have another content than in the training: {listed(other)}"
        warn("changed-images", dataset.name, text)


def _rows(run: RunFolder) -> list[dict[str, str]]:
    table = (run.read_split() or b"").decode("utf-8", "surrogateescape")
    return list(csv.DictReader(io.StringIO(table, newline="")))


def as_divided(data: Data, run: RunFolder) -> Data:
    """Return data with the splits that the run had, if it was the program that divided the images."""
    table = run.read_split()
    return redivide(data, table) if table is not None and (data.divided or data.held_out) else data
