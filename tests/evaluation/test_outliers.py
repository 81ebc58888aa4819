"""Images far from all others are found among features that are known, also where a few of them are alike."""

from __future__ import annotations

import numpy as np

from convscope.evaluation.outliers import far_images


def test_the_far_ones_are_found_the_farthest_first():
    features = np.random.default_rng(0).normal(size=(500, 40))
    features[[7, 70, 400]] += np.array([[6.0], [4.0], [8.0]])  # of all columns: beyond the others by their deviations
    features[[8, 9, 10]] = features[7] + np.random.default_rng(1).normal(scale=0.01, size=(3, 40))  # hides none
    found = far_images(features)
    assert {i for i, _ in found} == {7, 8, 9, 10, 70, 400} and found[0][0] == 400
    times = [times for _, times in found]
    assert times == sorted(times, reverse=True) and times[-1] > 1.5


def test_alike_images_have_none():
    assert far_images(np.random.default_rng(2).normal(size=(500, 40))) == []
    assert far_images(np.eye(10)) == []
