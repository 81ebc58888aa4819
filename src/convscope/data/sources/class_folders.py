"""Class folders: which folders of a data set are its classes and which are its splits."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from ...errors import DataError, printable
from ...problems import listed, warn
from ..image_file import ImageItem
from ..split import SPLITS, Data, Origin
from .annotations import data_folders, data_images, warn_about_masks
from .assemble import Classes, assemble
from .folder import Folder, has_image_suffix
from .nested_folders import INNERMOST, both_readings, inner_names, innermost, may_be_classes
from .split_lists import SplitLists, divided_by_lists
from .split_names import is_unlabelled, names_with_splits, split_of, splits_of_names
from .text_encoding import decode_names

# Names of folders that hold images of all classes, where a table has the classes.
CONTAINERS = {"images", "image", "imgs", "img", "photos", "pictures", "data", "jpg", "jpeg", "png", "raw", "jpegimages"}
CHOOSE = "choose with --folders classes or --folders splits"
ADD_LABELS = "put the images into one folder per class, or add a table (.csv) with the columns path and label"


class DoubtfulLayoutError(DataError):
    """The folders alone do not say what is a class: a table may, or the user."""


class NoLabelsError(DoubtfulLayoutError):
    """There are images, but nothing says which class each of them shows."""


class OtherTaskError(NoLabelsError):
    """The images have boxes or masks instead of one class each, or are not unpacked."""


@dataclass
class Layout:
    """A reading of folders: the class folders of each split, by class name, and how it is told.

    `splits` is the sentence about the splits, empty if the folders name none. `unused` are folders that are left out,
    `loose` those whose own images are. `by_table` has splits whose classes a table names.
    `untrainable` says why no classifier can be trained, if the folders show that. `lists` name the images of splits.
    """

    parts: dict[str, dict[str, list[Folder]]]
    splits: str = ""
    unused: list[Folder] = field(default_factory=list)
    loose: list[Folder] = field(default_factory=list)
    by_table: dict[str, Classes] = field(default_factory=dict)
    untrainable: str = ""
    lists: SplitLists | None = None


def read_layout(folder: Folder, shown: str, folders: str = "auto") -> Layout:
    """Find the classes and splits among the folders; `folders` is auto, classes, splits or innermost.

    Raises DoubtfulLayoutError if there are two readings, or none.
    """
    layout = _outer_layout(folder, shown, folders)
    if folders == "innermost":
        layout.parts = {split: innermost(classes) for split, classes in layout.parts.items()}
    train = layout.parts.get("train", {})
    if folders == "auto" and may_be_classes(train):
        raise DoubtfulLayoutError(f"{shown}: {both_readings(train)}")
    return layout


def _outer_layout(folder: Folder, shown: str, folders: str) -> Layout:
    """Decide about the folders at the top, with the errors of `read_layout`."""
    if folders == "classes":
        return _classes(folder, folder.folders(), [])
    unlabelled = [each for each in folder.folders() if is_unlabelled(each.name)]
    inner = [each for each in data_folders(folder) if each not in unlabelled]
    splits = splits_of_names([each.name for each in inner])
    if folders == "splits":
        return _splits(folder, inner, {each.name: splits.get(each.name, "train") for each in inner}, unlabelled, shown)
    if splits:
        return _named_splits(folder, inner, splits, unlabelled, shown)
    if mixed := names_with_splits([each.name for each in inner]):
        raise DoubtfulLayoutError(
            f"{shown}: the names {listed(mixed, 4)} hold a split and a class: make folders such as train/ with one "
            "folder per class in them; if they are all classes, give --folders classes"
        )
    if layout := _splits_in_classes(folder, inner, shown):
        return layout
    if len(shared := _shared_subfolders(inner)) >= 2 and folders != "innermost":
        tops, below = listed([each.name for each in inner], 3), listed(shared, 3)
        raise DoubtfulLayoutError(
            f"{shown}: the folders {tops} all hold {below}: either {tops} are the classes, or they are parts of one "
            f"set whose classes are {below}: {CHOOSE}"
        )
    return _classes(folder, inner, unlabelled)


def load_layout(layout: Layout, shown: str) -> Data:
    """Load the images of a layout; DataError if a classifier cannot be trained on them."""
    holders = [each for classes in layout.parts.values() for same in classes.values() for each in same]
    count = sum(holder.loose_images() for holder in layout.loose)
    if count and not layout.by_table and not any(each.has_images() for each in holders):
        text = "1 image lies" if count == 1 else f"{count:,} images lie"
        raise NoLabelsError(f"{shown}: {text} in no class folder and no table names the labels: {ADD_LABELS}")
    called = {name.lower() for classes in layout.parts.values() for name in classes}
    if len(called) == 1 and called <= CONTAINERS and not layout.by_table:
        raise NoLabelsError(
            f"{shown}: the images lie in {listed(sorted(called))}, whose name is no class: {ADD_LABELS}"
        )
    used = {item for classes in layout.by_table.values() for images in classes.values() for _, item in images}
    for holder in layout.loose:
        _warn_about_loose_images(holder, used, shown)
    for other in layout.unused:
        if is_unlabelled(other.name) or split_of(other.name) or _holds_itself(other):
            reason = "holds images without labels"
        else:
            reason = "is not a split (train, val or test)"
        warn("unused-folder", shown, f"folder '{printable(other.name)}' {reason} and is not used")
    names = _label_names(layout, shown)
    parts: dict[str, Classes] = {}
    for split, classes in layout.parts.items():
        found: dict[str, list[tuple[str, ImageItem]]] = {}
        for name, holders in classes.items():
            for each in holders:
                images = data_images(each)
                warn_about_masks(each, len(images))
                found.setdefault(names[name], []).extend(images)
        parts[split] = found
    if layout.lists is not None:
        parts = _joined(parts, divided_by_lists(parts.pop("train"), layout.lists, shown))
    data = assemble(shown, {**parts, **layout.by_table})
    data.untrainable = layout.untrainable or data.untrainable
    told = f"folder names ({listed(data.class_names)})"
    nested = inner_names(layout.parts.get("train", {}))
    if not CONTAINERS.issuperset(map(str.lower, nested)):
        told += f", each with the images in its folders ({listed(nested, 3)}; classes by {INNERMOST})"
    return data.described(Origin(told, _splits_told(layout)))


def _joined(parts: dict[str, Classes], others: Mapping[str, Classes]) -> dict[str, Classes]:
    """Return splits with the images of others."""
    for split, classes in others.items():
        known = parts.get(split, {})
        parts[split] = {
            name: [*known.get(name, ()), *classes.get(name, ())] for name in dict.fromkeys([*known, *classes])
        }
    return parts


def _splits_told(layout: Layout) -> str:
    lists = layout.lists.told if layout.lists else ""
    return f"{layout.splits}, and {lists}" if layout.splits and lists else layout.splits or lists


def _label_names(layout: Layout, shown: str) -> dict[str, str]:
    """Return the class of each folder name: decoded if it is not UTF-8, composed (NFC), without outer spaces."""
    names = sorted({name for classes in layout.parts.values() for name in classes})
    raw = [name for name in names if any("\udc80" <= letter <= "\udcff" for letter in name)]
    decoded = dict(zip(raw, decode_names([os.fsencode(name) for name in raw], f"{shown}: folder names"), strict=True))
    return {name: unicodedata.normalize("NFC", decoded.get(name, name)).strip() for name in names}


def names_classes(layout: Layout) -> bool:
    """Whether at least two folders with names of their own hold images, so that they may well be classes."""
    if layout.splits:
        return True
    names = {name for name in layout.parts["train"] if name.lower() not in CONTAINERS and not split_of(name)}
    return sum(any(each.has_images() for each in layout.parts["train"][name]) for name in names) >= 2


def _classes(folder: Folder, inner: Sequence[Folder], unused: list[Folder]) -> Layout:
    return Layout({"train": {each.name: [each] for each in inner}}, unused=unused, loose=[folder])


def _named_splits(
    folder: Folder, inner: Sequence[Folder], splits: dict[str, str], unlabelled: list[Folder], shown: str
) -> Layout:
    """Decide where at least one folder has the name of a split: a class may be called so, too."""
    others = [each for each in inner if each.name not in splits and each.has_images()]
    named = [each for each in inner if each.name in splits]
    holding = [each for each in named if _class_folders(each)]
    names = listed([each.name for each in named])
    if "train" not in splits.values():
        if holding and not others:
            layout = _splits(folder, named, splits, unlabelled, shown)
            layout.untrainable = f"{shown}: there is {names} but no train folder: add it"
            return layout
    elif not any(splits[each.name] == "train" for each in holding):
        if others and len(set(splits.values())) == 1:
            return _classes(folder, inner, unlabelled)  # a class called `train` beside `plane`
    elif not others or (len(set(splits.values())) > 1 and not _shared_subfolders([*holding, *others])):
        return _splits(folder, named, splits, [*unlabelled, *others], shown)
    if not holding and not others:
        raise NoLabelsError(
            f"{shown}: {names} can only be splits, but they hold no class folders and no table names the labels: "
            f"{ADD_LABELS}"
        )
    rest = listed([each.name for each in others])
    raise DoubtfulLayoutError(
        f"{shown}: either {names} are splits, or they are classes like {rest}: rename the folders, or {CHOOSE}"
    )


def _splits(
    folder: Folder, holders: Sequence[Folder], splits: dict[str, str], unused: list[Folder], shown: str
) -> Layout:
    """Read split folders that hold class folders; `splits` has the split of each folder by its name."""
    parts: dict[str, dict[str, list[Folder]]] = defaultdict(dict)
    owners: dict[str, list[str]] = defaultdict(list)
    loose, unused = [folder], [*unused]
    for holder in holders:
        classes = _class_folders(holder)
        if not classes and holder.has_images():
            unused.append(holder)
            continue
        loose.append(_class_holder(holder))
        owners[splits[holder.name]].append(holder.name)
        for each in classes:
            parts[splits[holder.name]].setdefault(each.name, []).append(each)
    for split, names in owners.items():
        if len(names) > 1 and all(map(split_of, names)):
            both = " and ".join(map(printable, names))
            raise DataError(f"{shown}: {both} are both the {split} split: keep one of them")
    names = [printable(name) for split in SPLITS for name in owners.get(split, ())]
    told = f"folders {', '.join(names)}" if len(names) > 1 else f"folder {names[0] if names else ''}"
    return Layout(dict(parts), told, unused, loose)


def _splits_in_classes(folder: Folder, inner: Sequence[Folder], shown: str) -> Layout | None:
    """Read class folders that hold split folders (`cat/train`, `cat/test`); None if they do not."""
    below = {each.name: splits_of_names([sub.name for sub in each.folders()]) for each in inner if each.has_images()}
    if len(below) < 2 or not any(len(set(splits.values())) > 1 for splits in below.values()):
        return None
    parts: dict[str, dict[str, list[Folder]]] = defaultdict(lambda: defaultdict(list))
    told: set[str] = set()
    for each in inner:
        splits = below.get(each.name, {})
        stray = [sub.name for sub in each.folders() if sub.name not in splits and sub.has_images()]
        if stray or each.loose_images() or not splits:
            what = f"folder {listed(stray)}" if stray else "images outside of them"
            raise DoubtfulLayoutError(
                f"{shown}: some folders hold splits (such as {next(name for name, s in below.items() if s)}/"
                f"{next(iter(next(s for s in below.values() if s)))}), but '{printable(each.name)}' has {what}: move "
                "them, or give --folders classes to ignore the splits"
            )
        for sub in each.folders():
            if sub.name in splits:
                parts[splits[sub.name]][each.name].append(sub)
                told.add(sub.name)
    order = [name for split in SPLITS for name in sorted(told) if splits_of_names([*told]).get(name) == split]
    found = {name: dict(classes) for name, classes in parts.items()}
    return Layout(found, f"folders {', '.join(order)} in each class", loose=[folder])


def _class_holder(holder: Folder) -> Folder:
    """Return the folder that holds the class folders of a split: the split's own, or its only one (`train/images/`)."""
    filled = [each for each in holder.folders() if each.has_images()]
    if len(filled) == 1 and _is_container(filled[0], holder) and filled[0].folders():
        return filled[0]
    return holder


