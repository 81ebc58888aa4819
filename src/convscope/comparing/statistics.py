"""Means, deviations and paired differences of a few runs, without more statistics than a few runs can bear."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

# Student's t for a two-sided interval of 95 %, by degrees of freedom 1, 2, ...
T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
T95_OF_MANY = 1.96
# Up to this many pairs every choice of signs is tried; of more, as many random ones.
MAX_EXACT, RANDOM_SIGNS = 14, 20_000
ROUNDING = 1e-12


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (with n - 1; None for a single value) of n values."""

    mean: float
    deviation: float | None
    n: int


def spread(values: Sequence[float]) -> Spread:
    """Return mean, deviation and number of the values."""
    n = len(values)
    mean = math.fsum(values) / n
    if n < 2:
        return Spread(mean, None, n)
    return Spread(mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1)), n)


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % confidence interval of the mean of normal values (Student); None for a single value."""
    found = spread(values)
    if found.deviation is None:
        return None
    t = T95[found.n - 2] if found.n - 1 <= len(T95) else T95_OF_MANY
    half = t * found.deviation / math.sqrt(found.n)
    return found.mean - half, found.mean + half


def sign_flip_p(differences: Sequence[float]) -> float:
    """Return the two-sided p of Fisher's randomisation test for paired differences.

    If neither were better, each difference could as well have the other sign: p is the share of all choices of signs
    whose mean is as far from 0 as the one that was measured. It cannot be smaller than 2 / 2^n.
    """
    n, measured = len(differences), abs(math.fsum(differences))
    if n <= MAX_EXACT:
        signs = itertools.product((1, -1), repeat=n)
    else:
        rng = random.Random(0)
        signs = (tuple(rng.choice((1, -1)) for _ in range(n)) for _ in range(RANDOM_SIGNS))  # type: ignore[assignment]
    tried = extreme = 0
    for choice in signs:
        tried += 1
        total = abs(math.fsum(sign * value for sign, value in zip(choice, differences, strict=True)))
        extreme += total >= measured - ROUNDING
    return extreme / tried
