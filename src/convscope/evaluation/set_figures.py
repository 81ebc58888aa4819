"""Sets of classes measured: how often they hold the true class, and how many classes they have."""

from __future__ import annotations

from typing import Any

import torch

from ..abstention import Abstention
from ..label_sets import members
from .metrics import Evaluation
from .proportion import wilson_interval

# A class with fewer images than this does not tell how often its sets hold it.
FEWEST = 10


def set_figures(evaluation: Evaluation, abstention: Abstention, coverage: float) -> dict[str, Any]:
    """Return what the sets of `coverage` do on these images: `covered` is the share that hold the true class.

    `interval` is its 95 % interval, `mean_size` and `largest` are numbers of classes, `single` the share of sets of one
    class, `least_covered` the class that its sets hold least often, of those with at least ten images: the promise is
    for all classes together. `held_out` is the number of images from which the sets follow, `least_probability` what
    a class needs. UsageError as `Abstention.least_of_sets`.
    """
    least = abstention.least_of_sets(coverage)
    assert least is not None and abstention.sets is not None
    chosen = torch.from_numpy(members(evaluation.probabilities.numpy(), least))
    sizes, labels = chosen.sum(1), evaluation.labels
    held = chosen.gather(1, labels[:, None]).flatten()
    n, right = len(held), int(held.sum())
    classes: list[dict[str, Any]] = []
    for i, label in enumerate(evaluation.class_names):
        own = held[labels == i]
        if len(own) >= FEWEST:
            classes.append({"label": label, "covered": float(own.double().mean()), "support": len(own)})
    return {
        "coverage": coverage,
        "held_out": abstention.sets.n,
        "least_probability": least,
        "covered": right / n,
        "interval": list(wilson_interval(right, n)),
        "mean_size": float(sizes.double().mean()),
        "single": float((sizes == 1).double().mean()),
        "largest": int(sizes.max()),
        "least_covered": min(classes, key=lambda row: row["covered"], default=None),
    }
