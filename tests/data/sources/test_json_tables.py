"""Labels in JSON: what people write by hand, what programs export, and what is no table of classes."""

from __future__ import annotations

import json

import pytest

from convscope.data import load_data
from convscope.errors import DataError
from convscope.problems import collect_problems

from ..hostile import small, write
from ..sets import class_by_name

NAMES = [f"{i}.png" for i in range(6)]
LABELS = ["cat", "dog"] * 3
EXPECTED = {f"images/{name}": label for name, label in zip(NAMES, LABELS, strict=True)}
PAIRS = list(EXPECTED.items())
CATEGORIES = [{"id": 7, "name": "cat"}, {"id": 9, "name": "dog"}]
IMAGES = [{"id": i, "file_name": f"images/{name}"} for i, name in enumerate(NAMES)]


def choice(*labels: str, kind: str = "choices") -> dict[str, object]:
    return {"from_name": "animal", "to_name": "image", "type": kind, "value": {kind: list(labels)}}


def task(name: str, *annotations: dict[str, object]) -> dict[str, object]:
    return {"id": 1, "data": {"image": f"/data/upload/1/0badcafe-{name}"}, "annotations": list(annotations)}


TASKS = [task(name, {"result": [choice(label)]}) for name, label in zip(NAMES, LABELS, strict=True)]
FORMS = {
    "objects": [{"image": path, "label": label} for path, label in PAIRS],
    "objects below a name": {"version": 1, "data": [{"file": path, "class": label} for path, label in PAIRS]},
    "labels by image": dict(PAIRS),
    "labels by image without suffix": {path.removesuffix(".png"): label for path, label in PAIRS},
    "images by label": {name: [path for path, label in PAIRS if label == name] for name in ("cat", "dog")},
    "objects by image": {path: {"label": label, "size": 3} for path, label in PAIRS},
    "pairs": {"labels": PAIRS},
    "numbers and names": [[path, LABELS.index(label), label] for path, label in PAIRS],
    "columns": {"path": {str(i): p for i, (p, _) in enumerate(PAIRS)},
                "label": {str(i): c for i, (_, c) in enumerate(PAIRS)}},
    "pandas": {"columns": ["path", "label"], "index": [*range(6)], "data": PAIRS},
    "coco": {"images": IMAGES, "categories": CATEGORIES, "annotations": [
        {"image_id": i, "category_id": 7 + 2 * (i % 2), "bbox": []} for i in range(6)]},
    "label studio": TASKS,
    "label studio, short": [{"image": f"/data/upload/1/0badcafe-{n}", "id": i, "choice": c, "annotator": 1}
                            for i, (n, c) in enumerate(zip(NAMES, LABELS, strict=True))],
    "fiftyone": {"classes": ["cat", "dog"], "labels": {f"images/{i}": i % 2 for i in range(6)}},
    "vgg annotator": {"_via_settings": {}, "_via_img_metadata": {
        f"{path}123": {"filename": path, "size": 123, "regions": [], "file_attributes": {"class": label}}
        for path, label in PAIRS}},
}  # fmt: skip


def put(root, document, name: str = "labels.json"):
    for i, image in enumerate(NAMES):
        write(root / "images" / image, small(i + 1))
    (root / name).write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return root


def short(found: dict[str, str]) -> dict[str, str]:
    return {f"images/{name.rpartition('/')[2].removesuffix('.png')}.png": label for name, label in found.items()}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_classes(tmp_path, form):
    data = load_data(put(tmp_path, FORMS[form]))
    assert short(class_by_name(data, "all")) == EXPECTED and not data.multi_label
    assert "labels.json" in data.origin.classes


def test_lines_of_objects_may_be_called_json(tmp_path):
    lines = "\n".join(json.dumps(entry) for entry in FORMS["objects"])
    assert class_by_name(load_data(put(tmp_path, lines) / "labels.json"), "all") == EXPECTED


def test_a_part_for_each_split(tmp_path):
    """As in the divisions that CoOp publishes."""
    rows = FORMS["numbers and names"]
    data = load_data(put(tmp_path, {"train": rows[:2], "val": rows[2:4], "test": rows[4:]}, "split_pets.json"))
    assert {name: set(part.names) for name, part in data.splits.items()} == {
        name: {path for path, *_ in part}
        for name, part in (("train", rows[:2]), ("val", rows[2:4]), ("test", rows[4:]))
    }


def test_a_document_for_each_split(tmp_path):
    coco = FORMS["coco"]
    put(tmp_path, {**coco, "images": IMAGES[:4]}, "train2019.json")
    (tmp_path / "val2019.json").write_text(json.dumps({**coco, "images": IMAGES[4:]}))
    data = load_data(tmp_path)
    assert len(data.splits["val"]) == 2 and data.class_names == ["cat", "dog"]


