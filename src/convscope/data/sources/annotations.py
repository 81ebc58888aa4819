"""Folders and files beside the images that describe boxes or outlines in them: they are no classes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ...errors import printable
from ...problems import listed, warn
from .archive_folder import is_archive_name
from .folder import File, Folder, has_image_suffix
from .split_names import split_of

ANNOTATIONS = frozenset(
    {"annotation", "annotations", "annot", "annots", "labels", "label", "xml", "xmls", "bboxes", "lists"}
)
IMAGES = frozenset({"images", "image", "imgs", "img", "jpegimages"})
MASKS = frozenset(
    {"masks", "mask", "groundtruth", "ground_truth", "gt", "segmentation", "segmentations", "segmentationclass"}
)
# Names of masks that are never those of classes.
OUTLINES = MASKS - {"masks", "mask", "gt"}
# A mask beside its image: `1_mask.png` beside `1.png`.
MASK = re.compile(r"(.+?)[-_ ](?:masks?|seg|segmentation|gt|groundtruth)(?:[-_ ]?\d+)?$", re.IGNORECASE)
# What describes boxes in the image whose name it has: YOLO's text, Pascal VOC's XML, labelme's JSON.
BESIDE = (".txt", ".xml", ".json")
ADD_LABELS = "put the images into one folder per class, or add a table (.csv) with the columns path and label"


def is_annotations(folder: Folder) -> bool:
    """Whether a folder is called as those of annotations are, and holds files but no image."""
    return folder.name.lower() in ANNOTATIONS and not folder.has_images() and _holds_files(folder)


def data_folders(folder: Folder) -> list[Folder]:
    """Return the folders in a folder that may be classes, splits or hold the images of the set.

    Left out are annotations; masks and the like beside `images/`, though they are images as well; and where only one
    folder holds images, those with other files.
    """
    inner = [each for each in folder.folders() if not is_annotations(each)]
    inner = [each for each in inner if not (each.name.lower() in OUTLINES and _mirrors(each, inner))]
    filled = [each for each in inner if each.has_images()]
    if any(each.name.lower() in IMAGES for each in filled):
        beside = [each for each in filled if each.name.lower() in MASKS | ANNOTATIONS]
        inner = [each for each in inner if each not in beside]
        filled = [each for each in filled if each not in beside]
    return filled if len(filled) == 1 and all(each in filled or _holds_files(each) for each in inner) else inner


def _mirrors(folder: Folder, others: Sequence[Folder]) -> bool:
    """Whether a folder has the same folders of images as lie in others, as CUB-200's `segmentations/` has."""
    ends = [{path.rpartition(".")[0].split("/", path.count("/") - 1)[-1] for path, _ in each.images()}
            for each in (folder, *others) if each is folder or each.name.lower() not in OUTLINES]  # fmt: skip
    return bool(ends[0]) and ends[0] <= set().union(*ends[1:]) and all("/" in end for end in ends[0])


def data_images(folder: Folder) -> list[tuple[str, File]]:
    """Return the images of the set in a folder, without masks: those in folders of their own, or `1_mask.png`."""
    kept = {each.path for each in data_folders(folder)}
    left_out = tuple(f"{each.path}/" for each in folder.folders() if each.path not in kept)
    images = [(path, item) for path, item in folder.images() if not path.startswith(left_out)]
    called = [(path, found[1]) for path, _ in images if (found := MASK.match(os.path.splitext(path)[0]))]  # noqa: PTH122
    stems = {os.path.splitext(path)[0] for path, _ in images} if called else set()  # noqa: PTH122
    masks = {path for path, stem in called if stem in stems}
    return [(path, item) for path, item in images if path not in masks]


def warn_about_masks(folder: Folder, used: int) -> None:
    """Warn about the masks in a folder of which `used` images are data."""
    if count := len(folder.images()) - used:
        warn("masks", folder.path, f"{count:,} masks lie beside the images and are not used")


