"""The files of a folder: links, loops, ignored files and names of any kind."""

from __future__ import annotations

from convscope.data import load_data
from convscope.data.sources.file_tree import image_files
from convscope.data.split import redivide, split_table

from .. import hostile
from ..hostile import small, write
from ..sets import class_by_name, make_folders


def test_links_are_followed_out_of_the_folder_and_never_in_a_loop(tmp_path, load, caplog):
    pool = make_folders(tmp_path / "pool", {"more": 2, "single": 2}, start=500)
    root = make_folders(tmp_path / "set", {"a": 2, "b": 2})
    (root / "a/more").symlink_to(pool / "more")
    (root / "a/more again").symlink_to(pool / "more")
    (pool / "more/up").symlink_to("..")
    (root / "b/one.png").symlink_to(pool / "single/000.png")
    (root / "b/one again.png").symlink_to(pool / "single/000.png")
    (root / "a/same.png").symlink_to("000.png")  # to another file of its class
    (root / "a/up").symlink_to("..")
    (root / "b/self").symlink_to(".")
    (root / "b/across").symlink_to("../a")
    (root / "all").symlink_to(".")
    (root / "ring1").symlink_to("ring2")
    (root / "ring2").symlink_to("ring1")
    data, _ = load(root)
    own = [f"{c}/{i:03d}.png" for c in "ab" for i in range(2)]
    followed = ["a/more/000.png", "a/more/001.png", "b/one again.png"]
    assert class_by_name(data, "all") == {name: name[0] for name in own + followed}
    assert "3 links lead out of the folder" in caplog.text
    assert caplog.text.count("b/across: link to a folder of the same data set, not followed") == 1
    assert caplog.text.count("not followed") == 1
    assert len(image_files(root)) == 7


def test_a_folder_that_is_itself_a_link_and_one_of_many_levels(tmp_path, load, caplog):
    root = make_folders(tmp_path / "set", {"a": 2, "b": 2})
    deep = root / "b"
    for _ in range(300):
        deep = deep / "d"
    write(deep / "x.png", small(900))
    (tmp_path / "link").symlink_to(root)
    data, _ = load(tmp_path / "link")
    assert len(data.split("all")) == 5 and "link" not in caplog.text.replace(str(tmp_path), "")


def test_ignored_files_and_any_name(tmp_path, load, caplog):
    root = make_folders(tmp_path, {"a b": 3, "c\nd": 3})
    for i, name in enumerate(hostile.NAMES):
        write(root / "a b" / name, small(100 + i))
    for name in hostile.IGNORED:
        write(root / "a b" / name, small(1000))
        write(root / name, small(1000))
    data, parts = load(root)
    assert set(class_by_name(data, "all")) == {
        *(f"{folder}/{i:03d}.png" for folder in ("a b", "c\nd") for i in range(3)),
        *(f"a b/{name}" for name in hostile.NAMES),
    }
    assert not any(part.skipped for part in parts.values()) and caplog.text == ""
    again = redivide(load_data(root), split_table(data))
    assert {k: v.names for k, v in again.splits.items()} == {k: v.names for k, v in data.splits.items()}
    assert all(again.splits[k].labels.tolist() == v.labels.tolist() for k, v in data.splits.items())
