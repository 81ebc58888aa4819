"""Calibration without bins: the smooth calibration error, and the accuracy by confidence with its 95 % band.

Błasiok & Nakkiran 2023, "Smooth ECE": what a classifier says and what happens is smoothed over the confidence by a
Gaussian that the ends 0 and 1 reflect. Its width is the error itself, so that nobody has to choose one, and a small
change of the confidences changes the error little, which the error over bins does not promise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .proportion import wilson_interval

# Cells between 0 and 1 for the smoothing, halvings of the search for the width.
CELLS, HALVINGS = 2048, 24
# Drawings of answers that are right as often as they claim, with cells and halvings of their own, since there are many,
# and the share of them below the limit.
DRAWINGS, DRAWN_CELLS, DRAWN_HALVINGS, USUAL = 100, 512, 11, 0.95
# Points of the curve, the cells and halvings for them, and the fewest images that a point is worth.
POINTS, CURVE_CELLS, CURVE_HALVINGS, FEWEST = 81, 1024, 10, 20.0


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
    is worth), and `density`, 1 on average over the whole axis. Two things are not as in the paper: the confidence is
    smoothed too, so that the curve of a calibrated classifier is the diagonal, also at its ends; and where hardly any
    image is, the Gaussian is wider, until the point is worth 20 of them or it cannot be wider.
    """
    places = np.linspace(confidence.min(), confidence.max(), POINTS)
    # Images with almost the same confidence share a cell: so the size of the kernel does not grow with their number.
    used, cell = np.unique(_cell(confidence, CURVE_CELLS), return_inverse=True)
    sums = np.stack([np.bincount(cell, weights) for weights in (None, correct, confidence)], 1)

    def smoothed(widths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        kernel = _kernel(places, (used + 0.5) / CURVE_CELLS, widths)
        values = kernel @ sums
        return values, values[:, 0] ** 2 / np.maximum(np.square(kernel) @ sums[:, 0], 1e-300)

    narrow, wide = np.full(POINTS, max(width, 1 / CURVE_CELLS)), np.ones(POINTS)
    enough = smoothed(narrow)[1] >= FEWEST
    for _ in range(CURVE_HALVINGS):
        middle = np.sqrt(narrow * wide)
        more = smoothed(middle)[1] >= FEWEST
        narrow, wide = np.where(more, narrow, middle), np.where(more, middle, wide)
    values, worth = smoothed(np.where(enough, max(width, 1 / CURVE_CELLS), wide))
    rows: list[dict[str, Any]] = []
    for (weight, right, claimed), n in reversed(list(zip(values.tolist(), worth.tolist(), strict=True))):
        if rows and claimed / weight >= rows[-1]["confidence"]:
            continue  # wide Gaussians may reach back to where most images are
        accuracy = min(right / weight, 1.0)
        point = {"confidence": min(claimed / weight, 1.0), "accuracy": accuracy, "density": weight / len(confidence)}
        interval = _rounded(wilson_interval(accuracy * n, n))
        rows.append({**{key: round(value, 5) for key, value in point.items()}, "interval": interval})
    return rows[::-1]


def _rounded(values: tuple[float, ...]) -> list[float]:
    return [round(float(value), 5) for value in values]


def _kernel(places: np.ndarray, centres: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Return the density at each place of a Gaussian of its width around each centre, reflected, places x centres."""
    images = [sign * centres + 2 * turn for turn in (-1, 0, 1) for sign in (1, -1)]
    total = sum(np.exp(-0.5 * ((places[:, None] - image) / widths[:, None]) ** 2) for image in images)
    return np.asarray(total / (widths[:, None] * np.sqrt(2 * np.pi)))


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
