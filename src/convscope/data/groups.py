"""Groups: images of one patient, object, video or burst, which must not lie on both sides of a split.

A network that has seen one frame of a video knows the next one, so that its figures would be too good.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..errors import UsageError, printable
from ..problems import collect_problems, listed, warn
from .split import SPLIT_SEED, Data, Origin, Split, held_out_share

FORMS = "column:NAME, depth:N or pattern:REGEX"
# A name such as `vid1_frame_001.jpg`: what comes before the last number, if that has a number itself.
FRAMES = r"([^/]*?\d+)[^\d/]+\d+\.\w+$"
# Names of columns that hold groups.
COLUMNS = re.compile(
    r"(\w+_)?(patient|subject|participant|person|lesion|case|animal|individual|specimen|donor|video|sequence|scene|"
    r"session|study|burst|group)(_?(id|no|nr|num|number|name|code))?",
    re.IGNORECASE,
)
# Names of folders that are no groups.
PLAIN_FOLDERS = frozenset({"images", "image", "img", "imgs", "jpg", "png"})
# What comes before the last number of a name: `cat_12.jpg`, `IMG_2041 (3).jpg`.
BEFORE_NUMBER = r"([^/]*?\w)[^\w/]*_?\d+\)?\.\w+$"
# Share of the sets of images that look the same that a grouping must hold together, and how many there must be.
TOGETHER, FEWEST_COPIES = 0.8, 3
# Groups are guessed only from several of them, with at least so many images each on average.
FEWEST_GROUPS, FEWEST_IMAGES = 4, 2.0


def group_images(data: Data, group_by: str) -> Data:
    """Return the data set with `groups`, divided again so that no group lies in two of our splits.

    `group_by` is `column:NAME` (a column of the table), `depth:N` (the N-th folder of an image's path) or
    `pattern:REGEX` (its first group, or all that it matches, in an image's path). Splits that the source gives stay as
    they are, with a warning if they cut groups. Raises UsageError for a grouping that the data does not have.
    """
    names = [name for split in data.splits.values() for name in split.names]
    groups = _groups(data, group_by, names)
    if len(set(groups.values())) in (1, len(names)) and len(names) > 1:
        where = "all images into one group" if len(set(groups.values())) == 1 else "each image into a group of its own"
        raise UsageError(f"--group-by {printable(group_by)} puts {where}: choose another")
    data = replace(data, groups=groups)
    if data.divided:
        whole = data.split("all")
        share = held_out_share(len(whole))
        data.splits = divide_by_group(whole, groups, share, share)
        return _described(data, "divided by ConvScope, no group in two splits")
    if data.held_out:
        train = data.splits["train"].join(data.splits["val"]) if "val" in data.splits else data.splits["train"]
        held = divide_by_group(train, groups, held_out_share(len(train)), 0)
        data.splits = {**held, **{name: split for name, split in data.splits.items() if name not in ("train", "val")}}
        given = data.origin.splits.split("; validation")[0] if data.origin else ""
        data = _described(data, f"{given}; validation held out by groups")
    if cut := cut_groups(data):
        text = f"in more than one split, which makes figures too good: {len(cut):,} groups ({listed(cut)})"
        warn("groups-cut", data.name, text)
    return data


def divide_by_group(
    whole: Split, groups: Mapping[str, str], val: float, test: float, seed: int = SPLIT_SEED
) -> dict[str, Split]:
    """Divide into train, val and test with about the given shares of every class, and each group whole.

    Large groups are placed first, each where the classes' shares then come closest to what is asked for. The same
    images give the same division in whatever order they come. Every class has a group in train.
    """
    marks = _marks(whole.labels)
    members: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(whole.names):
        members[groups[name]].append(i)
    counts = {group: marks[indices].sum(0) for group, indices in members.items()}
    keys = sorted(members)
    shuffled = [keys[i] for i in np.random.default_rng(seed).permutation(len(keys))]
    order = sorted(shuffled, key=lambda group: -len(members[group]))
    targets = {name: share for name, share in (("train", 1 - val - test), ("val", val), ("test", test)) if share > 0}
    total = np.maximum(marks.sum(0), 1)
    placed = {name: np.zeros(marks.shape[1]) for name in targets}
    part_of: dict[str, str] = {}
    for group in order:
        errors = {
            name: float(
                (((placed[name] + counts[group]) / total - share) ** 2 - (placed[name] / total - share) ** 2).sum()
            )
            for name, share in targets.items()
        }
        without = [label for label in np.flatnonzero(counts[group]) if not placed["train"][label]]
        last = any(_only_group(int(label), group, counts) for label in without)
        part_of[group] = "train" if last else min(errors, key=errors.__getitem__)
        placed[part_of[group]] += counts[group]
    _give_train_every_class(part_of, counts, placed["train"])
    parts = {
        name: sorted(i for group, indices in members.items() if part_of[group] == name for i in indices)
        for name in targets
    }
    return {name: whole.take(indices) for name, indices in parts.items() if indices or name == "train"}


def cut_groups(data: Data) -> list[str]:
    """Return the groups that lie in more than one split, sorted."""
    splits: dict[str, set[str]] = defaultdict(set)
    for name, split in data.splits.items():
        for image in split.names:
            if image in data.groups:
                splits[data.groups[image]].add(name)
    return sorted(group for group, where in splits.items() if len(where) > 1)


def guess_group_by(data: Data) -> tuple[str, list[str]] | None:
    """Return a likely `--group-by` of a data set and examples of its groups; None if nothing speaks for one."""
    for column, cells in data.columns.items():
        values = {cell for cell in cells.values() if cell}
        if COLUMNS.fullmatch(re.sub(r"\W+", "_", column.strip())) and len(data.class_names) < len(values) < len(cells):
            return f"column:{column}", sorted(values)
    names = [name for split in data.splits.values() for name in split.names]
    frames = [found[1] for name in names if (found := re.search(FRAMES, name))]
    if len(frames) > 0.8 * len(names) and _look_like_groups(frames, len(data.class_names)):
        return f"pattern:{FRAMES}", sorted(set(frames))
    depths = Counter(name.count("/") for name in names)
    depth, share = depths.most_common(1)[0] if depths else (0, 0)
    if share > 0.8 * len(names) and depth >= 2:
        folders = [name.split("/")[depth - 1] for name in names if name.count("/") == depth]
        known = {label.casefold() for label in data.class_names} | PLAIN_FOLDERS
        different = [folder for folder in folders if folder.casefold() not in known]
        if len(different) == len(folders) and _look_like_groups(folders, len(data.class_names)):
            return f"depth:{depth}", sorted(set(folders))
    return None


def warn_about_likely_groups(data: Data) -> None:
    """Warn if images seem to come in groups that a division by ConvScope, or the given one, tears apart."""
    guess = guess_group_by(data)
    if guess is None:
        return
    group_by, examples = guess
    names = [name for split in data.splits.values() for name in split.names]
    grouped = replace(data, groups=_groups(data, group_by, names))
    if cut := cut_groups(grouped):
        text = (
            f"images seem to come in groups such as {listed(examples, 3)}; in more than one split, which makes figures "
            f"too good, are {len(cut):,} of them ({listed(cut, 3)}): if each is one patient, video or object, give "
            f"--group-by '{group_by}'"
        )
        warn("likely-groups", data.name, text)


def warn_about_copies_in_groups(data: Data, copies: Sequence[Sequence[str]]) -> None:
    """Warn if images that look the same, each set with its names, lie in two splits, with the grouping that holds them.

    Only groupings by columns for groups, by folders and by the names of files are tried.
    """
    split_of = {name: split for split, part in data.splits.items() for name in part.names}
    cut = [copy for copy in copies if len({split_of[name] for name in copy}) > 1]
    if data.groups or len(cut) < FEWEST_COPIES:
        return
    names = list(split_of)
    columns = [f"column:{name}" for name in data.columns if COLUMNS.fullmatch(re.sub(r"\W+", "_", name.strip()))]
    depths = [f"depth:{depth}" for depth in range(min(name.count("/") for name in names), 0, -1)]
    for group_by in (*columns, *depths, f"pattern:{FRAMES}", f"pattern:{BEFORE_NUMBER}"):
        try:
            with collect_problems():
                groups = _groups(data, group_by, names)
        except UsageError:
            continue
        held = sum(len({groups[name] for name in copy}) == 1 for copy in copies)
        enough = max(FEWEST_GROUPS, len(data.class_names) + 1) <= len(set(groups.values())) < len(names)
        if enough and held >= TOGETHER * len(copies):
            text = (
                f"{len(cut):,} sets of images that look the same lie in more than one split, which makes figures too "
                f"good: {held:,} of all {len(copies):,} would stay together with --group-by '{group_by}'"
            )
            warn("likely-groups", data.name, text)
            return


def _look_like_groups(groups: Sequence[str], classes: int) -> bool:
    different = len(set(groups))
    return different >= max(FEWEST_GROUPS, classes + 1) and len(groups) >= FEWEST_IMAGES * different


def _groups(data: Data, group_by: str, names: Sequence[str]) -> dict[str, str]:
    kind, colon, value = group_by.partition(":")
    if not colon or not value or kind not in ("column", "depth", "pattern"):
        raise UsageError(f"--group-by must be {FORMS}, not {printable(repr(group_by))}")
    if kind == "column":
        if value not in data.columns:
            known = f"further columns are {listed(list(data.columns))}" if data.columns else "it has no table with one"
            raise UsageError(f"--group-by: {printable(data.name)} has no column '{printable(value)}': {known}")
        cells = data.columns[value]
        return {name: cells.get(name) or name for name in names}
    if kind == "depth":
        deepest = min(name.count("/") for name in names)
        if deepest == 0:
            text = f"the path of an image, such as {printable(names[0])}, has no folder"
            raise UsageError(f"--group-by {printable(group_by)}: {text}: give {FORMS}")
        if not value.isdigit() or not 1 <= int(value) <= deepest:
            text = f"--group-by depth must be from 1 to {deepest}, the folders of every image, not {printable(value)}"
            raise UsageError(text)
        return {name: name.split("/")[int(value) - 1] for name in names}
    try:
        pattern = re.compile(value)
    except re.error as problem:
        raise UsageError(f"--group-by pattern: no regular expression ({problem})") from problem
    found = {name: match[1 if pattern.groups else 0] or name for name in names if (match := pattern.search(name))}
    if not found:
        raise UsageError(f"--group-by pattern matches no image's path, such as {printable(names[0])}")
    if left := len(names) - len(found):
        warn("groups-unmatched", data.name, f"{left:,} images do not match --group-by; each is a group of its own")
    return {name: found.get(name, name) for name in names}


def _marks(labels: np.ndarray) -> np.ndarray:
    """Return N x K marks of the labels; an image without any counts for a class of its own."""
    if labels.ndim == 1:
        return np.eye(int(labels.max(initial=0)) + 1, dtype=np.int64)[labels]
    return np.concatenate([labels, ~labels.any(1, keepdims=True)], axis=1).astype(np.int64)


def _only_group(label: int, group: str, counts: Mapping[str, np.ndarray]) -> bool:
    return not any(count[label] for other, count in counts.items() if other != group)


def _give_train_every_class(part_of: dict[str, str], counts: Mapping[str, np.ndarray], train: np.ndarray) -> None:
    """Move the smallest group of each class that train lacks into train."""
    for label in range(len(train)):
        holders = sorted((group for group, count in counts.items() if count[label]), key=lambda g: (counts[g].sum(), g))
        if holders and not any(part_of[group] == "train" for group in holders):
            part_of[holders[0]] = "train"


def _described(data: Data, splits: str) -> Data:
    sizes = ", ".join(f"{len(split):,} {name}" for name, split in data.splits.items())
    data.origin = replace(data.origin or Origin(""), splits=f"{splits} ({sizes})")
    return data
