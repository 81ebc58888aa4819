"""Folders and files beside the images that describe boxes or outlines in them: they are no classes."""

from __future__ import annotations

from ...errors import printable
from ...problems import listed
from .archive_folder import is_archive_name
from .folder import Folder
from .split_names import split_of

ANNOTATIONS = frozenset(
    {"annotation", "annotations", "annot", "annots", "labels", "label", "xml", "xmls", "bboxes", "lists"}
)
IMAGES = frozenset({"images", "image", "imgs", "img", "jpegimages"})


def is_annotations(folder: Folder) -> bool:
    """Whether a folder is called as those of annotations are, and holds files but no image."""
    return folder.name.lower() in ANNOTATIONS and not folder.has_images() and _holds_files(folder)


def reason_without_labels(folder: Folder) -> str | None:
    """Return why a folder has no class per image although it looks like a data set; None for all others.

    Sets for detection have boxes (COCO's JSON, YOLO's `labels/`, Pascal VOC's `Annotations/`), and some sets lie there
    as archives that nobody has unpacked.
    """
    inner = folder.folders()
    coco = [name for each in [folder, *inner] for name in each.files() if _is_coco(name)]
    images = [each for each in inner if each.name.lower() in IMAGES and each.has_images()]
    # `images/train/`, `images/val/`, or images without folders: the folders name no class.
    plain = [each for each in images if all(split_of(sub.name) for sub in each.folders() if sub.has_images())]
    beside = [each.name for each in inner if is_annotations(each)]
    filled = [each for each in inner if each.has_images()]
    classes = [each for each in filled if each not in plain and not (split_of(each.name) and not each.folders())]
    if not classes and (coco or (plain and beside)):
        what = listed(list(dict.fromkeys(coco or beside)), 2)
        return (
            f"a set for detection, with boxes in {what}, not one class per image: put the images into one folder per "
            "class, or add a table (.csv) with the columns path and label"
        )
    archives = [name for name in folder.files() if is_archive_name(name)]
    if archives and not folder.has_images():
        example = printable(archives[0])
        return f"it holds archives ({listed(archives, 3)}): unpack them, or give one of them as DATA ({example})"
    return None


def _is_coco(name: str) -> bool:
    return name.lower().endswith((".coco.json", "annotations.json")) or name.lower().startswith("instances_")


def _holds_files(folder: Folder) -> bool:
    return bool(folder.files()) or any(map(_holds_files, folder.folders()))
