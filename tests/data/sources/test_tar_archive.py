"""Tar files, also compressed, are read in place like the folder that they were made from; hostile ones are refused."""

from __future__ import annotations

import errno
import gzip
import io
import lzma
import multiprocessing
import os
import pickle
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.data import load_data
from convscope.data.image_file import UnreadableImage, fingerprint, read_bytes, read_image
from convscope.data.sources.spool import Spool
from convscope.data.sources.tar_archive import list_tar
from convscope.errors import DataError
from convscope.problems import collect_problems

from ..hostile import SKIPPED, USED, small, write
from ..sets import class_by_name, make_folders

COUNTS = {"train/a": 4, "train/b": 4, "val/a": 2, "val/b": 2, "test/b": 1}
PACKED = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2"}


def tar_files(path: Path, files: dict[str, bytes], mode: str = "w", form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, mode, format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def good() -> dict[str, bytes]:
    return {f"{c}/{i}.png": small(40 * ord(c) + i) for c in "ab" for i in range(3)}


@pytest.mark.parametrize("ending", PACKED)
@pytest.mark.parametrize("below", ["", "./", "photos/"])
def test_a_tar_is_the_folder_that_it_was_made_from(tmp_path, ending, below):
    root = make_folders(tmp_path / "set", COUNTS)
    write(root / "train/a/._1.png", b"junk that macOS adds")
    from_folder = load_data(root)
    path = tmp_path / f"set{ending}"
    with tarfile.open(path, PACKED[ending]) as archive:
        archive.add(root, below.rstrip("/") or "./")
    from_tar = load_data(path)
    assert from_tar.class_names == from_folder.class_names
    assert from_tar.origin.splits == "folders train, val, test"
    for name, split in from_folder.splits.items():
        other = from_tar.splits[name]
        assert other.names == [below.removeprefix("./") + n for n in split.names]
        assert [read_bytes(m) for m in other.images] == [read_bytes(p) for p in split.images]


@pytest.mark.parametrize("form", ["gnu", "ustar", "posix", "v7"])
def test_a_tar_of_the_tar_program(tmp_path, form):
    make_folders(tmp_path / "set", {"cat": 3, "dog": 3})
    subprocess.run(["tar", f"--format={form}", "-cf", "../set.tar", "."], cwd=tmp_path / "set", check=True)
    subprocess.run(["tar", "-czf", "../set.tgz", "cat", "dog"], cwd=tmp_path / "set", check=True)
    expected = class_by_name(load_data(tmp_path / "set"), "all")
    assert class_by_name(load_data(tmp_path / "set.tar"), "all") == expected
    assert class_by_name(load_data(tmp_path / "set.tgz"), "all") == expected


def test_long_names_and_names_in_chinese(tmp_path):
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        files = {f"{'folder' * 30}/{c}/{i}.png": small(i) for c in ("猫", "狗") for i in range(3)}
        data = load_data(tar_files(tmp_path / f"{form}.tar", files, form=form))
        assert sorted(data.class_names) == ["狗", "猫"]


def test_names_in_another_encoding(tmp_path):
    path = tmp_path / "set.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, encoding="gb18030") as archive:
        for name, content in {f"{c}/{i}.png": small(i + 9 * len(c)) for c in ("猫", "狗狗") for i in range(3)}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert sorted(load_data(path, encoding="gb18030").class_names) == ["狗狗", "猫"]
    with pytest.raises(DataError, match="not text in ascii: choose another --encoding") as refused:
        load_data(path, encoding="ascii")
    assert len(str(refused.value).splitlines()) == 1


def test_a_table_in_a_tar(tmp_path):
    files = {f"images/{i}.png": small(i) for i in range(8)}
    rows = "image,label\n" + "".join(f"{i},{'cat' if i % 2 else 'dog'}\n" for i in range(8))
    data = load_data(tar_files(tmp_path / "set.tar.gz", {**files, "labels.csv": rows.encode()}, "w:gz"))
    assert data.class_names == ["cat", "dog"] and data.origin.classes == "column label of labels.csv"


def test_members_can_be_read_in_threads_and_processes(tmp_path):
    contents = {f"{c}/{i}.png": small(i) for c in "ab" for i in range(30)}
    for mode in ("w", "w:gz"):
        items = list(list_tar(tar_files(tmp_path / f"{mode[1:]}.tar", contents, mode))[0].values())
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(read_bytes, items * 5)) == list(contents.values()) * 5
        assert [read_bytes(pickle.loads(pickle.dumps(item))) for item in items] == list(contents.values())
        with multiprocessing.get_context("fork").Pool(2) as processes:  # which inherit what is open
            assert processes.map(read_bytes, items, chunksize=1) == list(contents.values())


def test_fingerprints_tell_images_and_versions_apart(tmp_path):
    path = tar_files(tmp_path / "a.tar", {"x.png": small(1), "y.png": small(1)})
    items = list(list_tar(path)[0].values())
    first = {fingerprint(member) for member in items}
    assert len(first) == 2
    tar_files(tmp_path / "b.tar", {"x.png": small(2), "y.png": small(1)}).replace(path)
    assert not first & {fingerprint(member) for member in list_tar(path)[0].values()}
    with pytest.raises(UnreadableImage, match="changed while it was in use"):
        read_bytes(items[0])


def test_a_large_member_is_read_only_if_it_has_the_header_of_an_image(tmp_path, monkeypatch):
    monkeypatch.setattr("convscope.data.sources.tar_archive.LARGE", 50)
    bomb, photo = SKIPPED["bomb-12000.png"][0], USED["rgb.jpg"][0]
    files = {"bomb.png": bomb, "photo.jpg": photo, "noise.png": os.urandom(500), "empty.png": b""}
    bomb_member, _, noise, empty = list_tar(tar_files(tmp_path / "a.tar", files))[0].values()
    for member, reason in ((bomb_member, "144 megapixels"), (noise, "not an image"), (empty, "empty file")):
        with pytest.raises(UnreadableImage, match=reason):
            read_bytes(member)