def reason_without_labels(folder: Folder) -> str | None:
    """Return why a folder has no class per image although it looks like a data set; None for all others.

    Sets for detection have boxes (COCO's JSON, YOLO's `labels/`, Pascal VOC's `Annotations/`, or a file beside each
    image), those for segmentation masks, and some sets lie there as archives that nobody has unpacked.
    """
    inner = folder.folders()
    coco = [name for each in [folder, *inner] for name in each.files() if _is_coco(name)]
    plain = [each for each in inner if each.name.lower() in IMAGES and each.has_images() and _is_plain(each)]
    beside = [each.name for each in inner if is_annotations(each)]
    filled = [each for each in inner if each.has_images()]
    classes = [each for each in filled if each not in plain and not (split_of(each.name) and not each.folders())]
    holders = [each for each in filled if split_of(each.name)] or [folder]
    if masks := _masks(holders):
        return (
            f"a set for segmentation, with {listed(masks, 2)} beside the images, not one class per image: {ADD_LABELS}"
        )
    if not classes and (coco or (plain and beside)):
        what = listed(list(dict.fromkeys(coco or beside)), 2)
        return f"a set for detection, with boxes in {what}, not one class per image: {ADD_LABELS}"
    if boxes := _boxes(holders) or _boxes([sub for each in holders for sub in each.folders()], IMAGES):
        return f"a set for detection, with boxes in {boxes}, not one class per image: {ADD_LABELS}"
    return _reason_with_archives(folder)


def _reason_with_archives(folder: Folder) -> str | None:
    """Return what to do with archives that nobody has unpacked; None where there is none, or images are."""
    archives = sorted((name for name in folder.files() if is_archive_name(name)), key=lambda name: "train" not in name)
    if not archives or folder.has_images():
        return None
    held = f"it holds archives ({listed(archives, 3)})"
    if table := next((name for name in folder.files() if name.lower().endswith((".csv", ".tsv"))), None):
        return f"{held}, whose labels {printable(table)} may have: unpack them beside it"
    return f"{held}: unpack them, or give one of them as DATA ({printable(archives[0])})"


def _masks(holders: Sequence[Folder]) -> list[str]:
    """Return the folders of masks if the holders have nothing but those and the images that they belong to."""
    filled = [[each for each in holder.folders() if each.has_images()] for holder in holders]
    names = [{each.name.lower() for each in inner} for inner in filled]
    plain = all(_is_plain(each) for inner in filled for each in inner if each.name.lower() in IMAGES)
    masks = MASKS | ANNOTATIONS
    if plain and all(found & IMAGES and found & masks and found <= IMAGES | masks for found in names):
        return sorted(set().union(*names) & masks)
    return []


def _is_plain(folder: Folder) -> bool:
    """Whether a folder of images names no class: it has no folders, or those of splits (`images/train/`)."""
    return all(split_of(sub.name) for sub in folder.folders() if sub.has_images())


def _boxes(holders: Sequence[Folder], called: frozenset[str] | None = None) -> str:
    """Return where the boxes are if each holder has images, and files or a folder of annotations for them.

    Those whose names are not among `called` may be classes, and so may the folders in a holder.
    """
    filled = [holder for holder in holders if holder.has_images()]
    inside = [each for holder in filled for each in holder.folders() if each.has_images()]
    if any(each.name.lower() not in IMAGES or each.folders() for each in inside):
        return ""
    if called is not None and any(each.name.lower() not in called for each in filled):
        return ""
    kinds = [_kind_of_boxes(holder) for holder in filled]
    return kinds[0] if kinds and all(kinds) else ""


def _kind_of_boxes(holder: Folder) -> str:
    """Return the annotations of a folder of images: a folder's name, or the suffix of the files beside the images."""
    if named := [each.name for each in holder.folders() if is_annotations(each)]:
        return listed(named, 2)
    stems: dict[str, set[str]] = {}
    for name in holder.files():
        stem, suffix = os.path.splitext(name)  # noqa: PTH122
        stems.setdefault(stem, set()).add("image" if has_image_suffix(name) else suffix.lower())
    both = [kinds for kinds in stems.values() if "image" in kinds and kinds & set(BESIDE)]
    return f"the {min(both[0] & set(BESIDE))} files" if both else ""


def _is_coco(name: str) -> bool:
    return name.lower().endswith((".coco.json", "annotations.json")) or name.lower().startswith("instances_")


def _holds_files(folder: Folder) -> bool:
    return bool(folder.files()) or any(map(_holds_files, folder.folders()))
