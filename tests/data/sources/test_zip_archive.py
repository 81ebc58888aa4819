"""Zip files are read in place like the folder that they were made from; hostile ones are refused as a whole."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import re
import stat
import struct
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.data import load_data
from convscope.data.image_file import UnreadableImage, fingerprint, is_gray, read_bytes, read_image
from convscope.data.sources.zip_archive import list_zip
from convscope.errors import DataError

from .. import hostile
from ..hostile import small, write
from ..sets import class_by_name, make_folders, zip_files, zip_folder

pytestmark = pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
COUNTS = {"train/a": 4, "train/b": 4, "val/a": 2, "val/b": 2, "test/b": 1}


@pytest.mark.parametrize("below", ["", "photos/", "a/b/photos/"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_is_the_folder_that_it_was_made_from(tmp_path, below, method):
    root = make_folders(tmp_path / "set", COUNTS)
    write(root / "__MACOSX/train/a/._1.png", b"junk")
    write(root / "train/a/.DS_Store", b"junk")
    from_folder = load_data(root)
    from_zip = load_data(zip_folder(tmp_path / "set.zip", root, below, method))
    assert from_zip.class_names == from_folder.class_names and from_zip.channels == from_folder.channels == 1
    for name, split in from_folder.splits.items():
        other = from_zip.splits[name]
        assert other.names == [below + n for n in split.names] and other.labels.tolist() == split.labels.tolist()
        assert [read_bytes(m) for m in other.images] == [read_bytes(p) for p in split.images]


def test_a_zip_without_splits_is_divided_like_the_folder(tmp_path):
    root = make_folders(tmp_path / "set", {"a": 20, "b": 20})
    data, other = load_data(root), load_data(zip_folder(tmp_path / "set.zip", root))
    assert data.divided and other.divided
    assert all(class_by_name(data, name) == class_by_name(other, name) for name in data.splits)


def test_members_can_be_read_in_threads_and_processes(tmp_path):
    contents = {f"{c}/{i}.png": small(i) for c in "ab" for i in range(30)}
    members, _ = list_zip(zip_files(tmp_path / "set.zip", contents, zipfile.ZIP_DEFLATED))
    items = list(members.values())
    read_bytes(items[0])  # opens the zip in this process before others are forked
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read_bytes, items * 5)) == list(contents.values()) * 5
    assert [read_bytes(pickle.loads(pickle.dumps(item))) for item in items] == list(contents.values())
    with multiprocessing.get_context("fork").Pool(2) as processes:  # which would share an open zip
        assert processes.map(read_bytes, items, chunksize=1) == list(contents.values())


def test_fingerprints_tell_images_and_versions_apart(tmp_path):
    path = zip_files(tmp_path / "a.zip", {"x.png": small(1), "y.png": small(1)})
    first = {fingerprint(member) for member in list_zip(path)[0].values()}
    assert len(first) == 2
    zip_files(tmp_path / "b.zip", {"x.png": small(2), "y.png": small(1)}).replace(path)
    assert not first & {fingerprint(member) for member in list_zip(path)[0].values()}
    write(tmp_path / "x.png", small(1))
    before = fingerprint(tmp_path / "x.png")
    assert before == fingerprint(str(tmp_path / "x.png"))
    os.utime(tmp_path / "x.png", ns=(1, 1))
    assert before != fingerprint(tmp_path / "x.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableImage, match="not a regular file"):
        fingerprint(tmp_path / "pipe.png")


def test_a_zip_that_is_replaced_cut_or_gone_while_it_is_used(tmp_path):
    path = zip_files(tmp_path / "a.zip", {"x.png": small(1), "y.png": small(2)})
    x, y = list_zip(path)[0].values()
    assert read_bytes(x) == small(1)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(UnreadableImage, match="the zip was changed while it was in use"):
        read_bytes(y)
    path.unlink()
    with pytest.raises(UnreadableImage, match="no such file"):
        read_bytes(y)
    assert is_gray(y) is None


def test_one_damaged_member_is_skipped_alone(tmp_path):
    path = zip_files(tmp_path / "a.zip", {"x.png": small(1), "y.png": small(2), "empty.png": b""})
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 6] ^= 0xFF
    path.write_bytes(content)
    x, y, empty = list_zip(path)[0].values()
    with pytest.raises(UnreadableImage, match="damaged in the zip"):
        read_bytes(x)
    with pytest.raises(UnreadableImage, match="empty file"):
        read_bytes(empty)
    assert read_image(y).size == (8, 8)


def test_a_large_member_is_read_only_if_it_has_the_header_of_an_image(tmp_path, monkeypatch):
    monkeypatch.setattr("convscope.data.sources.zip_archive.LARGE", 50)
    bomb, photo = hostile.SKIPPED["bomb-12000.png"][0], hostile.USED["rgb.jpg"][0]
    path = zip_files(tmp_path / "a.zip", {"bomb.png": bomb, "photo.jpg": photo, "noise.png": os.urandom(500)})
    bomb_member, photo_member, noise = list_zip(path)[0].values()
    assert read_bytes(photo_member) == photo
    with pytest.raises(UnreadableImage, match="144 megapixels"):
        read_bytes(bomb_member)
    with pytest.raises(UnreadableImage, match="not an image"):
        read_bytes(noise)


def special(name: str, mode: int, content: bytes = b"/etc/passwd") -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.create_system = 3
    return info


def overlapping() -> bytes:
    """Return a zip with directory entries that share one file's bytes: so small zips unpack to petabytes."""
    content = os.urandom(300)
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 300, 300, 5, 0) + b"a.png" + content
    entries = b"".join(
        struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 300, 300, 5, 0, 0, 0, 0, 0, 0) + name
        for name in (b"a.png", b"b.png", b"c.png")
    )
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 3, 3, len(entries), len(local), 0)
    return local + entries + end


