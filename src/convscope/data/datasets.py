"""Load a data set by name or path."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..errors import DataError, printable
from ..suggest import did_you_mean
from .exclude import without_excluded
from .frames import warn_about_frames
from .groups import group_images, warn_about_likely_groups
from .sources.address import load_address
from .sources.class_folders import NoLabelsError
from .sources.hub import load_hub
from .sources.interpretation import Interpretation
from .sources.path import load_path
from .sources.published import DIGITS, PUBLISHED, load_published
from .sources.remote import is_remote
from .sources.unlabelled import load_unlabelled
from .split import Data, Split, divide

# The data sets of `bundled/`, and the share of each class that is held out for each of validation and test.
BUNDLED = {"mnist-5k": 0.1, "digits": 0.15}
BUNDLED_FOLDER = Path(__file__).parent / "bundled"
NAMES = [*BUNDLED, *PUBLISHED]
HUB = "hf:"


def load_data(
    source: str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None = None,
    *,
    folders: str = "auto",
    label_column: str | None = None,
    label_type: str = "auto",
    encoding: str = "auto",
    kind: str = "auto",
    label_pattern: str | None = None,
    uncertain: str = "auto",
    group_by: str | None = None,
    exclude: str | os.PathLike[str] | None = None,
    purpose: str = "train",
) -> Data:
    """Load the data set `source`, a name or a path.

    A name is one of `NAMES` (`mnist-5k` and `digits` ship with the package, others come through torchvision) or
    `hf:owner/name` for the Hugging Face hub. `data_dir` is a folder that already has the files of a named set; without
    it, the set is downloaded once into the cache folder (`CONVSCOPE_CACHE`).

    A path leads to class folders; to split folders of class folders (train, val, test in any spelling); to a table
    (CSV, TSV, JSON lines) with columns for path, labels and perhaps split, or to a folder that has one beside or among
    the images; a list of `path index` lines with a `labels.txt`; IDX files or CIFAR batches; to what the Hugging Face
    library `datasets` has saved; or to a zip of any of those, which is read without unpacking it to disk; an address,
    such as `s3://bucket/folder`, to a folder of any of those or to tar shards. A set without splits is divided into
    train, val and test, class by class and the same way every time. The result's `origin` says what was taken for
    classes and splits. The options up to `uncertain`, as in `Interpretation`, choose where a path can be read in two
    ways. With `group_by`, images of one group stay in one split (see `data.groups`); `exclude` lists images to leave
    out.

    `purpose` is what the images are for: "train" needs at least two classes, each with training images; "evaluate" only
    labels; "features" takes images without labels, too, whose label is then empty. Nothing is written into the folder
    of the images. Raises DataError, in one line, for whatever cannot be used.

    >>> {name: len(split) for name, split in load_data("digits").splits.items()}
    {'train': 1259, 'val': 269, 'test': 269}
    """
    try:
        chosen = Interpretation(folders, label_column, label_type, encoding, kind, label_pattern, uncertain)
        data = _load(os.fspath(source), data_dir, chosen)
    except NoLabelsError as problem:
        if purpose != "features":
            raise
        return load_unlabelled(Path(source), encoding, str(problem))
    if kind != "auto":
        data.with_kind(kind)
    if purpose == "train":
        _check_before_training(data, group_by)
    return without_excluded(data if group_by is None else group_images(data, group_by), exclude)


def _check_before_training(data: Data, group_by: str | None) -> None:
    if data.untrainable:
        raise DataError(data.untrainable)
    if group_by is None:
        warn_about_likely_groups(data)
    warn_about_frames(data)


def _load(name: str, data_dir: str | os.PathLike[str] | None, interpretation: Interpretation) -> Data:
    known = name if name in NAMES or os.path.lexists(name) else name.lower().replace("_", "-")
    if known in PUBLISHED or known in BUNDLED or name.startswith(HUB):
        _refuse_path_options(name, interpretation)
    if known in BUNDLED:
        return _load_bundled(known)
    if known in PUBLISHED:
        return load_published(known, Path(data_dir) if data_dir is not None else None)
    if name.startswith(HUB):
        return load_hub(name.removeprefix(HUB), Path(data_dir) if data_dir is not None else None)
    if is_remote(name) and not name.startswith(HUB):
        return load_address(name, interpretation)
    if os.path.lexists(name):
        return load_path(Path(name), interpretation)
    path_like = os.sep in name or Path(name).suffix
    otherwise = "check the path" if path_like else f"give a folder, or one of {', '.join(NAMES)}"
    hint = did_you_mean(known, NAMES, otherwise, most=1, cutoff=0.6)
    raise DataError(f"no data set and no folder '{printable(name)}': {hint}")


def _refuse_path_options(name: str, interpretation: Interpretation) -> None:
    """Raise DataError if an option says how to read folders, which a named set does not have."""
    given = {"--folders": interpretation.folders != "auto", "--label-pattern": interpretation.label_pattern is not None}
    if options := [option for option, is_given in given.items() if is_given]:
        verb = "is" if len(options) == 1 else "are"
        raise DataError(f"{printable(name)}: {' and '.join(options)} {verb} for folders of images: leave it out")


def _load_bundled(name: str) -> Data:
    """Load a data set of `bundled/` (its README says what they are), with its gray values spread over 0..255.

    `mnist-5k`: 500 images of each digit of MNIST, 28 x 28. `digits`: 1,797 images of 8 x 8 pixels, 17 gray values.
    """
    with np.load(BUNDLED_FOLDER / f"{name}.npz", allow_pickle=False) as arrays:
        gray, labels = arrays["images"], arrays["labels"].astype(np.int64)
    white = int(gray.max())
    spread = np.round(np.arange(white + 1) * (255 / white)).astype(np.uint8)
    whole = Split(spread[gray], labels, [f"{name}/{i:04d}" for i in range(len(labels))])
    return Data(name, DIGITS, divide(whole, BUNDLED[name], BUNDLED[name]), held_out=True, kind="digits")
