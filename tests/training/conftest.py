"""What several tests of trainings share: a small network on some of the digits, from which others start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import convscope as cs

OPTIONS = {"show": False, "precision": "float32", "layout": "contiguous", "batch_size": 64}


def digits(*classes: int) -> cs.Data:
    """Some of scikit-learn's digits, as a data set of their own."""
    whole = cs.load_data("digits")
    splits = {}
    for name, split in whole.splits.items():
        part = split.take(np.flatnonzero(np.isin(split.labels, classes)))
        splits[name] = replace(part, labels=np.searchsorted(classes, part.labels).astype(np.int64))
    return replace(whole, name="digits", class_names=[str(c) for c in classes], splits=splits)


@pytest.fixture(scope="session")
def low(tmp_path_factory) -> cs.Run:
    """mnist_fast, which has batch norms, on the digits from 0 to 5."""
    place = tmp_path_factory.mktemp("low")
    return cs.train(digits(0, 1, 2, 3, 4, 5), "mnist_fast", epochs=5, output=place, **OPTIONS)
