"""A resumed run whose images are others names them."""

from __future__ import annotations

import shutil

import pytest

import convscope as cs
from convscope.training.prepare.changed_images import describe_changes

HEAD = b"path,label,split\n"


def test_each_kind_of_change_is_counted_and_named():
    before = HEAD + b"a.png,cat,train\nb.png,cat,train\nc.png,dog,val\n"
    now = HEAD + b"a.png,dog,train\nc.png,dog,val\n" + b"".join(b"n%d.png,cat,train\n" % i for i in range(6))
    assert describe_changes(before, now) == (
        "6 images added (n0.png, n1.png, n2.png, n3.png, n4.png, ...), 1 image removed (b.png), "
        "1 image with another label or split (a.png)"
    )
    assert describe_changes(before, before) == ""
    digests = [
        HEAD[:-1] + b",digest\n" + b"a.png,cat,train,%b\nb.png,cat,train,00\n" % mark for mark in (b"01", b"02", b"")
    ]
    assert describe_changes(digests[0], digests[1]) == "1 image with another content (a.png)"
    assert describe_changes(digests[0], digests[2]) == ""


def test_a_refused_resume_names_the_files(tmp_path, squares):
    data = tmp_path / "data"
    for name in ("train", "val"):
        shutil.copytree(squares, data / name)
    cs.train(data, "softmax_regression", epochs=1, output=tmp_path, name="run", show=False)
    shutil.copy(data / "train" / "dark" / "00.png", data / "train" / "dark" / "new.png")
    (data / "train" / "bright" / "00.png").unlink()
    with pytest.raises(cs.ModelFileError, match=r"1 image added .*new\.png.*, 1 image removed .*00\.png") as refused:
        cs.resume(tmp_path / "run", epochs=2, show=False)
    assert len(str(refused.value).splitlines()) == 1


def test_a_run_goes_on_without_images_that_were_added_to_a_set_that_it_divided(tmp_path, squares):
    shutil.copytree(squares, tmp_path / "data")
    first = cs.train(tmp_path / "data", "softmax_regression", epochs=1, output=tmp_path, name="run", show=False)
    shutil.copy(tmp_path / "data" / "dark" / "00.png", tmp_path / "data" / "dark" / "0new.png")
    again = cs.resume(tmp_path / "run", epochs=2, show=False)
    assert [row["epoch"] for row in again.history] == [1, 2] and again.history[0] == first.history[0]


@pytest.mark.parametrize("digests", [True, False])  # the tables of older runs have none
def test_a_file_of_the_same_name_with_other_content_is_named(tmp_path, squares, digests):
    shutil.copytree(squares, tmp_path / "data")
    cs.train(tmp_path / "data", "softmax_regression", epochs=1, output=tmp_path, name="run", show=False)
    shutil.copy(tmp_path / "data" / "dark" / "00.png", tmp_path / "data" / "dark" / "01.png")
    table = tmp_path / "run" / "split.csv"
    if not digests:
        table.write_text("".join(f"{line.rpartition(',')[0]}\n" for line in table.read_text().splitlines()))
    said = r"1 image with another content \(.*dark/01.png\)" if digests else "content of at least one file has changed"
    with pytest.raises(cs.ModelFileError, match=said):
        cs.resume(tmp_path / "run", epochs=2, show=False)


def test_weights_that_do_not_fit_leave_no_run_folder(tmp_path, squares):
    (tmp_path / "w.pt").write_bytes(b"no weights")
    with pytest.raises(cs.ConvScopeError, match="holds more than weights"):
        cs.train(squares, "lenet5", weights=str(tmp_path / "w.pt"), output=tmp_path / "runs", name="run", show=False)
    assert not (tmp_path / "runs" / "run").exists()
