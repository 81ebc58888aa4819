"""What annotation programs export as JSON, as entries of image and class: COCO, Label Studio, FiftyOne."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import DataError
from .annotations import ADD_LABELS
from .folder import has_image_suffix

# Names of values that describe parts of an image.
BOXES = ("bbox", "bboxes", "boxes", "segmentation", "polygon", "polygons")


def is_coco(document: Mapping[str, Any]) -> bool:
    """Whether a document has COCO's images with annotations and categories."""
    return all(isinstance(document.get(name), list) for name in ("images", "annotations"))


def coco_entries(document: Mapping[str, Any], where: str, note: Callable[[str], None]) -> list[Mapping[str, Any]]:
    """Return each image with the names of its categories, as iNaturalist and Herbarium have them.

    DataError for boxes and outlines. Images without a category are left out, which `note` is told; where others have
    several they are those that have none.
    """
    annotations = _objects(document["annotations"])
    if boxes := next((name for each in annotations for name in BOXES if each.get(name)), None):
        raise DataError(f"{where}: a set for detection, with {boxes} in it, not one class per image: {ADD_LABELS}")
    names = _category_names(_objects(document.get("categories") or []))
    of_image: dict[Any, dict[str, None]] = {}
    for each in annotations:
        if (category := each.get("category_id")) is not None:
            of_image.setdefault(each.get("image_id"), {})[names.get(category, str(category))] = None
    if not of_image:
        raise DataError(f"{where}: no image has a category_id: {ADD_LABELS}")
    multi = any(len(labels) > 1 for labels in of_image.values())
    entries: list[Mapping[str, Any]] = []
    left_out = 0
    for image in _objects(document["images"]):
        labels = list(of_image.get(image.get("id", image.get("image_id")), ()))
        if labels or multi:
            path = image.get("file_name") or image.get("filename") or ""
            entries.append({"file_name": path, "category": labels if multi else labels[0]})
        else:
            left_out += 1
    if left_out:
        several = f"{left_out:,} images have no category and are not used"
        note("1 image has no category and is not used" if left_out == 1 else several)
    return entries


def _category_names(categories: Sequence[Mapping[str, Any]]) -> dict[Any, str]:
    """Return the name of each category, with its number behind it where two have the same name."""
    names = {
        each.get("id", each.get("category_id")): str(each.get("name") or each.get("scientificName") or each.get("id"))
        for each in categories
    }
    uses = Counter(names.values())
    return {number: name if uses[name] == 1 else f"{name} ({number})" for number, name in names.items()}


def is_label_studio(entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether entries are tasks of Label Studio with their annotations."""
    return all(isinstance(each.get("data"), dict) and "annotations" in each for each in entries)


def label_studio_entries(
    tasks: Sequence[Mapping[str, Any]], where: str, note: Callable[[str], None]
) -> list[Mapping[str, Any]]:
    """Return an entry per annotation of a task, with its choices; a task that several people annotated has several.

    DataError if there are only boxes and outlines. Tasks without a choice are left out, which `note` is told.
    """
    entries: list[Mapping[str, Any]] = []
    kinds: set[str] = set()
    left_out = 0
    for task in tasks:
        found = 0
        for annotation in _objects(task["annotations"]):
            results = [] if annotation.get("was_cancelled") else _objects(annotation.get("result") or [])
            kinds |= {str(each.get("type")) for each in results}
            chosen = [each for each in results if each.get("type") == "choices"]
            if chosen:
                entries.append(_task_entry(task["data"], chosen))
                found += 1
        left_out += not found
    if not entries:
        if any(kind.endswith("labels") for kind in kinds):
            what = "a set for detection, with boxes or outlines"
            raise DataError(f"{where}: {what}, not one class per image: {ADD_LABELS}")
        raise DataError(f"{where}: no task has a choice for its image")
    if left_out:
        several = f"{left_out:,} tasks have no choice and are not used"
        note("1 task has no choice and is not used" if left_out == 1 else several)
    return entries


def _task_entry(data: Mapping[str, Any], chosen: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    texts = [value for value in data.values() if isinstance(value, str)]
    image = next((text for text in texts if has_image_suffix(text)), texts[0] if texts else "")
    names = dict.fromkeys(str(each.get("from_name")) for each in chosen)
    entry: dict[str, Any] = {"image": image}
    for each in chosen:
        name = str(each.get("from_name")) if len(names) > 1 else "choice"
        choices = (each.get("value") or {}).get("choices") or []
        entry[name] = choices if len(choices) != 1 else choices[0]
    return entry | {name: value for name, value in data.items() if value != image and name not in entry}


def named_classes(labels: Mapping[str, Any], names: Sequence[Any]) -> dict[str, Any]:
    """Return FiftyOne's labels by image with the names of the classes instead of their numbers."""

    def name(value: Any) -> Any:
        if isinstance(value, list):
            return [name(each) for each in value]
        known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names)
        return str(names[value]) if known else value

    return {image: name(value) for image, value in labels.items()}


def _objects(values: Any) -> list[Mapping[str, Any]]:
    return [each for each in values if isinstance(each, dict)]
