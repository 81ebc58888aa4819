"""Whether folders or tables name the classes of images, where both are there, and what tables add to folders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...errors import DataError, printable
from ...problems import listed, warn
from .annotations import data_images
from .class_folders import Layout
from .folder import File, Folder
from .interpretation import Interpretation
from .split_lists import SplitLists
from .table import TableFile
from .table_columns import DoubtfulLabelError
from .tables_beside_folders import ListedImage, TableLabels, labels_by_image


def class_of_images(layout: Layout, *splits: str) -> dict[File, str]:
    """Return the class that folders give to each image, of all splits or of some."""
    return {
        item: name for split in splits or layout.parts for name, holders in layout.parts.get(split, {}).items()
        for holder in holders for _, item in data_images(holder)
    }  # fmt: skip


def tables_win(
    folder: Folder, layout: Layout, tables: Sequence[TableFile], shown: str, interpretation: Interpretation
) -> bool:
    """Whether tables name the classes although folders could; DataError if both do, and differently.

    Where the folders name them, the splits that tables give to their images, and further images that the tables name,
    are put into the layout.
    """
    by_folder = class_of_images(layout)
    names = listed([table.name for table in tables])
    try:
        known = labels_by_image(folder, tables, interpretation)
    except DoubtfulLabelError as problem:
        # In Imagenette, a table has a column for each share of wrong labels, of which the first are the folders.
        known = _as_folders_say(folder, tables, interpretation, problem, by_folder)
    if known.doubt and not known.names <= {*by_folder.values()}:  # `0.png,cat` may well be `cat/0.png`
        raise DataError(f"{shown}: {known.doubt}; if the names of the folders are the classes, give --folders classes")
    by_table = known.labels
    different = [item for item, labels in by_table.items() if item in by_folder and labels != (by_folder[item],)]
    undivided = not layout.splits or set(layout.parts) == {"train"}
    if different and _are_no_labels(known, by_folder):
        warn("unused-table", shown, f"{names} is not used: the folder names are the classes")
        return False
    names_of = _other_names(by_folder, by_table) if different and interpretation.label_column is None else {}
    if names_of and (layout.splits or all(name.isdigit() for name in names_of)):
        other, name = next(iter(names_of.items()))
        text = (
            f"{names} calls the classes otherwise ({printable(other)} for {printable(name)}): the folder names are used"
        )
        warn("unused-table", shown, text)
        known, different = _renamed(known, names_of), []
    if not different:
        several = len({table.split for table in tables} - {None}) > 1
        if undivided and several and not names_of and set(by_folder) <= set(by_table):
            return True  # the folders have the same classes, but the tables have the splits as well
        unused = _add_to_layout(layout, known, tables)
        for table in () if names_of else unused:
            warn("unused-table", shown, f"{printable(table.name)} is not used: the folder names are the classes")
        return False
    if set(by_folder) <= set(by_table) and undivided and not (known.guessed and _are_names(by_folder)):
        text = f"the classes are those of {names}; the names of the folders are not used"
        warn("unused-folders", shown, text)
        return True
    example = different[0]
    label = printable(", ".join(by_table[example]) or "nothing")
    raise DataError(
        f"{shown}: {printable(example)} is '{printable(by_folder[example])}' by its folder and '{label}' by {names}: "
        "give the table as DATA, or choose the folders with --folders classes or --folders splits"
    )


def _are_names(by_folder: Mapping[File, str]) -> bool:
    """Whether the folders have names as classes have them, not those of numbered parts."""
    return not any(re.search(r"\d", name) for name in by_folder.values())


def _are_no_labels(known: TableLabels, by_folder: Mapping[File, str]) -> bool:
    """Whether tables have another text for each image, or numbers such as an age beside folders that name classes."""
    captions = len(known.labels) == len(known.names) > len({*by_folder.values()})
    return captions or (known.guessed and _are_names(by_folder) and all(name.isdigit() for name in known.names))


def _as_folders_say(
    folder: Folder,
    tables: Sequence[TableFile],
    interpretation: Interpretation,
    problem: DoubtfulLabelError,
    by_folder: Mapping[File, str],
) -> TableLabels:
    """Return what tables say by that column of those in doubt which has the names of the folders; else the error."""
    for column in problem.columns:
        try:
            known = labels_by_image(folder, tables, replace(interpretation, label_column=column))
        except DataError:  # of several tables, another one has no such column
            continue
        inside = {item: labels for item, labels in known.labels.items() if item in by_folder}
        if inside and all(labels == (by_folder[item],) for item, labels in inside.items()):
            return known
    raise DataError(f"{problem}; if the names of the folders are the classes, give --folders classes")


def _add_to_layout(layout: Layout, known: TableLabels, tables: Sequence[TableFile]) -> list[TableFile]:
    """Put into a layout of folders what tables say beyond it, and return those that say nothing more.

    That is another split than train for images that it trains on, and images outside of the class folders of a split
    that has none.
    """
    training, inside = class_of_images(layout, "train"), class_of_images(layout)
    names_splits = {image.split for image in known.images if image.item in training} - {None, "train"}
    divided = [image for image in known.images if image.item in training and image.split] if names_splits else []
    if layout.splits:
        divided = [image for image in divided if image.split != "train"]  # all others of the folder stay
    classes = set(inside.values())
    further: dict[str, list[ListedImage]] = {}
    for image in known.images:
        if image.split is not None and _is_further(image, layout, inside):
            further.setdefault(image.split, []).append(image)
    # Labels of which none is the name of a folder are others than the folders'.
    further = {split: found for split, found in further.items() if any(each.labels[0] in classes for each in found)}
    if divided:
        layout.lists = SplitLists(
            {image.item: image.split or "train" for image in divided}, _tables_of(divided), "table"
        )
    for split, found in further.items():
        _add_split(layout, split, found)
    used = _tables_of([*divided, *(image for found in further.values() for image in found)])
    return [table for table in tables if table.path not in used]


def _is_further(image: ListedImage, layout: Layout, inside: Mapping[File, str]) -> bool:
    return image.item not in inside and image.split not in (None, "train", *layout.parts) and len(image.labels) == 1


def _add_split(layout: Layout, split: str, images: Sequence[ListedImage]) -> None:
    classes: dict[str, list[tuple[str, File]]] = {}
    for image in images:
        classes.setdefault(image.labels[0], []).append((image.name, image.item))
    layout.by_table[split] = classes
    items = {image.item for image in images}
    holders = [each for each in layout.unused if any(item in items for _, item in each.images())]
    layout.unused = [each for each in layout.unused if each not in holders]
    called = listed([each.name for each in holders] or [split])
    told = f"{called} (labels: {listed([path.rpartition('/')[2] for path in _tables_of(images)])})"
    layout.splits = f"{layout.splits}, {told}" if layout.splits else told


def _tables_of(images: Sequence[ListedImage]) -> list[str]:
    return list(dict.fromkeys(image.table.path for image in images))


def _other_names(by_folder: Mapping[File, str], by_table: Mapping[File, tuple[str, ...]]) -> dict[str, str]:
    """Return the class that each label stands for, if each folder with a name of its own has one label and no other."""
    pairs = {(by_folder[item], labels) for item, labels in by_table.items() if item in by_folder}
    folders, others = ({pair[i] for pair in pairs} for i in (0, 1))
    alike = len(pairs) == len(folders) == len(others) == len(set(by_folder.values()))
    named = all(re.search(r"[^\W\d_]", name) for name in by_folder.values())
    if not (alike and named and all(len(labels) == 1 for _, labels in pairs)):
        return {}
    return {labels[0]: name for name, labels in sorted(pairs)}


def _renamed(known: TableLabels, names_of: Mapping[str, str]) -> TableLabels:
    images = [
        replace(image, labels=tuple(names_of.get(label, label) for label in image.labels)) for image in known.images
    ]
    return replace(known, images=images)
