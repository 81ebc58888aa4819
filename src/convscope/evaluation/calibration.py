"""Calibration: are answers with 80 % confidence right in 80 % of the cases? Measured, and put right by a temperature.

The confidence of an answer is the probability of its class. The expected calibration error (ECE) is over bins of
equally many images: 15 of them, fewer if they would have less than 10 images each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .proportion import wilson_interval
from .smooth_calibration import error_by_chance, smooth_curve, smooth_error

BINS, FEWEST_PER_BIN = 15, 10
# Temperatures are searched between the inverses of these; the search halves the interval this many times.
COLDEST, HOTTEST, HALVINGS = 0.05, 20.0, 60


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature T for which softmax(logits / T) has the least log loss (Guo et al. 2017).

    Logits N x classes, labels N. A share 1/(N + 2) of every label is spread over all classes, as Platt 1999 does, so
    that a few images that are all right do not make T = 0.
    """
    scores, n, classes = logits.double(), len(labels), logits.shape[1]
    spread = 1 / (n + 2)
    target = F.one_hot(labels, classes).double() * (1 - spread) + spread / classes
    wanted = (target * scores).sum(1)
    # The loss is convex in 1/T: its derivative there, the mean of expected less wanted logit, changes sign once.
    low, high = np.log(1 / HOTTEST), np.log(1 / COLDEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        expected = ((scores * np.exp(middle)).softmax(1) * scores).sum(1)
        low, high = (middle, high) if float((expected - wanted).mean()) < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))


def reliability(confidence: Tensor, correct: Tensor) -> list[dict[str, Any]]:
    """Return the bins of the reliability diagram, of equally many images, by rising confidence.

    Each has `n`, the mean `confidence`, the `accuracy` and its 95 % `interval`. Both arguments have a value per image.
    """
    order = confidence.double().argsort(stable=True)
    bins = max(min(BINS, len(order) // FEWEST_PER_BIN), 1)
    rows = []
    for part in torch.tensor_split(order, bins):
        hits = int(correct[part].sum())
        rows.append(
            {
                "n": len(part),
                "confidence": float(confidence[part].double().mean()),
                "accuracy": hits / len(part),
                "interval": list(wilson_interval(hits, len(part))),
            }
        )
    return rows


def calibration_error(bins: list[dict[str, Any]]) -> float:
    """Return the ECE of the bins: the mean distance of accuracy and confidence, weighed by their images."""
    total = sum(row["n"] for row in bins)
    return sum(row["n"] * abs(row["accuracy"] - row["confidence"]) for row in bins) / total


def coverage_curve(confidence: Tensor, correct: Tensor, points: int = 100) -> list[dict[str, float]]:
    """Return `threshold`, `coverage` and `accuracy` if only answers from a confidence on are given, most of them first.

    `coverage` is the share of images that are answered. At most `points` steps; equal confidences are one step.
    """
    order = confidence.double().argsort(descending=True, stable=True)
    values, hits = confidence.double()[order].numpy(), np.cumsum(correct[order].numpy())
    last = np.flatnonzero(np.append(np.diff(values) != 0, True))
    chosen = last[np.unique(np.linspace(0, len(last) - 1, min(points, len(last))).round().astype(int))]
    return [
        {"threshold": float(values[i]), "coverage": (i + 1) / len(values), "accuracy": float(hits[i] / (i + 1))}
        for i in reversed(chosen.tolist())
    ]


def calibration_figures(logits: Tensor, labels: Tensor, temperature: float = 1.0) -> dict[str, Any]:
    """Return `temperature`, `log_loss`, `brier` and the `reliability_figures` of softmax(logits / temperature).

    Logits N x classes.
    """
    from .ranking import brier_score

    scaled = logits.double() / temperature
    probabilities = scaled.softmax(1)
    best = probabilities.max(1)
    return {
        "temperature": temperature,
        "log_loss": float(F.cross_entropy(scaled, labels)),
        "brier": brier_score(probabilities, labels),
        **reliability_figures(best.values, best.indices == labels),
    }


def reliability_figures(confidence: Tensor, correct: Tensor) -> dict[str, Any]:
    """Return how far confidence and accuracy are apart, for N confidences and whether those answers were right.

    `smooth_ece`, what 95 % of calibrated classifiers show at most (`smooth_ece_by_chance`), the `curve` of the accuracy
    with its band, and of bins `ece` and `reliability`.
    """
    values, right = confidence.double().clamp(0, 1).numpy(), correct.numpy()
    bins, smooth = reliability(confidence, correct), smooth_error(values, right)
    return {
        "ece": calibration_error(bins),
        "smooth_ece": smooth,
        "smooth_ece_by_chance": error_by_chance(values),
        "reliability": bins,
        "curve": smooth_curve(values, right, smooth),
    }