SEVERAL = {
    "coco": {**FORMS["coco"], "annotations": [{"image_id": i, "category_id": c} for i, c in
                                              ((0, 7), (0, 9), (1, 9), (2, 7), (3, 9), (4, 7))]},
    "label studio": [task(NAMES[i], {"result": [choice(*labels)]}) for i, labels in
                     enumerate((("cat", "dog"), ("dog",), ("cat",), ("dog",), ("cat",)))] + [
                         task(NAMES[5], {"result": [choice()]})],
    "label studio, short": [{"image": f"images/{name}", "choice": c} for name, c in zip(
        NAMES, ({"choices": ["cat", "dog"]}, "dog", "cat", "dog", "cat", None), strict=True)],
    "lists": dict(zip(EXPECTED, (["cat", "dog"], ["dog"], ["cat"], ["dog"], ["cat"], []), strict=True)),
}  # fmt: skip


@pytest.mark.parametrize("form", SEVERAL)
def test_several_labels_per_image(tmp_path, form):
    data = load_data(put(tmp_path, SEVERAL[form]))
    part = data.split("all")
    found = {
        name.rpartition("/")[2].removeprefix("0badcafe-"): row.tolist()
        for name, row in zip(part.names, part.labels, strict=True)
    }
    assert data.multi_label and data.class_names == ["cat", "dog"]
    assert [found[name] for name in NAMES] == [[1, 1], [0, 1], [1, 0], [0, 1], [1, 0], [0, 0]]


REFUSED = {
    "boxes of coco": ({**FORMS["coco"], "annotations": [{"image_id": 0, "category_id": 7, "bbox": [1, 2, 3, 4]}]},
                      "a set for detection, with bbox in it, not one class per image: put the images into"),
    "boxes of label studio": ([task("0.png", {"result": [choice("cat", kind="rectanglelabels")]})],
                              "a set for detection, with boxes or outlines, not one class"),
    "lists of boxes": ({path: {"label": "cat", "boxes": [[1, 2, 3, 4]]} for path in EXPECTED},
                       r"has boxes or outlines \(boxes\)"),
    "images of splits": ({"train": ["images/0.png"], "test": ["images/1.png"]}, "names the images of each split but"),
    "another form": ({"a": {"b": 1}, "c": [1]}, "JSON of a form that is not read as a table: save it as a list of"),
    "no json": ("{\"images/0.png\": ", "labels.json: no JSON"),
    "nested too deep": ("[" * 100_000, "labels.json: no JSON"),
    "no label": ('[\n{"image": "images/0.png", "label": "cat"},\n{"image": "images/1.png", "label": null},\n'
                 '{"image": "images/2.png", "label": "dog"}\n]', "labels.json: line 3 has no label"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_gives_no_class_is_one_line(tmp_path, case):
    document, message = REFUSED[case]
    root = put(tmp_path, document)
    for given in (root, root / "labels.json"):
        with pytest.raises(DataError, match=message) as raised:
            load_data(given)
        assert "\n" not in str(raised.value)


def test_what_was_left_out_is_said_once(tmp_path):
    with collect_problems() as problems:
        data = load_data(
            put(tmp_path, [*TASKS[:5], task(NAMES[5], {"was_cancelled": True, "result": [choice("cat")]})])
        )
    assert len(data.split("all")) == 5
    assert [p.message for p in problems if p.kind == "left-out"] == ["1 task has no choice and is not used"]


def test_documents_beside_class_folders_that_are_no_labels(tmp_path):
    for name in ("cat", "dog"):
        for i in range(3):
            write(tmp_path / name / f"{i}.png", small(i + (name == "dog") * 9))
    (tmp_path / "class_to_idx.json").write_text('{"cat": 0, "dog": 1}')
    (tmp_path / "dataset-metadata.json").write_text('{"title": "pets", "licenses": [{"name": "CC0"}]}')
    with collect_problems() as problems:
        assert load_data(tmp_path).origin.classes.startswith("folder names")
    assert not [p for p in problems if p.kind != "one-image"]


def test_an_image_with_two_labels_in_one_document_is_named(tmp_path):
    entries = [f"{json.dumps(path)}: {json.dumps(label)}" for path, label in PAIRS]
    same = put(tmp_path, "{" + ", ".join([*entries, entries[0]]) + "}")  # twice the same is no question
    assert class_by_name(load_data(same), "all") == EXPECTED
    other = put(tmp_path, "{" + ", ".join([*entries, '"images/0.png": "dog"']) + "}")
    with pytest.raises(DataError, match=r"labels.json: 'images/0.png' has two values: keep the right one"):
        load_data(other / "labels.json")