def zips(folder: Path) -> dict[str, str]:
    """Make hostile zip files, which also hold a good data set; return what the refusal of each says."""
    good = {f"{c}/{i}.png": small(40 * ord(c) + i) for c in "ab" for i in range(3)}
    names = {"up": "../x.png", "deep-up": "a/../../x.png", "absolute": "/tmp/x.png", "drive": "C:/x.png",
             "windows-up": "a\\..\\..\\x.png", "server": "\\\\server\\x.png"}  # fmt: skip
    for kind, name in names.items():
        zip_files(folder / f"{kind}.zip", {**good, name: small(1)})
    reasons = {f"{kind}.zip": "leads out of the zip" for kind in names}
    for kind, mode in (("link", stat.S_IFLNK), ("pipe", stat.S_IFIFO), ("device", stat.S_IFCHR)):
        with zipfile.ZipFile(zip_files(folder / f"{kind}.zip", good), "a") as archive:
            archive.writestr(special("a/x.png", mode | 0o777), b"/etc/passwd")
        reasons[f"{kind}.zip"] = r"'a/x\.png' is a link or a special file"
    zip_files(folder / "bomb.zip", {**good, "a/x.png": bytes(200_000_000)}, zipfile.ZIP_DEFLATED)
    zip_files(folder / "lzma.zip", good, zipfile.ZIP_LZMA)
    zip_files(folder / "deep.zip", {**good, "a/" * 5000 + "x.png": small(1)})
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(folder / "twice.zip", "w") as archive:
        for level in (1, 2):
            archive.writestr("a/1.png", small(level))
    locked = bytearray(zip_files(folder / "locked.zip", good).read_bytes())
    for at in [m.start() for m in re.finditer(b"PK\1\2", locked)]:
        locked[at + 8] |= 1
    write(folder / "locked.zip", bytes(locked))
    write(folder / "cut.zip", zip_files(folder / "cut.zip", good).read_bytes()[:-30])
    write(folder / "none.zip", b"this is no zip")
    write(folder / "empty.zip", b"")
    write(folder / "overlapping.zip", overlapping())
    os.mkfifo(folder / "fifo.zip")
    (folder / "gone.zip").symlink_to("nowhere")
    zip_files(folder / "nothing.zip", {})
    return reasons | {
        "bomb.zip": "200,000,000 bytes compressed into .*, a zip bomb",
        "lzma.zip": "compressed by a method that is not supported",
        "deep.zip": "more than 100 folders deep",
        "twice.zip": "two files are called 'a/1.png'",
        "locked.zip": "protected by a password",
        "cut.zip": "not a zip that can be read",
        "none.zip": "not a zip that can be read",
        "empty.zip": "not a zip that can be read",
        "overlapping.zip": "share their bytes, a zip bomb|not a zip that can be read",
        "fifo.zip": "not a regular file",
        "gone.zip": "link to a file that does not exist",
        "nothing.zip": "no images found",
    }


@pytest.mark.timeout(60)
def test_hostile_zips_are_refused_in_one_line(tmp_path):
    for name, reason in zips(tmp_path).items():
        with pytest.raises(DataError, match=reason) as refused:
            load_data(tmp_path / name)
        assert len(str(refused.value).splitlines()) == 1 and str(tmp_path / name) in str(refused.value)
        assert refused.value.exit_code == 3


def test_a_small_blank_picture_is_no_bomb(tmp_path):
    files = {f"{c}/{i}.bmp": hostile.encode(hostile.picture(np.full((4, 3), i)), "BMP") for c in "ab" for i in range(3)}
    assert len(load_data(zip_files(tmp_path / "a.zip", files, zipfile.ZIP_DEFLATED)).split("all")) == 6


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_mutated_zips_are_refused_or_read(tmp_path_factory, data):
    base = tmp_path_factory.getbasetemp() / "good.zip"
    if not base.exists():
        zip_files(base, {f"{c}/{i}.png": small(i) for c in "ab" for i in range(2)}, zipfile.ZIP_DEFLATED)
    content = bytearray(base.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    path = base.with_name("mutated.zip")
    path.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2]))])
    try:
        members = list_zip(path)[0].values()
    except DataError as problem:
        assert len(str(problem).splitlines()) == 1
        return
    for member in members:
        try:
            read_image(member)
        except UnreadableImage as problem:
            assert len(str(problem).splitlines()) == 1


def test_nothing_is_left_open_or_running(tmp_path):
    before = threading.active_count()
    for i in range(20):
        path = zip_files(tmp_path / f"{i}.zip", {"a/x.png": small(i)})
        read_bytes(next(iter(list_zip(path)[0].values())))
    left = [link for link in Path("/proc/self/fd").glob("*") if str(tmp_path) in os.path.realpath(link)]
    assert len(left) <= 4 and threading.active_count() == before
