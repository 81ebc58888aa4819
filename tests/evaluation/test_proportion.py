"""Intervals, bounds and McNemar's test, against published examples and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from convscope.evaluation.proportion import mcnemar, upper_bound, wilson_interval


def test_wilson_interval_is_the_published_example():
    # Newcombe 1998, method 3: 81 of 263 gives 0.2553 to 0.3662.
    low, high = wilson_interval(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson_interval(0, 10)[0] == 0 and wilson_interval(10, 10)[1] == 1
    for hits, n in ((0, 7), (3, 7), (499, 500)):
        theirs = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
        assert wilson_interval(hits, n) == pytest.approx((theirs.low, theirs.high))


def test_the_upper_bound_is_clopper_and_pearsons():
    for failures, n in ((0, 299), (1, 10), (7, 400), (9, 10), (10, 10)):
        theirs = stats.binomtest(failures, n, alternative="less").proportion_ci(0.95, method="exact").high
        assert upper_bound(failures, n) == pytest.approx(theirs, abs=1e-9)
    assert upper_bound(0, 0) == 1.0


def test_the_bound_holds_in_95_of_100_samples():
    failures = np.random.default_rng(0).binomial(300, 0.03, 2000)
    held = np.mean([upper_bound(int(k), 300) >= 0.03 for k in failures])
    assert 0.94 < held <= 1


def test_mcnemar_is_the_exact_binomial_test():
    for first, second in ((0, 0), (1, 0), (12, 3), (3, 12), (40, 41)):
        expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
        assert mcnemar(first, second) == pytest.approx(expected)


def test_the_interval_covers_the_true_accuracy_of_200_test_splits():
    """Of 20,000 images a classifier has 91 % right; 200 random splits of 500 are measured."""
    random = np.random.default_rng(0)
    right = random.permutation(np.arange(20_000) < 18_200)
    covered = 0
    for _ in range(200):
        low, high = wilson_interval(int(right[random.choice(20_000, 500, replace=False)].sum()), 500)
        covered += low <= 0.91 <= high
    assert 0.9 <= covered / 200 < 1
