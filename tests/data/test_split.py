"""Dividing a data set: shares of every class, the same division every time, and its table."""

from __future__ import annotations

import csv

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.data import load_data
from convscope.data.split import Split, divide, redivide, split_table


def make_split(counts: list[int], names: list[str] | None = None) -> Split:
    labels = np.repeat(np.arange(len(counts)), counts)
    names = names or [f"{label}/{i}" for i, label in enumerate(labels)]
    return Split(np.arange(len(labels) * 4, dtype=np.uint8).reshape(-1, 2, 2), labels, names)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=6), seed=st.integers(0, 9))
def test_divide_takes_every_image_once_and_the_share_of_every_class(counts, seed):
    whole = make_split(counts)
    parts = divide(whole, 0.15, 0.15, seed)
    assert sorted(name for part in parts.values() for name in part.names) == sorted(whole.names)
    for label, count in enumerate(counts):
        sizes = {name: int((part.labels == label).sum()) for name, part in parts.items()}
        assert sizes["train"] >= 1 and (count < 2 or sizes["val"] >= 1) and (count < 3 or sizes["test"] >= 1)
        assert abs(sizes.get("val", 0) - 0.15 * count) <= 1 and abs(sizes.get("test", 0) - 0.15 * count) <= 1


def test_divide_depends_on_the_seed_and_not_on_the_order():
    whole = make_split([30, 30])
    reordered = whole.take(np.random.default_rng(0).permutation(60))
    one, two, other = divide(whole, 0.2, 0.2), divide(reordered, 0.2, 0.2), divide(whole, 0.2, 0.2, seed=1)
    assert all(set(one[name].names) == set(two[name].names) for name in one)
    assert set(one["test"].names) != set(other["test"].names)
    assert set(divide(whole, 0.2, 0)) == {"train", "val"} and set(divide(whole, 0, 0)) == {"train"}


def test_the_split_table_restores_a_division_without_images_added_later():
    data = load_data("digits")
    before = {name: sorted(part.names) for name, part in data.splits.items()}
    table = split_table(data)
    rows = list(csv.reader(table.decode().splitlines()))
    assert rows[0] == ["path", "label", "split"] and len(rows) == 1 + len(data.split("all"))
    later = Split(np.zeros((2, 8, 8), np.uint8), np.array([0, 1]), ["later/0", "later/1"])
    data.splits = divide(data.split("all").join(later), 0.3, 0.3, seed=7)
    assert {name: sorted(part.names) for name, part in redivide(data, table).splits.items()} == before