def _holds_itself(folder: Folder) -> bool:
    return any(inner.name == folder.name for inner in folder.folders())


def _class_folders(holder: Folder) -> list[Folder]:
    """Return the class folders of a split folder; none if its images lie in it or in a container such as `images/`."""
    inside = _class_holder(holder)
    filled = [each for each in inside.folders() if each.has_images()]
    if len(filled) == 1 and _is_container(filled[0], inside):
        return []
    return inside.folders()


def _is_container(folder: Folder, holder: Folder) -> bool:
    """Whether a folder holds what belongs to the folder around it: `images/`, or one of the same name."""
    return folder.name.lower() in CONTAINERS or folder.name == holder.name


def _shared_subfolders(folders: Sequence[Folder]) -> list[str]:
    """Return the names of subfolders that all folders with images share, if they are most of what each holds."""
    below = [{sub.name for sub in data_folders(each) if sub.has_images()} for each in folders if each.has_images()]
    if len(below) < 2 or not all(below):
        return []
    shared = set.intersection(*below)
    return sorted(shared) if all(2 * len(shared) > len(names) for names in below) else []


def _warn_about_loose_images(folder: Folder, used: Set[ImageItem], shown: str) -> None:
    """Warn about the images that lie directly in a folder, but for those that are used."""
    if count := sum(has_image_suffix(name) and item not in used for name, item in folder.files().items()):
        where = f"{shown}/{printable(folder.path)}" if folder.path else shown
        warn("loose-images", where, f"{count:,} images lie outside the class folders and are not used")
