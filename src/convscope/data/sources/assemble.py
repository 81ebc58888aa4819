"""Build a `Data` from images by split and class, with the checks that every source of labelled images goes through."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ...errors import DataError, printable
from ...problems import listed, warn
from ..image_file import ImageItem, is_gray
from ..kind import decide_kind
from ..split import SPLITS, Data, Split, divide, held_out_share, hold_out

# Images by class: each with its name.
Classes = Mapping[str, Sequence[tuple[str, ImageItem]]]
# A class with this many times as many images as another is warned about.
IMBALANCE = 20
# Letters of other alphabets that look like Latin ones.
TWINS = str.maketrans("АВЕКМНОРСТХаеорсухіјΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEKMHOPCTXaeopcyxijABEZHIKMNOPTYXo")
# Images whose headers decide whether a data set is gray.
GRAY_SAMPLE = 64


def assemble(shown: str, parts: Mapping[str, Classes]) -> Data:
    """Build a data set, called `shown` in messages, from its splits; one that has only `train` is divided.

    Raises DataError if there are no images. What keeps a classifier from being trained is noted as `untrainable`: no
    training images, one class, a class without a training image. Warns about what is unusual.
    """
    ordered = {name: parts[name] for name in SPLITS if name in parts}
    parts = {name: classes for name, classes in ordered.items() if name == "train" or _has_images(shown, name, classes)}
    if not any(map(_count, parts.values())):
        raise DataError(f"{shown}: no images found: put them into one folder per class, such as {shown}/cat/1.jpg")
    class_names = sorted_class_names(parts.get("train", {}))
    counts = {name: [len(classes.get(label, ())) for label in class_names] for name, classes in parts.items()}
    untrainable = reason_untrainable(shown, class_names, counts.get("train", []), parts)
    if untrainable:
        parts = {name: classes for name, classes in parts.items() if _count(classes)}
        class_names = sorted_class_names({label for part in parts.values() for label in part if part[label]})
    else:
        warn_about_counts(shown, class_names, counts)
    splits = {name: _as_split(classes, class_names) for name, classes in parts.items()}
    data = Data(shown, class_names, splits, untrainable=untrainable)
    data.channels = 1 if _is_gray(next(iter(splits.values()))) else 3
    decide_kind(data)
    divide_data(data)
    return data


# Images with several labels each: name, image, labels.
LabelledImages = Sequence[tuple[str, ImageItem, tuple[str, ...]]]


def assemble_multi_label(shown: str, parts: Mapping[str, LabelledImages], class_names: Sequence[str] = ()) -> Data:
    """Build a data set whose images have several labels or none; `class_names` fixes the order of the labels.

    Raises DataError if there is no image. What keeps a classifier from being trained is noted as `untrainable`: no
    label, a label without a training image, one on every training image.
    """
    parts = {name: parts[name] for name in SPLITS if parts.get(name)}
    if not parts:
        raise DataError(f"{shown}: no labelled images found")
    used = {split: {label for _, _, labels in images for label in labels} for split, images in parts.items()}
    untrainable = _untrainable_labels(shown, used, class_names)
    names = [*class_names] or sorted_class_names(used.get("train", ()))
    names += sorted_class_names(set().union(*used.values()) - set(names))
    splits = {name: _marked(images, names) for name, images in parts.items()}
    data = Data(shown, names, splits, multi_label=True, untrainable=untrainable)
    if not untrainable and (everywhere := [names[i] for i in np.flatnonzero(splits["train"].labels.all(0))]):
        data.untrainable = f"{shown}: every training image has the label {listed(everywhere)}: add images without it"
    data.channels = 1 if _is_gray(next(iter(splits.values()))) else 3
    divide_data(data)
    return data


def _untrainable_labels(shown: str, used: Mapping[str, set[str]], class_names: Sequence[str]) -> str:
    """Return why no classifier can be trained on images whose splits have the labels `used`, or an empty text."""
    train = used.get("train")
    if not train:
        return f"{shown}: no labelled training images found"
    if without := [name for name in class_names if name not in train]:
        return f"{shown}: label '{printable(without[0])}' has no training image: add some or remove the label"
    for split, labels in used.items():
        if extra := sorted_class_names(labels - {*(class_names or train)}):
            return f"{shown}: label '{printable(extra[0])}' is in {split} but not in train: add training images"
    return ""


def _marked(images: LabelledImages, names: Sequence[str]) -> Split:
    index = {name: i for i, name in enumerate(names)}
    marks = np.zeros((len(images), len(names)), dtype=np.uint8)
    for row, (_, _, labels) in enumerate(images):
        marks[row, [index[label] for label in labels]] = 1
    return Split([item for _, item, _ in images], marks, [name for name, _, _ in images])


def divide_data(data: Data) -> None:
    """Divide a data set that has only a training split, or hold validation images out if it has none."""
    if "train" not in data.splits:
        return
    if len(data.splits) == 1:
        data.divided = True
        share = held_out_share(len(data.splits["train"]))
        data.splits = divide(data.splits["train"], share, share)
    elif "val" not in data.splits and not data.untrainable:
        data.splits, data.held_out = hold_out(data.splits), True
        # How many are held out stands where the splits are named: a training may still decide to hold out none.
        warn("no-validation", data.name, "no validation images: some of the training images serve for it by default")


def sorted_class_names(names: Iterable[str]) -> list[str]:
    """Sort class names as all listings have them: alphabetically, or by value if all are numbers."""
    ordered = sorted(names)
    return sorted(ordered, key=int) if all(name.isascii() and name.isdigit() for name in ordered) else ordered


def warn_about_counts(shown: str, class_names: Sequence[str], counts: Mapping[str, Sequence[int]]) -> None:
    """Warn about unusual names and numbers of images; `counts` has by split the number of images of each class."""
    folded = Counter(map(str.casefold, class_names))
    if alike := [label for label in class_names if folded[label.casefold()] > 1]:
        warn("letter-case", shown, f"class names differ only in upper and lower case: {listed(alike)}")
    skeletons = Counter(map(_skeleton, class_names))
    if alike := [label for label in class_names if skeletons[_skeleton(label)] > folded[label.casefold()]]:
        warn("look-alike", shown, f"class names look alike but are spelled with different characters: {listed(alike)}")
    train = counts["train"]
    for label in [label for label, count in zip(class_names, train, strict=True) if count == 1]:
        warn("one-image", shown, f"class '{printable(label)}' has one image: it cannot be validated, add more")
    most, least = int(np.argmax(train)), int(np.argmin(train))
    if train[most] > IMBALANCE * train[least] > 0:
        large, small = (f"'{printable(class_names[i])}'" for i in (most, least))
        warn("imbalance", shown, f"strong imbalance, {train[most]:,} images of {large} and {train[least]:,} of {small}")
    for name, part in counts.items():
        if missing := [label for label, count in zip(class_names, part, strict=True) if not count]:
            warn("missing-class", shown, f"{name} has no image of {listed(missing)}")


def _skeleton(label: str) -> str:
    """Return what a name looks like: without width, accents' spelling, spaces at its ends, Cyrillic and Greek twins."""
    text = unicodedata.normalize("NFKC", label).translate(TWINS)
    if re.fullmatch(r"\d+(\.0*)?", text):
        return str(int(float(text)))  # 1, 01 and 1.0
    return " ".join(text.casefold().split())


