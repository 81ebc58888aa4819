"""IDX, the format of MNIST: compressed and not, both spellings and layouts, and everything that can be wrong."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.data import load_data
from convscope.data.sources.file_tree import open_folder
from convscope.data.sources.idx import find_idx, read_idx, read_idx_pair
from convscope.errors import DataError

from ..sets import IDX_IMAGES, IDX_LABELS, idx_bytes, write_idx_set


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("joint", "-.")
@pytest.mark.parametrize("inner", ["", "raw"])
def test_every_spelling_and_layout_gives_the_same_arrays(tmp_path, inner, joint, ending):
    write_idx_set(tmp_path / inner, joint, ending)
    found = find_idx(open_folder(tmp_path))
    assert set(found) == {"train", "test"} and "t10k" in found["test"][0].name
    images, labels = read_idx_pair(*found["train"], classes=10)
    np.testing.assert_array_equal(images, IDX_IMAGES)
    np.testing.assert_array_equal(labels, IDX_LABELS)
    assert labels.dtype == np.int64 and images.dtype == np.uint8


def test_each_of_the_four_files_may_be_compressed_or_not(tmp_path):
    write_idx_set(tmp_path)
    path = tmp_path / "t10k-labels-idx1-ubyte"
    (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert find_idx(open_folder(tmp_path))["test"][1].name.endswith(".gz")


def test_labels_that_count_from_1_and_several_sets_in_a_folder(tmp_path):
    """As the letters of EMNIST do, and EMNIST has several sets in one folder."""
    for name in ("letters", "digits"):
        for part in ("train", "test"):
            (tmp_path / f"emnist-{name}-{part}-images-idx3-ubyte").write_bytes(idx_bytes(IDX_IMAGES))
            (tmp_path / f"emnist-{name}-{part}-labels-idx1-ubyte").write_bytes(idx_bytes(IDX_LABELS // 3 + 1))
    with pytest.raises(DataError, match=r"several sets \(emnist-digits-..., emnist-letters-...\): keep"):
        load_data(tmp_path)
    for path in tmp_path.glob("emnist-digits*"):
        path.unlink()
    data = load_data(tmp_path)
    assert data.class_names == ["1", "2", "3", "4"] and data.splits["test"].labels.tolist() == [1, 0, 3, 0, 0]


@pytest.mark.parametrize("lost", range(4))
def test_a_file_that_is_missing_beside_the_others_is_named(tmp_path, lost):
    path = sorted(write_idx_set(tmp_path).iterdir())[lost]
    path.unlink()
    part, role = ("test" if "t10k" in path.name else "train"), ("image" if "image" in path.name else "label")
    with pytest.raises(DataError, match=f"the {role}s of {part} are missing beside the other IDX files"):
        find_idx(open_folder(tmp_path))


packed = gzip.compress(idx_bytes(IDX_IMAGES))
WRONG = {
    "magic of labels": ("a", idx_bytes(IDX_IMAGES, magic=0x0801), "magic number 0x00000801"),
    "magic of floats": ("a", idx_bytes(IDX_IMAGES, magic=0x0D03), "magic number 0x00000d03"),
    "not idx at all": ("a", b"<html>not found</html>", "magic number"),
    "compressed but not called so": ("a", packed, "magic number 0x1f8b"),
    "empty": ("a", b"", "0 bytes are too few"),
    "only half a header": ("a", idx_bytes(IDX_IMAGES)[:10], "10 bytes are too few"),
    "cut": (
        "a",
        idx_bytes(IDX_IMAGES)[:-1],
        "the header says 5 x 4 x 3 = 60 bytes, there are 59: cut short or damaged",
    ),
    "too long": ("a", idx_bytes(IDX_IMAGES) + b"x", "there are 61"),
    "too many in the header": ("a", idx_bytes(IDX_IMAGES, shape=(2**32 - 1,) * 3), "cut short or damaged"),
    "no images": ("a", idx_bytes(IDX_IMAGES[:0]), "empty, its header says 0 x 4 x 3"),
    "no pixels": ("a", idx_bytes(IDX_IMAGES[:, :0]), "empty, its header says 5 x 0 x 3"),
    "called compressed but is not": ("a.gz", idx_bytes(IDX_IMAGES), "cannot be read"),
    "gzip cut": ("a.gz", packed[:-12], "cannot be read"),
    "gzip with a wrong checksum": ("a.gz", packed[:-8] + bytes(8), "cannot be read"),
    "gzip damaged": ("a.gz", packed[:15] + b"\xff" * 9 + packed[24:], "cannot be read"),
    "gzip with junk after it": ("a.gz", packed + b"junk", "cannot be read"),
    "gzip empty": ("a.gz", b"", "0 bytes are too few"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_refused_with_its_name_in_one_line(tmp_path, case):
    name, content, reason = WRONG[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=reason) as refused:
        read_idx(tmp_path / name, 3)
    assert str(tmp_path / name) in str(refused.value) and len(str(refused.value).splitlines()) == 1
    assert refused.value.exit_code == 3


@pytest.mark.parametrize("name", ["bomb.gz", "bomb"])
def test_what_is_far_too_large_is_not_read_to_its_end(tmp_path, monkeypatch, name):
    """Of a sparse file or a compressed one, at most the limit is read."""
    monkeypatch.setattr("convscope.data.sources.idx.LIMIT", 1 << 20)
    (tmp_path / name).write_bytes(gzip.compress(bytes(3 << 20)) if name.endswith("gz") else bytes(3 << 20))
    with pytest.raises(DataError, match=r"more than 1 MiB|over the limit of 1 MB"):
        read_idx(tmp_path / name, 3)


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "gone", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_idx(path, 3)


def test_images_and_labels_must_match(tmp_path):
    (tmp_path / "images").write_bytes(idx_bytes(IDX_IMAGES))
    (tmp_path / "labels").write_bytes(idx_bytes(IDX_LABELS[:4]))
    with pytest.raises(DataError, match=r"images has 5 images but .*labels has 4 labels"):
        read_idx_pair(tmp_path / "images", tmp_path / "labels", 10)
    (tmp_path / "labels").write_bytes(idx_bytes(IDX_LABELS))
    with pytest.raises(DataError, match="label 9 is out of range for 9 classes"):
        read_idx_pair(tmp_path / "images", tmp_path / "labels", 9)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    content=st.binary(max_size=60),
    head=st.sampled_from([b"", idx_bytes(IDX_IMAGES)[:16], packed[:20]]),
    gz=st.booleans(),
)
def test_random_bytes_are_refused_or_read(tmp_path_factory, content, head, gz):
    path = tmp_path_factory.getbasetemp() / ("random.gz" if gz else "random")
    path.write_bytes(head + content)
    try:
        assert read_idx(path, 3).ndim == 3
    except DataError as problem:
        assert len(str(problem).splitlines()) == 1
