"""Tables whose paths are those of another machine or of Label Studio: found where what follows the prefix lies here."""

from __future__ import annotations

import pytest

from convscope.data import load_data
from convscope.errors import DataError
from convscope.problems import collect_problems

from ..hostile import small, write
from ..sets import class_by_name


def photos(folder, *names: str) -> None:
    for i, name in enumerate(names):
        write(folder / name, small(i + 1))


@pytest.mark.parametrize("kept", ["0badcafe-", ""], ids=["exported", "original"])
@pytest.mark.parametrize("server", ["", "http://localhost:8080"])
def test_label_studios_uploads(tmp_path, kept, server):
    """Uploads get eight digits before their names; a person may have the files with or without them."""
    names = [f"photo {i}.jpg" for i in range(6)]
    photos(tmp_path / "images", *(f"{kept}{name}" for name in names))
    rows = [
        f"{server}/data/upload/3/0badcafe-{n.replace(' ', '%20')},{'cat' if i % 2 else 'dog'}"
        for i, n in enumerate(names)
    ]
    (tmp_path / "project.csv").write_text("image,choice\n" + "\n".join(rows))
    with collect_problems() as problems:
        data = load_data(tmp_path)
    found = class_by_name(data, "all")
    assert {name.rsplit("/", 1)[-1].removeprefix(kept): label for name, label in found.items()} == {
        name: "cat" if i % 2 else "dog" for i, name in enumerate(names)
    }
    assert [p.message for p in problems if p.kind == "other-paths"] == [
        f"the paths begin with {server}/data/upload/3/, which is not there: what follows it was looked up here"
    ]


def test_label_studios_own_disk(tmp_path):
    photos(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    rows = [f"/data/local-files/?d={path},{label}" for path, label in
            (("a/1.png", "cat"), ("a/2.png", "dog"), ("b/1.png", "dog"), ("b/2.png", "cat"))]  # fmt: skip
    (tmp_path / "labels.csv").write_text("image,choice\n" + "\n".join(rows))
    assert class_by_name(load_data(tmp_path / "labels.csv"), "all") == {
        "a/1.png": "cat", "a/2.png": "dog", "b/1.png": "dog", "b/2.png": "cat"
    }  # fmt: skip


@pytest.mark.parametrize(
    "prefix", ["/content/drive/MyDrive/pets/", "gs://bucket/pets/", "C:\\Users\\me\\pets\\", "~/pets/"]
)
def test_paths_of_another_machine(tmp_path, prefix):
    """In `b/` and `a/` the same names lie: the folders behind the prefix tell them apart."""
    photos(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    rows = [f"{prefix}{path},{label}" for path, label in
            (("a/1.png", "cat"), ("a/2.png", "dog"), ("b/1.png", "dog"), ("b/2.png", "cat"))]  # fmt: skip
    text = "\n".join(rows)
    (tmp_path / "labels.csv").write_text("path,label\n" + (text.replace("/", "\\") if "\\" in prefix else text))
    with collect_problems() as problems:
        found = class_by_name(load_data(tmp_path), "all")
    assert {name.replace("\\", "/"): label for name, label in found.items()} == {
        "a/1.png": "cat", "a/2.png": "dog", "b/1.png": "dog", "b/2.png": "cat"
    }  # fmt: skip
    assert any("the paths begin with" in p.message for p in problems)


def test_a_path_with_another_beginning_is_missing(tmp_path):
    """Two beginnings may be two sets: the first that is found decides what is left out of all of them."""
    photos(tmp_path, "1.png", "2.png", "3.png")
    (tmp_path / "labels.csv").write_text("path,label\n/old/1.png,cat\n/old/2.png,dog\n/new/3.png,cat\n")
    with pytest.raises(DataError, match=r"line 4: there is no file '/new/3\.png'"):
        load_data(tmp_path)