def tars(folder: Path) -> dict[str, str]:
    """Make hostile tars, which also hold a good data set; return what the refusal of each says."""
    names = {"up": "../x.png", "deep-up": "a/../../x.png", "absolute": "/etc/x.png", "windows-up": "a\\..\\..\\x.png",
             "drive": "C:/x.png"}  # fmt: skip
    for kind, name in names.items():
        tar_files(folder / f"{kind}.tar", {**good(), name: small(1)})
        tar_files(folder / f"{kind}.tar.gz", {**good(), name: small(1)}, "w:gz")
    reasons = {f"{kind}{end}": "leads out of the tar" for kind in names for end in (".tar", ".tar.gz")}
    special = {"link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "pipe": tarfile.FIFOTYPE, "block": tarfile.BLKTYPE,
               "device": tarfile.CHRTYPE, "sparse": tarfile.GNUTYPE_SPARSE}  # fmt: skip
    for kind, number in special.items():
        with tarfile.open(tar_files(folder / f"{kind}.tar", good()), "a") as archive:
            info = tarfile.TarInfo("a/x.png")
            info.type, info.linkname = number, "/etc/passwd"
            archive.addfile(info)
        reasons[f"{kind}.tar"] = r"'a/x\.png' is a link or a special file"
    whole = tar_files(folder / "cut.tar", good()).read_bytes()
    write(folder / "cut.tar", whole[:1200])
    second = 512 + 512 * -(-len(next(iter(good().values()))) // 512)
    write(folder / "damaged.tar", whole[:second] + b"\xff" * 512 + whole[second + 512 :])
    write(folder / "cut.tar.gz", gzip.compress(whole)[:-40])
    write(folder / "xz.tar", lzma.compress(whole))
    write(folder / "bomb.tar.gz", gzip.compress(bytes(200_000_000), 1))
    write(folder / "none.tar", b"this is no tar")
    write(folder / "none.tar.gz", b"this is no tar")
    write(folder / "empty.tar", b"")
    tar_files(folder / "twice.tar", good())
    with tarfile.open(folder / "twice.tar", "a") as archive:
        archive.addfile(tarfile.TarInfo("a/1.png"))
    os.mkfifo(folder / "fifo.tar")
    return reasons | {
        "cut.tar": "not a tar that can be read",
        "damaged.tar": "not a tar that can be read .damaged after 1 files",
        "cut.tar.gz": "not a tar that can be read",
        "xz.tar": "not a tar that can be read",
        "bomb.tar.gz": "unpacks to more than 100 times its size",
        "none.tar": "not a tar that can be read",
        "none.tar.gz": "not a tar that can be read",
        "empty.tar": "not a tar that can be read",
        "twice.tar": "two files are called 'a/1.png'",
        "fifo.tar": "not a regular file",
    }


@pytest.mark.timeout(60)
def test_hostile_tars_are_refused_in_one_line(tmp_path):
    for name, reason in tars(tmp_path).items():
        with pytest.raises(DataError, match=reason) as refused:
            load_data(tmp_path / name)
        assert len(str(refused.value).splitlines()) == 1 and str(tmp_path / name) in str(refused.value)


def test_a_tar_that_lost_its_end_at_a_file_is_read_with_a_warning(tmp_path):
    path = tar_files(tmp_path / "a.tar", good())
    write(path, path.read_bytes().rstrip(b"\0") + b"\0" * 512)
    size = len(path.read_bytes()) // 512 * 512
    write(path, path.read_bytes()[:size])
    with collect_problems() as problems:
        assert len(load_data(path).split("all")) == 6
    assert [problem.kind for problem in problems] in ([], ["cut-archive"])


def test_a_folder_without_room_for_what_is_unpacked_is_named(tmp_path, monkeypatch):
    class Full(io.BytesIO):
        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("convscope.data.sources.spool.tempfile.TemporaryFile", Full)
    with pytest.raises(DataError, match=r"set.tar.gz: its content does not fit .*No space left.*TMPDIR"):
        load_data(tar_files(tmp_path / "set.tar.gz", good(), "w:gz"))


def test_a_spool_leaves_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spool = Spool()
    assert spool.append(b"abc", "x") == 0 and spool.append(b"defg", "x") == 3
    spool.finish("x")
    assert spool.read(3, 4) == b"defg" and spool.read(6, 9) == b"g"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["set.rar", "set.7z", "set.tar.xz", "set.txz", "set.tar.zst"])
def test_other_archives_are_refused_with_what_to_do(tmp_path, name):
    write(tmp_path / name, b"Rar!")
    with pytest.raises(DataError, match=r"archives of this kind are not read: unpack it, or pack it as .zip"):
        load_data(tmp_path / name)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_mutated_tars_are_refused_or_read(tmp_path_factory, data):
    base = tmp_path_factory.getbasetemp() / "good.tar"
    if not base.exists():
        tar_files(base, {f"{c}/{i}.png": small(i) for c in "ab" for i in range(2)})
    content = bytearray(base.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 5000))] = data.draw(st.integers(0, 255))
    path = base.with_name("mutated.tar")
    path.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2]))])
    try:
        members = list_tar(path)[0].values()
    except DataError as problem:
        assert len(str(problem).splitlines()) == 1
        return
    for member in members:
        try:
            read_image(member)
        except UnreadableImage as problem:
            assert len(str(problem).splitlines()) == 1
