"""Confidence intervals and bounds of a proportion."""

from __future__ import annotations

import math


def wilson_interval(correct: float, n: float, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return the 95 % confidence interval of a proportion, after Wilson 1927."""
    if n == 0:
        return 0.0, 1.0
    share = correct / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (max(centre - half, 0.0) if correct else 0.0), (min(centre + half, 1.0) if correct < n else 1.0)


def upper_bound(failures: int, n: int, risk: float = 0.05) -> float:
    """Return the one-sided upper bound of a proportion at level 1 - `risk`, after Clopper and Pearson 1934.

    The proportion p for which so few failures, or fewer, have the probability `risk`.
    """
    if failures >= n:
        return 1.0
    low, high = failures / n, 1.0
    for _ in range(60):
        p = (low + high) / 2
        low, high = (p, high) if _at_most(failures, n, p) > risk else (low, p)
    return high


def _at_most(failures: int, n: int, p: float) -> float:
    """Return the probability of at most so many failures among n, each of probability p."""
    return math.fsum(_probability(k, n, p) for k in range(failures + 1))


def _probability(k: int, n: int, p: float) -> float:
    if p <= 0 or p >= 1:
        return float(k == (n if p >= 1 else 0))
    chosen = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(chosen + k * math.log(p) + (n - k) * math.log1p(-p))


def mcnemar(only_first: int, only_second: int) -> float:
    """Return McNemar's exact two-sided p-value: can the difference of two classifiers be chance?

    The arguments are the numbers of images that only the first, and only the second classifier has right.
    """
    total, fewer = only_first + only_second, min(only_first, only_second)
    return min(2 * _at_most(fewer, total, 0.5), 1.0) if total else 1.0
