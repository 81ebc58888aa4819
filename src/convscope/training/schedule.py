"""Learning rate schedules (`--schedule`): the rate as a function of progress, 0 at the first step and 1 at the end.

Progress, not the number of the step, so that the same curve fits a number of epochs and a time budget.
"""

from __future__ import annotations

import math
from collections.abc import Callable


def constant(progress: float) -> float:
    """Keep the full rate."""
    return 1.0


def linear(progress: float) -> float:
    """Fall from the full rate to 0 in a straight line."""
    return 1 - progress


def cosine(progress: float) -> float:
    """Fall from the full rate to 0 along half a cosine (Loshchilov and Hutter, arXiv 1608.03983, without restarts)."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def step(progress: float) -> float:
    """Fall to a tenth of the rate at half of the training, to a hundredth at three quarters (He et al., 2015)."""
    return 0.1 ** ((progress >= 0.5) + (progress >= 0.75))


def step3(progress: float) -> float:
    """Fall to a tenth of the rate at 1/3, 2/3 and 8/9 of the training: epochs 30, 60, 80 of 90 (Goyal et al., 2017)."""
    return 0.1 ** ((progress >= 1 / 3) + (progress >= 2 / 3) + (progress >= 8 / 9))


def one_cycle(progress: float, rise: float = 0.3, start: float = 1 / 25, end: float = 1 / 250_000) -> float:
    """Rise to the full rate over the share `rise` of the training, then fall to nearly 0, both along a cosine.

    Smith and Topin, arXiv 1708.07120, with the numbers of torch's OneCycleLR, but without its cycle of the momentum.
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
    "step3": step3,
}


def rate_factor(schedule: str, progress: float, warmup: float = 0.0) -> float:
    """Return the factor of the recipe's rate; over the first share `warmup` it also rises linearly from 0."""
    progress = min(max(progress, 0.0), 1.0)
    ramp = min((progress / warmup) if warmup else 1.0, 1.0)
    return ramp * SCHEDULES[schedule](progress)
