"""ConvScope's own output and what systems leave behind are no classes."""

from __future__ import annotations

import pytest

from convscope.data import load_data

from ..hostile import small, write
from ..sets import make_folders


def test_runs_below_the_data_are_left_out_and_said(tmp_path, caplog):
    make_folders(tmp_path, {"cat": 3, "dog": 3})
    for name in ("train/a", "train/b"):
        write(tmp_path / f"runs/{name}/recipe.yaml", b"model: lenet5")
        write(tmp_path / f"runs/{name}/env.json", b"{}")
        write(tmp_path / f"runs/{name}/layer.png", small(9))
    write(tmp_path / "runs/explain/seven/map.png", small(8))
    assert load_data(tmp_path).class_names == ["cat", "dog"]
    assert caplog.text.count("output of convscope, left out of the data set") == 1


def test_a_run_or_a_bundle_anywhere_is_known_by_its_files(tmp_path, caplog):
    make_folders(tmp_path, {"cat": 3, "dog": 3})
    for files in (("recipe.yaml", "env.json"), ("config.json", "model.safetensors")):
        for name in files:
            write(tmp_path / f"mine-{files[0]}" / name, b"x")
        write(tmp_path / f"mine-{files[0]}" / "map.png", small(7))
    assert load_data(tmp_path).class_names == ["cat", "dog"]
    assert caplog.text.count("output of convscope") == 2


def test_a_class_may_be_called_runs(tmp_path):
    make_folders(tmp_path, {"runs": 3, "jumps": 3})
    assert load_data(tmp_path).class_names == ["jumps", "runs"]


@pytest.mark.parametrize("name", ["@eaDir", "$RECYCLE.BIN", "lost+found", "__MACOSX", "System Volume Information"])
def test_the_folders_of_systems_are_no_classes(name, tmp_path):
    make_folders(tmp_path, {"cat": 3, "dog": 3, name: 2, f"cat/{name}": 2})
    data = load_data(tmp_path)
    assert data.class_names == ["cat", "dog"] and len(data.split("all")) == 6