def _has_images(shown: str, split: str, classes: Classes) -> bool:
    if any(classes.values()):
        return True
    warn("empty-split", shown, f"{split} has no image of any class and is not used")
    return False


def _count(classes: Classes) -> int:
    return sum(map(len, classes.values()))


def reason_untrainable(
    shown: str, class_names: list[str], train: Sequence[int], parts: Mapping[str, Mapping[str, object]]
) -> str:
    """Return why no classifier can be trained, or an empty text; `train` has the number of images of each class."""
    if not any(train):
        return f"{shown}: no training images found, only {' and '.join(name for name in parts if name != 'train')}"
    if not all(train):
        empty, where = printable(class_names[train.index(0)]), "" if len(parts) == 1 else " in train"
        return f"{shown}: class '{empty}' has no image{where}: add some or remove the class"
    if len(class_names) < 2:
        return f"{shown}: only one class, '{printable(class_names[0])}': a classifier needs at least two"
    for name, classes in parts.items():
        if extra := sorted_class_names(set(classes) - set(class_names)):
            if twin := next((known for known in class_names if known.casefold() == extra[0].casefold()), None):
                both = f"class '{printable(extra[0])}' of {name} and class '{printable(twin)}' of train"
                return f"{shown}: {both} differ only in upper and lower case: give both the same name"
            return (
                f"{shown}: class '{printable(extra[0])}' is in {name} but not in train: "
                "add training images of it or move it away"
            )
    return ""


def _as_split(classes: Classes, class_names: list[str]) -> Split:
    images, labels, names = [], [], []
    for label, name in enumerate(class_names):
        for shown, item in classes.get(name, ()):
            images.append(item)
            labels.append(label)
            names.append(shown)
    return Split(images, np.array(labels, dtype=np.int64), names)


def _is_gray(split: Split) -> bool:
    step = max(len(split.images) // GRAY_SAMPLE, 1)
    # Images that cannot be opened do not count; decoding reports them.
    return {is_gray(item) for item in split.images[::step]} - {None} == {True}
