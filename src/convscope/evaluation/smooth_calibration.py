"""Calibration without bins: the smooth calibration error, and the accuracy by confidence with its 95 % band.

Błasiok & Nakkiran 2023, "Smooth ECE": what a classifier says and what happens is smoothed over the confidence by a
Gaussian that the ends 0 and 1 reflect. Its width is the error itself, so that nobody has to choose one, and a small
change of the confidences changes the error little, which the error over bins does not promise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .proportion import wilson_interval

# Cells between 0 and 1 for the smoothing, halvings of the search for the width, points of the curve.
CELLS, HALVINGS, POINTS = 2048, 24, 101
# Drawings of answers that are right as often as they claim, with cells and halvings of their own, since there are many,
# and the share of them below the limit.
DRAWINGS, DRAWN_CELLS, DRAWN_HALVINGS, USUAL = 100, 512, 11, 0.95
# The fewest images that a point of the curve is worth.
FEWEST = 3.0


def smooth_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Return the smooth calibration error of N confidences, 0 to 1, whose answers were `correct` or not, N."""
    off = np.asarray(correct, np.float64) - confidence
    position = confidence * CELLS - 0.5  # between the centres of two cells, which share it
    below = np.floor(position).astype(int)
    share = position - below
    cells = np.bincount(np.clip(below, 0, None), off * (1 - share), CELLS)
    cells += np.bincount(np.clip(below + 1, None, CELLS - 1), off * share, CELLS)
    return float(_errors(cells[None], len(confidence), HALVINGS)[0])


def error_by_chance(confidence: np.ndarray) -> float:
    """Return what 95 % of calibrated classifiers with these confidences show at most, for so few images."""
    cell = _cell(confidence, DRAWN_CELLS)
    n, total = (np.bincount(cell, weights, DRAWN_CELLS) for weights in (None, confidence))
    share = np.clip(total / np.maximum(n, 1), 0, 1)
    drawn = np.random.default_rng(0).binomial(n.astype(int), share, (DRAWINGS, DRAWN_CELLS))
    return float(np.quantile(_errors(drawn - total, len(confidence), DRAWN_HALVINGS), USUAL))


def smooth_curve(confidence: np.ndarray, correct: np.ndarray, width: float) -> list[dict[str, Any]]:
    """Return points of the accuracy by confidence, smoothed by a Gaussian of `width`, from the least confidence on.

    Each has `confidence`, `accuracy`, its 95 % `interval` (Wilson's, for the number of images that the smoothed value
    is worth), and `density`, 1 on average over the whole axis. Where hardly any image is, there is no point. The
    confidence is smoothed too, other than in the paper: so the curve of a calibrated classifier is the diagonal, also
    at its ends.
    """
    places = np.linspace(confidence.min(), confidence.max(), POINTS)
    # Images with almost the same confidence share a cell: so the size of the kernel does not grow with their number.
    used, cell = np.unique(_cell(confidence, CELLS), return_inverse=True)
    n, hits, total = (np.bincount(cell, weights) for weights in (None, correct, confidence))
    kernel = _kernel(places, (used + 0.5) / CELLS, max(width, 1 / CELLS))
    weight, right, claimed = kernel @ n, kernel @ hits, kernel @ total
    worth = weight**2 / np.maximum(np.square(kernel) @ n, 1e-300)
    rows = []
    for i in np.flatnonzero(worth >= min(FEWEST, len(confidence))).tolist():
        accuracy = min(right[i] / weight[i], 1.0)
        interval = wilson_interval(accuracy * worth[i], worth[i])
        density = weight[i] / len(confidence)
        point = {"confidence": min(claimed[i] / weight[i], 1.0), "accuracy": accuracy, "density": density}
        rows.append({**{key: round(float(value), 5) for key, value in point.items()}, "interval": _rounded(interval)})
    return rows


def _rounded(values: tuple[float, ...]) -> list[float]:
    return [round(float(value), 5) for value in values]


def _kernel(places: np.ndarray, centres: np.ndarray, width: float) -> np.ndarray:
    """Return the density at each place of a Gaussian around each centre that 0 and 1 reflect, places x centres."""
    images = [sign * centres + 2 * turn for turn in (-1, 0, 1) for sign in (1, -1)]
    total = sum(np.exp(-0.5 * ((places[:, None] - image) / width) ** 2) for image in images)
    return np.asarray(total / (width * np.sqrt(2 * np.pi)))


def _cell(confidence: np.ndarray, cells: int) -> np.ndarray:
    return np.minimum((confidence * cells).astype(int), cells - 1)


def _errors(values: np.ndarray, n: int, halvings: int) -> np.ndarray:
    """Return for each row of `values`, R x cells, the width at which their smoothed sum over n is that width, R."""
    cells = values.shape[1]
    # Mirrored once and repeated: the reflected Gaussian is a product in the Fourier transform.
    waves = np.fft.rfft(np.concatenate([values, values[:, ::-1]], 1))
    frequency = np.pi * np.arange(cells + 1)
    low, high = np.zeros(len(values)), np.ones(len(values))
    for _ in range(halvings):  # the error falls as the width grows, so they meet once
        width = (low + high) / 2
        damped = waves * np.exp(-0.5 * (frequency * width[:, None]) ** 2)
        above = np.abs(np.fft.irfft(damped, 2 * cells)[:, :cells]).sum(1) / n > width
        low, high = np.where(above, width, low), np.where(above, high, width)
    return (low + high) / 2
