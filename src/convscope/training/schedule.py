"""The learning rate as a function of progress: 0 at the first step of a training, 1 behind its last.

Progress, not steps, so that one and the same curve fits a number of epochs and a time budget.
"""

from __future__ import annotations

import math
from collections.abc import Callable


def constant(progress: float) -> float:
    """The full rate throughout."""
    return 1.0


def linear(progress: float) -> float:
    """From the full rate straight down to 0."""
    return 1 - progress


def cosine(progress: float) -> float:
    """From the full rate to 0 along half a cosine (Loshchilov and Hutter, arXiv 1608.03983, without restarts)."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def step(progress: float) -> float:
    """A tenth of the rate from half of the training on, a hundredth from three quarters on (He et al., 2015)."""
    return 0.1 ** ((progress >= 0.5) + (progress >= 0.75))


def one_cycle(progress: float, rise: float = 0.3, start: float = 1 / 25, end: float = 1 / 250_000) -> float:
    """Up to the full rate for `rise` of the training, then down to nearly nothing, both along a cosine.

    Smith and Topin, arXiv 1708.07120, with the numbers of torch's OneCycleLR (whose momentum cycle is left out).
    """
    if progress < rise:
        return start + (1 - start) * 0.5 * (1 - math.cos(math.pi * progress / rise))
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * (progress - rise) / (1 - rise)))


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "linear": linear,
    "one-cycle": one_cycle,
    "cosine": cosine,
    "step": step,
}


def rate_factor(schedule: str, progress: float, warmup: float = 0.0) -> float:
    """What the recipe's rate is multiplied with; over the first `warmup` share it grows linearly from 0."""
    progress = min(max(progress, 0.0), 1.0)
    ramp = min((progress / warmup) if warmup else 1.0, 1.0)
    return ramp * SCHEDULES[schedule](progress)
