"""Folders and files beside the images that describe boxes or outlines in them: they are no classes."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ...errors import printable
from ...problems import listed
from .archive_folder import is_archive_name
from .folder import Folder, has_image_suffix
from .split_names import split_of

ANNOTATIONS = frozenset(
    {"annotation", "annotations", "annot", "annots", "labels", "label", "xml", "xmls", "bboxes", "lists"}
)
IMAGES = frozenset({"images", "image", "imgs", "img", "jpegimages"})
MASKS = frozenset(
    {"masks", "mask", "groundtruth", "ground_truth", "gt", "segmentation", "segmentations", "segmentationclass"}
)
# What describes boxes in the image whose name it has: YOLO's text, Pascal VOC's XML, labelme's JSON.
BESIDE = (".txt", ".xml", ".json")
ADD_LABELS = "put the images into one folder per class, or add a table (.csv) with the columns path and label"


def is_annotations(folder: Folder) -> bool:
    """Whether a folder is called as those of annotations are, and holds files but no image."""
    return folder.name.lower() in ANNOTATIONS and not folder.has_images() and _holds_files(folder)


def reason_without_labels(folder: Folder) -> str | None:
    """Return why a folder has no class per image although it looks like a data set; None for all others.

    Sets for detection have boxes (COCO's JSON, YOLO's `labels/`, Pascal VOC's `Annotations/`, or a file beside each
    image), those for segmentation masks, and some sets lie there as archives that nobody has unpacked.
    """
    inner = folder.folders()
    coco = [name for each in [folder, *inner] for name in each.files() if _is_coco(name)]
    images = [each for each in inner if each.name.lower() in IMAGES and each.has_images()]
    # `images/train/`, `images/val/`, or images without folders: the folders name no class.
    plain = [each for each in images if all(split_of(sub.name) for sub in each.folders() if sub.has_images())]
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
    archives = sorted((name for name in folder.files() if is_archive_name(name)), key=lambda name: "train" not in name)
    if archives and not folder.has_images():
        example = printable(archives[0])
        return f"it holds archives ({listed(archives, 3)}): unpack them, or give one of them as DATA ({example})"
    return None


def _masks(holders: Sequence[Folder]) -> list[str]:
    """Return the folders of masks if the holders have nothing but those and the images that they belong to."""
    names = [{each.name.lower() for each in holder.folders() if each.has_images()} for holder in holders]
    if all(found & IMAGES and found & MASKS and found <= IMAGES | MASKS for found in names):
        return sorted(set().union(*names) & MASKS)
    return []


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
