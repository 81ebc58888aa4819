"""Means, intervals and the sign-flip test, against SciPy and by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from convscope.comparing.statistics import interval, sign_flip_p, spread

SAMPLES = [np.random.default_rng(n).normal(0.4, 1, n).tolist() for n in (2, 3, 5, 9, 31, 40)]


@pytest.mark.parametrize("values", SAMPLES, ids=len)
def test_means_and_intervals_are_scipys(values):
    stats = pytest.importorskip("scipy.stats")
    found = spread(values)
    assert (found.mean, found.deviation, found.n) == pytest.approx(
        (np.mean(values), np.std(values, ddof=1), len(values))
    )
    expected = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert interval(values) == pytest.approx(expected, abs=0.02 if len(values) > 31 else 2e-3)


def test_one_value_has_no_deviation_and_no_interval():
    assert spread([3.0]).deviation is None and interval([3.0]) is None


@pytest.mark.parametrize("values", SAMPLES[:4], ids=len)
def test_sign_flips_are_counted(values):
    signs = np.array(list(itertools.product((1, -1), repeat=len(values))))
    expected = np.mean(np.abs(signs @ np.array(values)) >= abs(sum(values)) - 1e-9)
    assert sign_flip_p(values) == pytest.approx(expected)
    stats = pytest.importorskip("scipy.stats")
    test = stats.permutation_test((np.array(values),), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_p(values) == pytest.approx(test.pvalue)


def test_equal_signs_have_the_smallest_p_and_no_difference_the_largest():
    assert sign_flip_p([1.0, 2.0, 0.5]) == 2 / 2**3
    assert sign_flip_p([0.0, 0.0]) == 1.0
    assert sign_flip_p([0.1] * 20) < 0.001 and sign_flip_p([0.1, -0.1] * 10) > 0.9
