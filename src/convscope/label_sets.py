"""Sets of classes that hold the true one in a share of cases that is asked for (split conformal prediction).

Vovk et al. 2005; the score is that of Sadinle et al. 2019: a class is in the set of a picture if its probability is at
least what the true classes of enough held-out images had. So the promise holds for any network, however badly its
probabilities are calibrated, on average over pictures of the same kind as those images; not for each class by itself.
The likeliest class is always in the set, which can only hold the true class more often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import ModelFileError, UsageError

# So many of the probabilities are stored; of more images only these, evenly spaced.
MOST_STORED = 1000
# Of a probability: engines differ by less.
NEAR = 1e-4


@dataclass(frozen=True)
class LabelSets:
    """What is known from `n` images that neither trained the network nor chose its epoch.

    `probabilities` are those of their true classes, descending; of more than 1,000 images every so many.
    """

    n: int
    probabilities: tuple[float, ...]

    @classmethod
    def of(cls, probabilities: Sequence[float]) -> LabelSets:
        """Return what to store of the probabilities of all the images' true classes."""
        falling = sorted(map(float, probabilities), reverse=True)
        n, stored = len(falling), min(len(falling), MOST_STORED)
        return cls(n, tuple(float(f"{falling[rank - 1]:.6g}") for rank in _ranks(n, stored)))

    @property
    def most(self) -> float:
        """The largest share that so few images allow."""
        return self.n / (self.n + 1)

    def least(self, coverage: float) -> float | None:
        """Return the probability from which on a class is in the set; None if there are too few images for that share.

        At least that of the ceil((n + 1) coverage)-th largest: then one more image of the kind has its true class in
        the set with the probability `coverage` or more.
        """
        wanted = math.ceil((self.n + 1) * coverage - 1e-9)
        ranks = _ranks(self.n, len(self.probabilities))
        found = next((p for p, rank in zip(self.probabilities, ranks, strict=True) if rank >= wanted), None)
        return None if found is None else found * (1 - NEAR)

    def to_config(self) -> dict[str, Any]:
        """Return what a bundle's configuration has about this."""
        return {"n": self.n, "probabilities": list(self.probabilities)}


def label_sets_of(stored: Any, where: str) -> LabelSets | None:
    """Return what a bundle's configuration says about sets; ModelFileError if it makes no sense."""
    if stored is None:
        return None
    n, values = (stored.get("n"), stored.get("probabilities")) if isinstance(stored, dict) else (None, None)
    if type(n) is not int or not 1 <= n <= 10**12 or not isinstance(values, list):
        raise ModelFileError(f"{where} must hold a number n of images and their probabilities")
    shares = all(type(value) in (int, float) and 0 <= value <= 1 for value in values)
    if not shares or values != sorted(values, reverse=True) or len(values) != min(n, MOST_STORED):
        raise ModelFileError(f"{where}: probabilities must be {min(n, MOST_STORED):,} falling numbers from 1 to 0")
    return LabelSets(n, tuple(map(float, values)))


def members(probabilities: np.ndarray, least: float) -> np.ndarray:
    """Return which classes are in the set of each picture, N x classes (bool), and always the likeliest."""
    chosen = probabilities >= least
    chosen[np.arange(len(chosen)), probabilities.argmax(1)] = True
    return chosen


def check_coverage(coverage: float) -> None:
    """UsageError unless `coverage` is a share between 0 and 1."""
    if not 0 < coverage < 1:
        raise UsageError(f"set-coverage must lie between 0 and 1, such as 0.9, not {coverage:g}")


def _ranks(n: int, stored: int) -> list[int]:
    return [-(-(i + 1) * n // stored) for i in range(stored)]
