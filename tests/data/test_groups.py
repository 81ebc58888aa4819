"""Groups: one patient, video or object in one split only."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.model_selection import StratifiedGroupKFold

from convscope.data import load_data
from convscope.data.check.report import check_data
from convscope.data.groups import cut_groups, divide_by_group, guess_group_by
from convscope.data.split import Split, redivide, split_table
from convscope.errors import UsageError

from .hostile import small, write
from .sets import make_folders


def build(root, names):
    for i, name in enumerate(names):
        write(root / name, small(i + 1))
    return root


def splits_of_groups(data) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, split in data.splits.items():
        for image in split.names:
            found.setdefault(data.groups[image], set()).add(name)
    return found


VIDEOS = [f"{c}/vid{v}_frame_{f:03d}.png" for c, range_ in (("cat", range(8)), ("dog", range(8, 16)))
          for v in range_ for f in range(4)]  # fmt: skip
PATIENTS = [f"{c}/patient{p:02d}/{i}.png" for p in range(12) for c in ("ill", "well") for i in range(2)]


@pytest.mark.parametrize(
    ("names", "group_by", "groups"),
    [(VIDEOS, r"pattern:(vid\d+)_", 16), (PATIENTS, "depth:2", 12), (PATIENTS, "pattern:patient[0-9]+", 12)],
)
def test_no_group_lies_in_two_splits(names, group_by, groups, tmp_path):
    data = load_data(build(tmp_path, names), folders="classes", group_by=group_by)
    found = splits_of_groups(data)
    assert len(found) == groups and all(len(where) == 1 for where in found.values()) and not cut_groups(data)
    assert set(data.splits) == {"train", "val", "test"} and sum(map(len, data.splits.values())) == len(names)
    assert set(data.splits["train"].labels.tolist()) == {0, 1} and "no group in two splits" in data.origin.splits


def test_a_column_of_the_table(tmp_path):
    build(tmp_path, [f"images/{i}.png" for i in range(24)])
    rows = [f"{i}.png,{'ab'[i % 2]},p{i // 3}" for i in range(24)]
    write(tmp_path / "t.csv", "\n".join(["file,label,patient", *rows]).encode())
    data = load_data(tmp_path, group_by="column:patient")
    assert all(len(where) == 1 for where in splits_of_groups(data).values())
    table = list(csv.DictReader(io.StringIO(split_table(data).decode())))
    assert table[0].keys() == {"path", "label", "split", "group"} and {row["group"] for row in table} == {
        f"p{i}" for i in range(8)
    }
    again = redivide(load_data(tmp_path), split_table(data))
    assert {n: sorted(s.names) for n, s in again.splits.items()} == {n: sorted(s.names) for n, s in data.splits.items()}


@pytest.mark.parametrize(
    ("group_by", "reason"),
    [
        ("patient", "must be column:NAME, depth:N or pattern:REGEX, not 'patient'"),
        ("column:patient", "has no column 'patient': it has no table with one"),
        ("depth:3", "depth must be from 1 to 2"),
        ("depth:x", "depth must be from 1 to 2"),
        ("pattern:[", "no regular expression"),
        ("pattern:zebra", "matches no image's path, such as"),
        ("pattern:patient", "puts all images into one group"),
        ("pattern:^", "puts each image into a group of its own"),
        ("", "must be column:NAME, depth:N or pattern:REGEX"),
    ],
)
def test_a_grouping_that_the_data_does_not_have_is_refused(group_by, reason, tmp_path):
    with pytest.raises(UsageError, match=reason) as refused:
        load_data(build(tmp_path, PATIENTS), folders="classes", group_by=group_by)
    assert len(str(refused.value).splitlines()) == 1


def test_given_splits_stay_and_the_groups_that_they_cut_are_named(tmp_path, caplog):
    names = [f"{s}/{c}/p{p}_{i}.png" for i, s in enumerate(("train", "test")) for c in "ab" for p in range(4)]
    data = load_data(build(tmp_path, [*names, "train/a/p9_1.png"]), group_by=r"pattern:(p\d)_")
    assert "in more than one split" in caplog.text and "4 groups (p0, p1, p2, p3)" in caplog.text
    assert len(data.splits["test"]) == 8
    found = splits_of_groups(data)
    assert not any({"train", "val"} <= where for where in found.values())


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 14)), min_size=6, max_size=120), st.booleans())
def test_any_division_keeps_groups_and_images(images, several):
    labels = np.array([label for label, _ in images])
    marks = np.eye(3, dtype=np.uint8)[labels] if several else labels
    whole = Split(np.zeros((len(images), 2, 2), np.uint8), marks, [f"{i:03d}" for i in range(len(images))])
    groups = {name: str(group) for name, (_, group) in zip(whole.names, images, strict=True)}
    parts = divide_by_group(whole, groups, 0.2, 0.2)
    assert sorted(name for part in parts.values() for name in part.names) == whole.names
    where: dict[str, set[str]] = {}
    for part, split in parts.items():
        for name in split.names:
            where.setdefault(groups[name], set()).add(part)
    assert all(len(found) == 1 for found in where.values())
    held = parts["train"].labels
    assert set(labels.tolist()) <= set(held.tolist() if held.ndim == 1 else np.flatnonzero(held.any(0)).tolist())
    order = np.random.default_rng(1).permutation(len(whole))
    again = divide_by_group(whole.take(order), groups, 0.2, 0.2)
    assert {n: sorted(p.names) for n, p in again.items()} == {n: sorted(p.names) for n, p in parts.items()}


def test_shares_are_as_good_as_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    ours, theirs = [], []
    for _ in range(10):
        groups_of = rng.integers(0, 60, 600)
        labels = (groups_of + rng.integers(0, 2, 600)) % 4
        whole = Split(np.zeros((600, 1, 1), np.uint8), labels, [f"{i:03d}" for i in range(600)])
        groups = {name: str(group) for name, group in zip(whole.names, groups_of, strict=True)}
        test = divide_by_group(whole, groups, 0, 0.2)["test"]
        fold = next(StratifiedGroupKFold(5, shuffle=True, random_state=0).split(labels, labels, groups_of))[1]
        total = np.bincount(labels, minlength=4)
        for found, errors in ((test.labels, ours), (labels[fold], theirs)):
            errors.append(np.abs(np.bincount(found, minlength=4) / total - 0.2).mean())
    assert np.mean(ours) <= 1.2 * np.mean(theirs) + 0.01


@pytest.mark.parametrize(("names", "guess"), [(VIDEOS, "pattern:"), (PATIENTS, "depth:2")])
def test_likely_groups_are_guessed_and_said(names, guess, tmp_path, caplog):
    data = load_data(build(tmp_path, names), folders="classes")
    group_by, examples = guess_group_by(data)
    assert group_by.startswith(guess) and len(examples) == (16 if names is VIDEOS else 12)
    assert f"give --group-by '{group_by}'" in caplog.text
    caplog.clear()
    grouped = load_data(tmp_path, folders="classes", group_by=group_by)
    assert not cut_groups(grouped) and "seem to come in groups" not in caplog.text


@pytest.mark.parametrize(
    "name",
    ["{c}/{i:04d}.jpg", "{c}/{c}.{i}.jpg", "{c}/{c}_s_{i:06d}.png", "{c}/IMG_{i:04d}.jpg", "{c}/images/{c}_{i}.JPEG"],
)
def test_plain_numbers_are_no_groups(name, tmp_path, caplog):
    build(tmp_path, [name.format(c=c, i=i) for c in ("cat", "dog", "n01443537") for i in range(12)])
    assert guess_group_by(load_data(tmp_path)) is None and "groups" not in caplog.text


def test_a_column_of_groups_is_guessed_and_said(tmp_path, caplog):
    """As in HAM10000, where most lesions have one image and some have several."""
    build(tmp_path, [f"images/{i}.png" for i in range(24)])
    rows = [f"{i}.png,{'ab'[i % 2]},HAM_{max(i - 4, 0)},p" for i in range(24)]
    write(tmp_path / "t.csv", "\n".join(["file,label,lesion_id,place", *rows]).encode())
    load_data(tmp_path)
    assert "give --group-by 'column:lesion_id'" in caplog.text
    with pytest.raises(UsageError, match=r"path of an image, such as .*\d.png, has no folder: give column:NAME"):
        load_data(tmp_path, group_by="depth:1")


def test_bundled_digits_have_no_groups(caplog):
    assert guess_group_by(load_data("mnist-5k")) is None and caplog.text == ""


def test_small_folders_still_load(tmp_path):
    assert load_data(make_folders(tmp_path, {"a": 2, "b": 2})).class_names == ["a", "b"]


def test_images_that_look_the_same_name_the_grouping_that_holds_them_together(tmp_path):
    """Bursts whose names have no number before that of the shot: only the pictures tell that they belong together."""
    random = np.random.default_rng(0)
    for i, bird in enumerate(["robin", "wren", "finch", "crow", "swift", "tit", "jay", "owl"]):
        coarse = Image.fromarray(random.integers(40, 200, (5, 5), dtype=np.uint8))
        scene = coarse.resize((48, 48), Image.Resampling.BICUBIC)
        for shot in range(3):
            brighter = Image.fromarray((np.asarray(scene) + 4 * shot).astype(np.uint8))
            path = tmp_path / ("near" if i % 2 else "far") / f"{bird}_{shot}.png"
            path.parent.mkdir(exist_ok=True)
            brighter.save(path)
    found = [each.message for each in check_data(tmp_path, near=True).problems if each.kind == "likely-groups"]
    assert len(found) == 1 and "of all 8 would stay together with --group-by 'pattern:" in found[0]
    group_by = found[0].rpartition("--group-by '")[2][:-1]
    data = load_data(tmp_path, group_by=group_by)
    assert not cut_groups(data) and len(set(data.groups.values())) == 8
    assert not [each for each in check_data(tmp_path, interpretation={"group_by": group_by}, near=True).problems
                if each.kind in ("likely-groups", "near-two-splits")]  # fmt: skip
